import { TableClient, type TransactionAction } from '@azure/data-tables';
import { afterEach, expect, test } from 'vitest';
import type { Readiness } from '../../shared/handlers/readiness.ts';
import { readRows } from '../../shared/storage/read-rows.ts';
import { takeStorageAccount } from '../support/azurite.ts';
import { type RouterServer, startServer } from '../support/server.ts';

const ROWS = 900;
const OFTEN = { PURGE_SCHEDULE: '*/2 * * * * *', DECISION_RETENTION_DAYS: '1' };

let servers: RouterServer[] = [];
afterEach(async () => {
  const codes = await Promise.all(servers.map((server) => server.stop()));
  servers = [];
  // A server that had ended before would have another code.
  expect(new Set(codes)).toEqual(new Set([0]));
});

async function start(count: number, connectionString: string): Promise<RouterServer[]> {
  const settings = { ...OFTEN, TABLES_CONNECTION_STRING: connectionString };
  servers = await Promise.all(Array.from({ length: count }, () => startServer(settings)));
  return servers;
}

async function purgeOf(what: string, { url }: RouterServer) {
  const response = await fetch(`${url}/ready`);
  const { background } = (await response.json()) as Readiness;
  return { ...background.find(({ name }) => name === `purge of ${what}`), status: response.status };
}

async function createOldDecisions(connectionString: string): Promise<TableClient> {
  const table = TableClient.fromConnectionString(connectionString, 'decisions', {
    allowInsecureConnection: true,
  });
  await table.createTable();
  for (let first = 0; first < ROWS; first += 100) {
    const actions = Array.from({ length: 100 }, (_, index): TransactionAction => {
      const rowKey = String(first + index).padStart(4, '0');
      return ['create', { partitionKey: '2026-01-01', rowKey }];
    });
    await table.submitTransaction(actions);
  }
  return table;
}

test('four instances purge one table at the same time, and none ends or fails', async () => {
  const { connectionString } = takeStorageAccount();
  const table = await createOldDecisions(connectionString);
  const instances = await start(4, connectionString);
  const filter = "PartitionKey eq '2026-01-01'";
  const left = () => readRows(table, filter, ROWS);
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
