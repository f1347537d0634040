import type { TableClient, TransactionAction } from '@azure/data-tables';
import { pagesOf } from '../storage/read-rows.ts';
import { dayOf } from './request-ids.ts';

const MAX_ACTIONS = 100;

/** Removes the decisions and outcomes of all days before `before`; returns the number of rows. */
export async function purgeDecisions(client: TableClient, before: Date): Promise<number> {
  const filter = `PartitionKey ge '2000' and PartitionKey lt '${dayOf(before.getTime())}'`;
  let removed = 0;
  for await (const page of pagesOf(client, filter, 1_000)) {
    for (const [partitionKey, rows] of Map.groupBy(page, (row) => row.partitionKey)) {
      for (let first = 0; first < rows.length; first += MAX_ACTIONS) {
        const actions = rows
          .slice(first, first + MAX_ACTIONS)
          .map(({ rowKey }): TransactionAction => ['delete', { partitionKey, rowKey }]);
        await client.submitTransaction(actions);
        removed += actions.length;
      }
    }
  }
  return removed;
}
