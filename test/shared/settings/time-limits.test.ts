import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { SettingsReader } from '../../../shared/base/settings-reader.ts';
import { type Limits, readLimits } from '../../../shared/settings/read-limits.ts';

/** What the platform's load balancer waits for a first byte, on every plan. */
const PLATFORM_MS = 230_000;

function read(env: Readonly<Record<string, string>> = {}): Limits {
  return readLimits(new SettingsReader(env));
}

test('gives a request up before the platform does, and is not ended by the host', async () => {
  const hostJson = JSON.parse(await readFile('host.json', 'utf8')) as { functionTimeout: string };
  expect(read().requestTimeoutMs).toBe(220_000);
  expect(read().requestTimeoutMs).toBeLessThan(PLATFORM_MS);
  // The host would end all streams of the worker whose stream takes longer than its limit.
  expect(hostJson.functionTimeout).toBe('-1');
});

test('never lets a stream be silent for as long as the platform allows', () => {
  const limits = read();
  expect(limits.streamTimeoutMs).toBeUndefined();
  expect(limits.streamOpenMs).toBeLessThan(30_000);
  expect(limits.streamOpenMs + limits.streamCommentMs).toBeLessThan(PLATFORM_MS);
  expect(limits.streamIdleTimeoutMs).toBeLessThan(PLATFORM_MS);
});

test('has no limit on how long a stream takes, unless one is set', () => {
  expect(read({ STREAM_TIMEOUT_MS: '600000' }).streamTimeoutMs).toBe(600_000);
});
