import type { TableClient, TransactionAction } from '@azure/data-tables';
import { readRows } from './read-rows.ts';
import type { Row } from './row.ts';
import { isNotFound } from './tables.ts';

type Key = Pick<Row, 'partitionKey' | 'rowKey'>;

/** The most actions that the service takes as one transaction. */
const MAX_ACTIONS = 100;

/**
 * Removes rows; returns the number that this call removed. Other instances may remove the same rows
 * meanwhile: a row that is gone is no failure.
 */
export async function removeRows(client: TableClient, rows: readonly Key[]): Promise<number> {
  let removed = 0;
  for (const ofPartition of Map.groupBy(rows, (row) => row.partitionKey).values()) {
    for (let first = 0; first < ofPartition.length; first += MAX_ACTIONS) {
      removed += await removeBatch(client, ofPartition.slice(first, first + MAX_ACTIONS));
    }
  }
  return removed;
}

/** A transaction removes nothing if one of its rows is gone, so it is repeated with those that are left. */
async function removeBatch(client: TableClient, rows: readonly Key[]): Promise<number> {
  for (let left = rows; left.length > 0; ) {
    try {
      await client.submitTransaction(left.map(toDeletion));
      return left.length;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      const found = await findAmong(client, left);
      if (found.length === left.length) throw error;
      left = found;
    }
  }
  return 0;
}

function toDeletion({ partitionKey, rowKey }: Key): TransactionAction {
  return ['delete', { partitionKey, rowKey }];
}

/** Returns those of the rows of one partition that still exist. */
async function findAmong(client: TableClient, rows: readonly Key[]): Promise<Key[]> {
  const keys = rows.map(({ rowKey }) => rowKey).toSorted();
  const [partition, first, last] = [rows[0]?.partitionKey, keys[0], keys.at(-1)].map(quoted);
  const filter = `PartitionKey eq ${partition} and RowKey ge ${first} and RowKey le ${last}`;
  const existing = await readRows(client, filter);
  return existing.filter(({ rowKey }) => keys.includes(rowKey));
}

function quoted(text = ''): string {
  return `'${text.replaceAll("'", "''")}'`;
}
