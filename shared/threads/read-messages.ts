import type { TableClient } from '@azure/data-tables';
import type { Blobs } from '../storage/blobs.ts';
import { readRows } from '../storage/read-rows.ts';
import type { Row } from '../storage/row.ts';
import { isNotFound } from '../storage/tables.ts';
import type { PlacedMessage } from './thread.ts';
import { HEAD, MESSAGES_END, messageKey, toPlaced } from './thread-rows.ts';

/** The size of one page, unless its first message is larger. */
const MAX_PAGE_BYTES = 4 * 1024 * 1024;

type Source = {
  readonly client: TableClient;
  readonly blobs: Blobs;
  /** The thread's id. */
  readonly id: string;
};

/** Reads up to `limit` messages from an index on, the oldest first; fewer if they are large. */
export async function readMessages(
  { client, blobs, id }: Source,
  from: number,
  limit: number,
): Promise<readonly PlacedMessage[]> {
  const keys = `RowKey gt '${messageKey(from + limit)}' and RowKey le '${messageKey(from)}'`;
  const rows = await readRows(client, `PartitionKey eq '${id}' and ${keys}`, limit);
  return toMessages(blobs, rows.toReversed());
}

/** Reads a thread's own row, if it exists, and its newest messages, the newest first, in one query. */
export async function readNewest({ client, blobs, id }: Source, limit: number) {
  const filter = `PartitionKey eq '${id}' and RowKey lt '${MESSAGES_END}'`;
  const [head, ...rows] = await readRows(client, filter, limit + 1);
  if (head?.rowKey !== HEAD) return { messages: [] };
  return { head, messages: await toMessages(blobs, rows) };
}

/** Reads up to `limit` messages before an index, the newest first; fewer if they are large. */
export async function readBefore(
  { client, blobs, id }: Source,
  place: number,
  limit: number,
): Promise<readonly PlacedMessage[]> {
  const keys = `RowKey gt '${messageKey(place)}' and RowKey lt '${MESSAGES_END}'`;
  return toMessages(blobs, await readRows(client, `PartitionKey eq '${id}' and ${keys}`, limit));
}

/** Returns no message for a blob that is gone. */
async function readBlob(blobs: Blobs, name: string): Promise<string> {
  try {
    return await blobs.read(name);
  } catch (error) {
    if (isNotFound(error)) return '';
    throw error;
  }
}

/** Returns the messages of the first rows, as many as fit into a page. */
async function toMessages(blobs: Blobs, rows: readonly Row[]): Promise<PlacedMessage[]> {
  let bytes = 0;
  const first = rows.filter((row, index) => {
    bytes += Number(row['bytes']);
    return index === 0 || bytes <= MAX_PAGE_BYTES;
  });
  const placed = await Promise.all(
    first.map(async (row) => {
      const json = row['json'] ?? (await readBlob(blobs, String(row['blob'])));
      return toPlaced(row, String(json));
    }),
  );
  // The others can be read all the same.
  return placed.filter((one) => one !== undefined);
}
