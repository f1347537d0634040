import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { TableClient, TransactionAction } from '@azure/data-tables';
import { isConflict } from '../upstream/tables.ts';
import type { Blobs } from './blobs.ts';
import { getRow } from './read-rows.ts';
import type { StoredMessage } from './thread.ts';
import { ThreadConflictError, ThreadNotFoundError } from './thread-errors.ts';
import { HEAD, markKey, messageKey, toHeadRow, toThread } from './thread-rows.ts';

/** What is to be added to a thread. */
export type Addition = {
  readonly messages: readonly StoredMessage[];
  /** The last one broke off. */
  readonly isIncomplete?: boolean;
  /** Of the caller: with the same one nothing is added twice. */
  readonly key?: string | undefined;
};

/** Where an addition is: its first message's place, and how many it has. */
export type Added = {
  readonly first: number;
  readonly count: number;
  /** It was there already. */
  readonly isRepeated: boolean;
};

type AppendOptions = { readonly blobs: Blobs; readonly ttlMs: number; readonly now: () => number };

const TIMEOUT_MS = 10_000;

/** A property holds 64 KiB of two bytes a character; all messages of a transaction, 4 MiB. */
const MAX_ROW_BYTES = 30_000;

/** So often others may come between. */
const MAX_TRIES = 6;
const RETRY_MS = 40;

/** Adds all of it or nothing. Throws a ThreadNotFoundError, or a ThreadConflictError. */
export async function appendMessages(
  options: AppendOptions,
  client: TableClient,
  id: string,
  addition: Addition,
): Promise<Added> {
  const prepared = await prepare(options, id, addition);
  for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
    const added = await tryOnce(options, client, id, prepared);
    if (added !== 'conflict') return added;
    await delay(RETRY_MS * tries * Math.random());
  }
  throw new ThreadConflictError();
}

type Prepared = {
  /** Tells this addition from all others. */
  readonly op: string;
  readonly key: string | undefined;
  readonly rows: readonly Record<string, unknown>[];
};

/** What is too large for a row goes to a blob first: one of no message is removed with the thread. */
async function prepare(
  { blobs, now }: AppendOptions,
  id: string,
  { messages, isIncomplete = false, key }: Addition,
): Promise<Prepared> {
  const at = new Date(now()).toISOString();
  const op = randomUUID();
  async function toRow(message: StoredMessage, index: number): Promise<Record<string, unknown>> {
    const json = JSON.stringify(message);
    const isBroken = isIncomplete && index === messages.length - 1;
    const row = { at, op, ...(isBroken && { isIncomplete }) };
    if (Buffer.byteLength(json) <= MAX_ROW_BYTES) return { ...row, json };
    const blob = `${id}/${op}-${index}`;
    await blobs.write(blob, json);
    return { ...row, blob };
  }
  return { op, key, rows: await Promise.all(messages.map(toRow)) };
}

async function tryOnce(
  options: AppendOptions,
  client: TableClient,
  id: string,
  { op, key, rows }: Prepared,
): Promise<Added | 'conflict'> {
  const { thread, etag } = await readAlive(client, id, options.now());
  const marked = key === undefined ? undefined : await getRow(client, id, markKey(key));
  if (marked !== undefined) {
    return { first: Number(marked['first']), count: Number(marked['count']), isRepeated: true };
  }
  const added = { first: thread.count, count: rows.length };
  const next = {
    ...thread,
    count: added.first + added.count,
    expiresAt: options.now() + options.ttlMs,
  };
  try {
    await client.submitTransaction(
      [
        ['update', toHeadRow(next), 'Replace', { etag }],
        ...rows.map((row, index) => createAction(id, messageKey(added.first + index), row)),
        ...(key === undefined ? [] : [createAction(id, markKey(key), added)]),
      ],
      { abortSignal: AbortSignal.timeout(TIMEOUT_MS) },
    );
  } catch (error) {
    // An answer that was lost, and a second try of the client's own, look like somebody else's.
    const written = await getRow(client, id, messageKey(added.first));
    if (written?.['op'] !== op) {
      if (isConflict(error)) return 'conflict';
      throw error;
    }
  }
  return { ...added, isRepeated: false };
}

async function readAlive(client: TableClient, id: string, now: number) {
  const head = await getRow(client, id, HEAD);
  const thread = head && toThread(head);
  if (thread === undefined || thread.expiresAt <= now) throw new ThreadNotFoundError();
  return { thread, etag: head?.etag ?? '*' };
}

function createAction(partitionKey: string, rowKey: string, row: object): TransactionAction {
  return ['create', { ...row, partitionKey, rowKey }];
}
