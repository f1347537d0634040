import { randomUUID } from 'node:crypto';
import type { TableClient } from '@azure/data-tables';
import type { Blobs } from '../storage/blobs.ts';
import { getRow, pagesOf } from '../storage/read-rows.ts';
import type { Row } from '../storage/row.ts';
import { shareUntilFailure, writeToTable } from '../storage/tables.ts';
import {
  type Added,
  type Addition,
  appendMessages,
  readMark,
  type Seen,
} from './append-messages.ts';
import { readBefore, readMessages, readNewest } from './read-messages.ts';
import { purgeThreads, removeThread } from './remove-threads.ts';
import type { PlacedMessage, Thread } from './thread.ts';
import { createQueue } from './thread-queue.ts';
import { HEAD, listKey, listRowKey, type Mark, toHeadRow, toThread } from './thread-rows.ts';

/** Every operation throws what the storage throws when that cannot be reached. */
export type ThreadStore = {
  create(thread: Pick<Thread, 'owner' | 'user' | 'metadata'>): Promise<Thread>;
  /** Undefined for what is not there, has expired or is being deleted. */
  find(id: string): Promise<Thread | undefined>;
  /** All or nothing. Throws a ThreadNotFoundError, or a ThreadConflictError when nothing was added. */
  append(id: string, addition: Addition, seen?: Seen): Promise<Added>;
  /** What was added with a caller's key. */
  findMark(id: string, key: string): Promise<Mark | undefined>;
  /** So many messages from a place on, the oldest first; fewer where they are large. */
  messages(id: string, from: number, limit: number): Promise<readonly PlacedMessage[]>;
  /** A thread with its newest messages, the newest first; fewer than so many where they are large. */
  newest(id: string, limit: number): Promise<Newest | undefined>;
  /** The messages before a place, as `newest` gives them. */
  before(id: string, place: number, limit: number): Promise<readonly PlacedMessage[]>;
  /** The newest first, behind one of them if it is given. */
  list(
    whose: Pick<Thread, 'owner' | 'user'>,
    limit: number,
    after?: Thread,
  ): Promise<readonly Thread[]>;
  /** With its messages and their blobs. */
  remove(thread: Thread): Promise<void>;
  /** Those that had expired before this moment, and what is left of deleted ones; gives how many. */
  purge(before: Date): Promise<number>;
};

export type Newest = Seen & { readonly messages: readonly PlacedMessage[] };

type ThreadStoreOptions = {
  readonly loadClient: () => Promise<TableClient>;
  readonly blobs: Blobs;
  /** A thread is kept so long after the last addition. */
  readonly ttlMs: number;
  readonly now?: () => number;
};

const WRITE_TIMEOUT_MS = 10_000;

/** Threads in Azure Table Storage, and what is too large for it in Blob Storage. */
export function createThreadStore(options: ThreadStoreOptions): ThreadStore {
  const { blobs, ttlMs, now = Date.now } = options;
  const loadClient = shareUntilFailure(options.loadClient);
  // Of one instance's requests none need come between another's.
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
      const limit = { abortSignal: AbortSignal.timeout(WRITE_TIMEOUT_MS) };
      // First in the list: an entry without a thread is passed over, a thread without one is lost.
      const entry = { partitionKey: listKey(thread), rowKey: listRowKey(thread), id };
      await writeToTable(client, limit, () => client.upsertEntity(entry, 'Replace', limit));
      await client.upsertEntity(toHeadRow(thread), 'Replace', limit);
      return thread;
    },
    find: async (id) => find(await loadClient(), id),
    append: (id, addition, seen) =>
      queue(id, async () =>
        appendMessages({ client: await loadClient(), blobs, id, ttlMs, now }, addition, seen),
      ),
    findMark: async (id, key) => readMark(await loadClient(), id, key),
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
        const found = await Promise.all(page.map((row) => find(client, String(row['id']))));
        threads.push(...found.filter((thread) => thread !== undefined));
        if (threads.length >= limit) break;
      }
      return threads.slice(0, limit);
    },
    remove: async (thread) => removeThread(await loadClient(), blobs, thread),
    purge: async (before) => purgeThreads(await loadClient(), blobs, before),
  };
}
