import { createHash } from 'node:crypto';
import * as z from 'zod';
import { fieldsOf } from '../base/fields-of.ts';
import { parseJson } from '../base/parse-json.ts';
import { fromJson } from '../base/wire-json.ts';
import type { Row } from '../storage/row.ts';
import type { AnswerFacts, PlacedMessage, StoredMessage, Thread } from './thread.ts';

// Each thread has its own partition. Its rows are, in this order, so that one query returns the thread
// with its newest messages: `head`, `m|<place>` for each message, the newest first, and `x|<hash>` for
// each key that an addition came with. A user's threads are listed in another partition.

export const HEAD = 'head';

/** Sorts after all messages. */
export const MESSAGES_END = 'm}';

/** Greater than the index of any message. */
const PLACES = 9_999_999_999;

export function messageKey(index: number): string {
  return `m|${String(PLACES - index).padStart(10, '0')}`;
}

/** A hash, since callers may send any characters in their keys. */
export function markKey(key: string): string {
  return `x|${hash(key)}`;
}

/** The partition that lists the threads of one user of a caller. */
export function listKey({ owner, user }: Pick<Thread, 'owner' | 'user'>): string {
  return `u|${hash(JSON.stringify([owner, user ?? null]))}`;
}

/** Later threads sort first. */
export function listRowKey({ createdAt, id }: Pick<Thread, 'createdAt' | 'id'>): string {
  return `${String(1e14 - createdAt).padStart(15, '0')}|${id}`;
}

export function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export function toHeadRow(thread: Thread): Row {
  const { id, owner, user, metadata, createdAt, expiresAt, count, instructions, answered } = thread;
  return {
    partitionKey: id,
    rowKey: HEAD,
    owner,
    count,
    ...(user !== undefined && { user }),
    ...(instructions.length > 0 && { instructions: JSON.stringify(instructions) }),
    ...(answered && { answered: JSON.stringify(answered) }),
    metadata: JSON.stringify(metadata),
    createdAt: new Date(createdAt).toISOString(),
    expiresAt: new Date(expiresAt).toISOString(),
  };
}

/** Returns undefined for a thread that is being deleted. What cannot be read of a damaged one is empty. */
export function toThread(row: Row): Thread | undefined {
  if (row['isDeleted'] === true) return undefined;
  const read = headSchema.safeParse(row);
  if (read.success) return { id: row.partitionKey, ...read.data };
  const { owner, user, createdAt, expiresAt } = row;
  return {
    id: row.partitionKey,
    owner: String(owner),
    ...(typeof user === 'string' && { user }),
    metadata: {},
    createdAt: Date.parse(String(createdAt)) || 0,
    expiresAt: Date.parse(String(expiresAt)) || LAST_MS,
    count: 0,
    instructions: [],
    isDamaged: true,
  };
}

/** The latest time that there is. */
const LAST_MS = 8.64e15;

function jsonOf<S extends z.ZodType>(schema: S) {
  return z.string().transform(parseJson).pipe(schema);
}

const timeSchema = z.string().transform(Date.parse).pipe(z.number());

const headSchema = z.object({
  owner: z.string(),
  user: z.string().exactOptional(),
  metadata: jsonOf(z.record(z.string(), z.string())),
  createdAt: timeSchema,
  expiresAt: timeSchema,
  count: z.int().min(0),
  instructions: jsonOf(z.array(z.int())).default([]),
  answered: jsonOf(
    z.object({ deployment: z.string(), tokens: z.number(), at: z.number() }),
  ).exactOptional(),
});

/** The record of an addition that came with a key. */
export type Mark = {
  readonly first: number;
  readonly count: number;
  /** The hash of the messages that the caller sent. */
  readonly asked: string;
  /** The origin of the last message, if a model generated it. */
  readonly answer?: AnswerFacts;
};

export function toMarkRow({ first, count, asked, answer }: Mark): Record<string, unknown> {
  return { first, count, asked, ...(answer && { answer: JSON.stringify(answer) }) };
}

/** Returns undefined for the row of a key with which nothing has been added yet. */
export function toMark({ first, count, asked, answer }: Row): Mark | undefined {
  if (typeof first !== 'number') return undefined;
  return {
    first,
    count: Number(count),
    asked: String(asked),
    ...(typeof answer === 'string' && { answer: fieldsOf(parseJson(answer)) as AnswerFacts }),
  };
}

/** `json` is the row's message, from the row itself or from its blob. Returns undefined if it is none. */
export function toPlaced(row: Row, json: string): PlacedMessage | undefined {
  const message = readMessage(json);
  if (message === undefined) return undefined;
  const { model, deployment, requestId } = row;
  const bytes = Number(row['bytes']);
  return {
    index: PLACES - Number(row.rowKey.slice(2)),
    at: Date.parse(String(row['at'])),
    isIncomplete: row['isIncomplete'] === true,
    bytes: bytes >= 0 ? bytes : Buffer.byteLength(json),
    ...(typeof model === 'string' && { model }),
    ...(typeof deployment === 'string' && { deployment }),
    ...(typeof requestId === 'string' && { requestId }),
    message,
  };
}

function readMessage(json: string): StoredMessage | undefined {
  try {
    const message = fromJson(json);
    return typeof fieldsOf(message)['role'] === 'string' ? (message as StoredMessage) : undefined;
  } catch {
    return undefined;
  }
}
