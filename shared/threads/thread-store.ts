import { randomUUID } from 'node:crypto';
import type { TableClient } from '@azure/data-tables';
import { mapSome } from '../base/map-some.ts';
import type { Blobs } from '../storage/blobs.ts';
import { createQueue } from '../storage/queue.ts';
import { getRow, pagesOf } from '../storage/read-rows.ts';
import type { Row } from '../storage/row.ts';
import { shareUntilFailure, writeToTable } from '../storage/tables.ts';
import { type Added, type Addition, appendMessages, type Seen } from './append-messages.ts';
import { holdKey, type KeyHold, type KeyRequest } from './hold-key.ts';
import { readBefore, readMessages, readNewest } from './read-messages.ts';
import { purgeThreads, removeThread } from './remove-threads.ts';
import type { PlacedMessage, Thread } from './thread.ts';
import { HEAD, listKey, listRowKey, markKey, toHeadRow, toThread } from './thread-rows.ts';

/** The storage of threads. Every operation throws the storage's error when it cannot be reached. */
export type ThreadStore = {
  create(thread: Pick<Thread, 'owner' | 'user' | 'metadata'>): Promise<Thread>;
  /** Returns undefined if the thread does not exist, has expired or is being deleted. */
  find(id: string): Promise<Thread | undefined>;
  /** Adds all messages or none. Throws as `appendMessages` does. */
  append(id: string, addition: Addition, seen?: Seen): Promise<Added>;
  /** Returns the row of a caller's key; undefined while no request with it was begun. */
  findKey(id: string, key: string): Promise<Row | undefined>;
  /** Takes a key for a request. Throws a KeyInUseError. */
  hold(id: string, key: string, request: KeyRequest): Promise<KeyHold>;
  /** Returns up to `limit` messages from an index on, the oldest first; fewer if they are large. */
  messages(id: string, from: number, limit: number): Promise<readonly PlacedMessage[]>;
  /** Returns a thread with up to `limit` messages, the newest first; fewer if they are large. */
  newest(id: string, limit: number): Promise<Newest | undefined>;
  /** Returns up to `limit` messages before an index, the newest first; fewer if they are large. */
  before(id: string, place: number, limit: number): Promise<readonly PlacedMessage[]>;
  /** Returns threads, the newest first, starting after `after`. */
  list(
    whose: Pick<Thread, 'owner' | 'user'>,
    limit: number,
    after?: Thread,
  ): Promise<readonly Thread[]>;
  /** Removes a thread with its messages and their blobs. */
  remove(thread: Thread): Promise<void>;
  /** Removes threads that expired before a time, and what is left of deleted ones; returns how many. */
  purge(before: Date): Promise<number>;
};

export type Newest = Seen & { readonly messages: readonly PlacedMessage[] };

type ThreadStoreOptions = {
  readonly loadClient: () => Promise<TableClient>;
  readonly blobs: Blobs;
  /** Time from the last addition to a thread until it expires. */
  readonly ttlMs: number;
  readonly now?: () => number;
};

const FOUND_AT_ONCE = 8;

/** Creates the storage of threads in Azure Table Storage, with large messages in Blob Storage. */
export function createThreadStore(options: ThreadStoreOptions): ThreadStore {
  const { blobs, ttlMs, now = Date.now } = options;
  const loadClient = shareUntilFailure(options.loadClient);
  // Requests of the same instance need not conflict with each other.
  const queue = createQueue();

  async function find(client: TableClient, id: string): Promise<Thread | undefined> {
    const head = await getRow(client, id, HEAD);
    return head && aliveThread(head);
  }

  function aliveThread(head: Row): Thread | undefined {
    const thread = toThread(head);
    return thread !== undefined && thread.expiresAt > now() ? thread : undefined;
  }

  return {
    create: async (wish) => {
      const createdAt = now();
      const id = `thread_${randomUUID().replaceAll('-', '')}`;
      const thread: Thread = {
        ...wish,
        id,
        createdAt,
        expiresAt: createdAt + ttlMs,
        count: 0,
        instructions: [],
      };
      const client = await loadClient();
      // The list's entry comes first: one without a thread is skipped, but a thread without one is lost.
      const entry = { partitionKey: listKey(thread), rowKey: listRowKey(thread), id };
      await writeToTable(client, () => client.upsertEntity(entry, 'Replace'));
      await client.upsertEntity(toHeadRow(thread), 'Replace');
      return thread;
    },
    find: async (id) => find(await loadClient(), id),
    append: (id, addition, seen) =>
      queue(id, async () =>
        appendMessages({ client: await loadClient(), blobs, id, ttlMs, now }, addition, seen),
      ),
    findKey: async (id, key) => getRow(await loadClient(), id, markKey(key)),
    hold: async (id, key, request) =>
      holdKey({ client: await loadClient(), id, now }, key, request),
    messages: async (id, from, limit) =>
      readMessages({ client: await loadClient(), blobs, id }, from, limit),
    newest: async (id, limit) => {
      const { head, messages } = await readNewest({ client: await loadClient(), blobs, id }, limit);
      const thread = head && aliveThread(head);
      return thread && { thread, etag: head.etag ?? '*', messages };
    },
    before: async (id, place, limit) =>
      readBefore({ client: await loadClient(), blobs, id }, place, limit),
    list: async (whose, limit, after) => {
      const client = await loadClient();
      const from = after === undefined ? '' : ` and RowKey gt '${listRowKey(after)}'`;
      const filter = `PartitionKey eq '${listKey(whose)}'${from}`;
      const threads: Thread[] = [];
      for await (const page of pagesOf(client, filter, limit)) {
        const found = await mapSome(page, FOUND_AT_ONCE, (row) => find(client, String(row['id'])));
        threads.push(...found.filter((thread) => thread !== undefined));
        if (threads.length >= limit) break;
      }
      return threads.slice(0, limit);
    },
    remove: async (thread) => removeThread(await loadClient(), blobs, thread),
    purge: async (before) => purgeThreads(await loadClient(), blobs, before),
  };
}
