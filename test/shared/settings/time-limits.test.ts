import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { SettingsReader } from '../../../shared/base/settings-reader.ts';
import { readLimits } from '../../../shared/settings/read-limits.ts';

/** What the platform's load balancer waits for a first byte, on every plan. */
const PLATFORM_MS = 230_000;

function requestTimeoutMs(setting?: string): number {
  const env = setting === undefined ? {} : { REQUEST_TIMEOUT_MS: setting };
  return readLimits(new SettingsReader(env)).requestTimeoutMs;
}

test('gives a request up before the platform does, and long before the host ends its worker', async () => {
  const hostJson = JSON.parse(await readFile('host.json', 'utf8')) as { functionTimeout: string };
  const [hours = 0, minutes = 0, seconds = 0] = hostJson.functionTimeout.split(':').map(Number);
  const functionTimeoutMs = ((hours * 60 + minutes) * 60 + seconds) * 1_000;
  expect(requestTimeoutMs()).toBe(220_000);
  expect(requestTimeoutMs()).toBeLessThan(PLATFORM_MS);
  // The highest value that can be set leaves time for a stream to end, too.
  expect(requestTimeoutMs('1500000')).toBeLessThan(functionTimeoutMs - 60_000);
});
