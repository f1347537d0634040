import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { TableClient, TransactionAction } from '@azure/data-tables';
import type { Blobs } from '../storage/blobs.ts';
import { getRow } from '../storage/read-rows.ts';
import { isConflict } from '../storage/tables.ts';
import { isHeld } from './hold-key.ts';
import {
  type AnswerFacts,
  isInstruction,
  MAX_INSTRUCTIONS,
  type StoredMessage,
  type Thread,
} from './thread.ts';
import {
  KeyInUseError,
  KeyReusedError,
  ThreadConflictError,
  ThreadDamagedError,
  ThreadNotFoundError,
} from './thread-errors.ts';
import {
  HEAD,
  hash,
  type Mark,
  markKey,
  messageKey,
  toHeadRow,
  toMark,
  toMarkRow,
  toThread,
} from './thread-rows.ts';

/** Messages to be added to a thread together. */
export type Addition = {
  readonly messages: readonly StoredMessage[];
  /** The origin of the last message, if a model generated it. */
  readonly answer?: AnswerFacts;
  /** The caller's Idempotency-Key: the same key adds nothing twice, and replaces an incomplete answer. */
  readonly key?: string | undefined;
  /** The request that has the key, by the name of its hold. */
  readonly holder?: string | undefined;
};

/** A thread as it was read, with its version. */
export type Seen = { readonly thread: Thread; readonly etag: string };

/** The place of an addition: the index of its first message, and the number of its messages. */
export type Added = {
  readonly first: number;
  readonly count: number;
  /** True when an earlier request with the same key had added it. */
  readonly isRepeated: boolean;
};

type AppendOptions = {
  readonly client: TableClient;
  readonly blobs: Blobs;
  /** The thread's id. */
  readonly id: string;
  readonly ttlMs: number;
  readonly now: () => number;
};

/** A property holds 64 KiB at two bytes per character; a transaction's messages have 4 MiB together. */
const MAX_ROW_BYTES = 30_000;

/** Attempts while other requests change the thread; the answer to be added may have been paid for. */
const MAX_TRIES = 10;
const RETRY_MS = 40;

/**
 * Adds all messages or none. `seen` saves a read of the thread. Throws a ThreadNotFoundError, a
 * ThreadConflictError, a KeyReusedError or a KeyInUseError.
 */
export async function appendMessages(
  options: AppendOptions,
  addition: Addition,
  seen?: Seen,
): Promise<Added> {
  const prepared = await prepare(options, addition);
  for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
    const known = tries === 1 ? seen : undefined;
    const added = await tryOnce(options, prepared, known);
    if (added !== 'conflict') return added;
    await delay(RETRY_MS * tries * Math.random());
  }
  throw new ThreadConflictError();
}

type Prepared = Addition & {
  /** Distinguishes this addition from all others. */
  readonly op: string;
  readonly rows: readonly Record<string, unknown>[];
};

type Placed = Prepared & {
  /** The index of the first message. */
  readonly first: number;
  /** True when the key has a row already. */
  readonly isKeyKnown: boolean;
  /** True when an earlier addition with the same key is replaced. */
  readonly replaces: boolean;
};

/** Messages too large for a row go to blobs first; a blob without a message is removed with the thread. */
async function prepare({ blobs, id, now }: AppendOptions, addition: Addition): Promise<Prepared> {
  const { messages, answer } = addition;
  const at = new Date(now()).toISOString();
  const op = randomUUID();
  async function toRow(message: StoredMessage, index: number): Promise<Record<string, unknown>> {
    const json = JSON.stringify(message);
    const bytes = Buffer.byteLength(json);
    const from = answer && index === messages.length - 1 ? rowOfAnswer(answer) : {};
    const row = { at, op, bytes, ...from };
    if (bytes <= MAX_ROW_BYTES) return { ...row, json };
    const blob = `${id}/${op}-${index}`;
    await blobs.write(blob, json);
    return { ...row, blob };
  }
  return { ...addition, op, rows: await Promise.all(messages.map(toRow)) };
}

function rowOfAnswer(answer: AnswerFacts): Record<string, unknown> {
  const { isIncomplete, model, deployment, requestId } = answer;
  return { model, deployment, requestId, ...(isIncomplete && { isIncomplete }) };
}

async function tryOnce(
  options: AppendOptions,
  prepared: Prepared,
  known: Seen | undefined,
): Promise<Added | 'conflict'> {
  const { client, id } = options;
  const { key, holder, rows } = prepared;
  const [seen, keyRow] = await Promise.all([
    known ?? readAlive(client, id, options.now()),
    known || key === undefined ? undefined : getRow(client, id, markKey(key)),
  ]);
  if (keyRow && keyRow['holder'] !== holder && isHeld(keyRow, options.now())) {
    throw new KeyInUseError();
  }
  const mark = keyRow && toMark(keyRow);
  if (mark !== undefined && !mayReplace(mark, prepared)) {
    return { first: mark.first, count: mark.count, isRepeated: true };
  }
  const first = mark?.first ?? seen.thread.count;
  const isKeyKnown = keyRow !== undefined || holder !== undefined;
  const placed = { ...prepared, first, isKeyKnown, replaces: mark !== undefined };
  const { thread, etag } = seen;
  const done = await submit(options, placed, [
    ['update', toHeadRow(grown(options, thread, placed)), 'Replace', { etag }],
    ...messageActions(id, placed),
    ...markActions(id, placed),
  ]);
  return done ? { first, count: rows.length, isRepeated: false } : 'conflict';
}

/** Returns false if another request was first; throws if the transaction may not have been written. */
async function submit(
  { client, id }: AppendOptions,
  { op, first, rows }: Placed,
  actions: TransactionAction[],
): Promise<boolean> {
  try {
    await client.submitTransaction(actions);
    return true;
  } catch (error) {
    // After a lost response or the client's own retry, this write looks like another request's.
    const written = await getRow(client, id, messageKey(first + rows.length - 1));
    if (written?.['op'] === op) return true;
    if (isConflict(error)) return false;
    throw error;
  }
}

/** Whether the addition with this key is an incomplete answer. Throws if the key came with other messages. */
function mayReplace(mark: Mark, { messages, answer, rows }: Prepared): boolean {
  if (mark.asked !== hashOfAsked(messages, answer)) throw new KeyReusedError();
  return mark.answer?.isIncomplete === true && mark.count === rows.length;
}

/** Hashes what the caller sent, without the answer, which differs between attempts. */
export function hashOfAsked(messages: readonly StoredMessage[], answer?: AnswerFacts): string {
  return hash(JSON.stringify(answer ? messages.slice(0, -1) : messages));
}

/** Returns the thread as it will be after the addition. */
function grown(
  { now, ttlMs }: AppendOptions,
  thread: Thread,
  { messages, answer, first }: Placed,
): Thread {
  const at = now();
  const places = messages.flatMap((message, index) =>
    isInstruction(message) ? [first + index] : [],
  );
  const instructions = [...new Set([...thread.instructions, ...places])].slice(-MAX_INSTRUCTIONS);
  return {
    ...thread,
    count: Math.max(thread.count, first + messages.length),
    expiresAt: at + ttlMs,
    instructions,
    ...(answer && {
      answered: { deployment: answer.deployment, tokens: answer.tokens, at },
    }),
  };
}

/** Creates all messages; replacing an answer, writes only the answer. */
function messageActions(id: string, { rows, first, replaces }: Placed): TransactionAction[] {
  const last = rows.length - 1;
  if (replaces) return [replaceAction(id, messageKey(first + last), rows[last] ?? {})];
  return rows.map((row, index) => createAction(id, messageKey(first + index), row));
}

function markActions(
  id: string,
  { key, messages, answer, first, isKeyKnown }: Placed,
): TransactionAction[] {
  if (key === undefined) return [];
  const asked = hashOfAsked(messages, answer);
  const row = toMarkRow({ first, count: messages.length, asked, ...(answer && { answer }) });
  if (!isKeyKnown) return [createAction(id, markKey(key), row)];
  return [['upsert', { ...row, partitionKey: id, rowKey: markKey(key) }, 'Replace']];
}

async function readAlive(client: TableClient, id: string, now: number): Promise<Seen> {
  const head = await getRow(client, id, HEAD);
  const thread = head && toThread(head);
  if (thread === undefined || thread.expiresAt <= now) throw new ThreadNotFoundError();
  if (thread.isDamaged) throw new ThreadDamagedError();
  return { thread, etag: head?.etag ?? '*' };
}

function createAction(partitionKey: string, rowKey: string, row: object): TransactionAction {
  return ['create', { ...row, partitionKey, rowKey }];
}

function replaceAction(partitionKey: string, rowKey: string, row: object): TransactionAction {
  return ['update', { ...row, partitionKey, rowKey }, 'Replace'];
}
