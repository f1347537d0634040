import { afterEach, expect, test } from 'vitest';
import type { Readiness } from '../../shared/handlers/readiness.ts';
import { PURGES_OFTEN, writeOldDecisions } from '../../tools/faults/purge-together.ts';
import { takeStorageAccount } from '../support/azurite.ts';
import { type RouterServer, startServer } from '../support/server.ts';

let servers: RouterServer[] = [];
afterEach(async () => {
  const codes = await Promise.all(servers.map((server) => server.stop()));
  servers = [];
  // A server that had ended before would have another code.
  expect(new Set(codes)).toEqual(new Set([0]));
});

async function start(count: number, connectionString: string): Promise<RouterServer[]> {
  const settings = { ...PURGES_OFTEN, TABLES_CONNECTION_STRING: connectionString };
  servers = await Promise.all(Array.from({ length: count }, () => startServer(settings)));
  return servers;
}

async function purgeOf(what: string, { url }: RouterServer) {
  const response = await fetch(`${url}/ready`);
  const { background } = (await response.json()) as Readiness;
  return { ...background.find(({ name }) => name === `purge of ${what}`), status: response.status };
}

test('four instances purge one table at the same time, and none ends or fails', async () => {
  const { connectionString } = takeStorageAccount();
  const left = await writeOldDecisions(connectionString);
  const instances = await start(4, connectionString);
  await expect.poll(left, { timeout: 20_000 }).toEqual([]);
  for (const server of instances) {
    await expect
      .poll(() => purgeOf('decisions', server), { timeout: 20_000 })
      .toEqual({
        name: 'purge of decisions',
        success_age_ms: expect.any(Number),
        failures_in_a_row: 0,
        status: 200,
      });
  }
});

test('a server whose tables are away purges nothing, says so, and goes on', async () => {
  const { connectionString } = takeStorageAccount();
  const away = connectionString.replace(/(TableEndpoint=http:\/\/[^:]+):\d+/, '$1:9');
  const [server] = await start(1, away);
  if (server === undefined) throw new Error('There is no server.');
  await expect
    .poll(async () => (await purgeOf('decisions', server)).failures_in_a_row, { timeout: 20_000 })
    .toBeGreaterThan(1);
  expect(await purgeOf('decisions', server)).toMatchObject({
    last_failure: expect.stringContaining('ECONNREFUSED'),
    status: 200,
  });
  expect(server.output()).toContain('"background-work-failed","job":"purge of decisions"');
});
