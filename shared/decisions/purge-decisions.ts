import type { TableClient } from '@azure/data-tables';
import { pagesOf } from '../storage/read-rows.ts';
import { removeRows } from '../storage/remove-rows.ts';
import { dayOf } from './request-ids.ts';

/** Removes the decisions and outcomes of all days before `before`; returns the number of rows that it removed. */
export async function purgeDecisions(client: TableClient, before: Date): Promise<number> {
  const filter = `PartitionKey ge '2000' and PartitionKey lt '${dayOf(before.getTime())}'`;
  let removed = 0;
  for await (const page of pagesOf(client, filter, 1_000))
    removed += await removeRows(client, page);
  return removed;
}
