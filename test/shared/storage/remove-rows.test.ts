import { randomUUID } from 'node:crypto';
import { TableClient, type TransactionAction } from '@azure/data-tables';
import { expect, test } from 'vitest';
import { purgeDecisions } from '../../../shared/decisions/purge-decisions.ts';
import { readRows } from '../../../shared/storage/read-rows.ts';
import { removeRows } from '../../../shared/storage/remove-rows.ts';
import { takeStorageAccount } from '../../support/azurite.ts';

const { connectionString } = takeStorageAccount();

function createTable(): TableClient {
  const name = `t${randomUUID().replaceAll('-', '')}`;
  return TableClient.fromConnectionString(connectionString, name, {
    allowInsecureConnection: true,
  });
}

async function fill(partitionKey: string, count: number, table = createTable()) {
  await table.createTable();
  const rows = Array.from({ length: count }, (_, index) => ({
    partitionKey,
    rowKey: `it's ${String(index).padStart(4, '0')}`,
  }));
  for (let first = 0; first < count; first += 100) {
    const some = rows.slice(first, first + 100);
    await table.submitTransaction(some.map((row): TransactionAction => ['create', row]));
  }
  return { table, rows };
}

async function countOf(table: TableClient): Promise<number> {
  return (await readRows(table, '', 1_000)).length;
}

test('rows that are gone do not keep the others', async () => {
  const { table, rows } = await fill('a', 250);
  const gone = rows.filter((_, index) => index % 7 === 0);
  await Promise.all(gone.map((row) => table.deleteEntity(row.partitionKey, row.rowKey)));
  expect(await removeRows(table, rows)).toBe(rows.length - gone.length);
  expect(await countOf(table)).toBe(0);
  expect(await removeRows(table, rows)).toBe(0);
});

test('a table that is gone has nothing left to remove', async () => {
  const { table, rows } = await fill('a', 10);
  await table.deleteTable();
  expect(await removeRows(table, rows)).toBe(0);
});

test('a failure of the service is one', async () => {
  const away = connectionString.replace(/(TableEndpoint=http:\/\/[^:]+):\d+/, '$1:9');
  const table = TableClient.fromConnectionString(away, 'rows', {
    allowInsecureConnection: true,
    retryOptions: { maxRetries: 0 },
  });
  await expect(removeRows(table, [{ partitionKey: 'a', rowKey: 'b' }])).rejects.toThrow();
});

test('each row is removed by one of several instances that purge at the same time', async () => {
  const { table } = await fill('2026-01-01', 900);
  const purges = Array.from({ length: 4 }, () => purgeDecisions(table, new Date('2026-02-01')));
  const removed = await Promise.all(purges);
  expect(removed.reduce((sum, one) => sum + one, 0)).toBe(900);
  expect(await countOf(table)).toBe(0);
});
