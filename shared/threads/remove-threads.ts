import type { TableClient } from '@azure/data-tables';
import type { Blobs } from '../storage/blobs.ts';
import { pagesOf } from '../storage/read-rows.ts';
import { removeRows } from '../storage/remove-rows.ts';
import { isNotFound } from '../storage/tables.ts';
import type { Thread } from './thread.ts';
import { HEAD, listKey, listRowKey } from './thread-rows.ts';

const PAGE_ROWS = 100;

/**
 * Removes a thread with its messages and blobs. The thread is marked first, so that no request adds to
 * it or reads it; its own row goes last, so that the next purge finishes an interrupted removal.
 */
export async function removeThread(
  client: TableClient,
  blobs: Blobs,
  thread: Pick<Thread, 'id' | 'owner' | 'user' | 'createdAt'>,
): Promise<void> {
  const { id } = thread;
  const head = { partitionKey: id, rowKey: HEAD };
  await client.updateEntity({ ...head, isDeleted: true }, 'Merge').catch(ignoreMissing);
  await blobs.removeAll(`${id}/`);
  await removeContent(client, id);
  await client.deleteEntity(listKey(thread), listRowKey(thread)).catch(ignoreMissing);
  await client.deleteEntity(id, HEAD).catch(ignoreMissing);
}

/** Removes threads that expired before a time, and those whose removal was interrupted; returns how many. */
export async function purgeThreads(
  client: TableClient,
  blobs: Blobs,
  before: Date,
): Promise<number> {
  const filter = `RowKey eq '${HEAD}' and (expiresAt lt '${before.toISOString()}' or isDeleted eq true)`;
  let removed = 0;
  for await (const page of pagesOf(client, filter, PAGE_ROWS)) {
    for (const row of page) {
      const user = row['user'];
      await removeThread(client, blobs, {
        id: row.partitionKey,
        owner: String(row['owner']),
        ...(typeof user === 'string' && { user }),
        createdAt: Date.parse(String(row['createdAt'])),
      });
      removed += 1;
    }
  }
  return removed;
}

/** Removes all rows of a thread except its own. */
async function removeContent(client: TableClient, id: string): Promise<void> {
  const filter = `PartitionKey eq '${id}' and RowKey ne '${HEAD}'`;
  for await (const page of pagesOf(client, filter, PAGE_ROWS)) await removeRows(client, page);
}

function ignoreMissing(error: unknown): void {
  if (!isNotFound(error)) throw error;
}
