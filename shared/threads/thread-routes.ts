import * as z from 'zod';
import { type Answer, type Call, jsonAnswer } from '../answer.ts';
import { parseWith } from '../chat/chat-request.ts';
import { HttpError, InvalidRequestError } from '../errors.ts';
import {
  indexOfMessage,
  messageId,
  messageSchema,
  type PlacedMessage,
  type Thread,
  threadSchema,
} from './thread.ts';
import {
  ThreadNotFoundError,
  ThreadsNotConfiguredError,
  ThreadsUnreachableError,
} from './thread-errors.ts';
import type { ThreadStore } from './thread-store.ts';

type Handle = (call: Call) => Promise<Answer>;

/** What can be done with threads over HTTP. */
export type ThreadRoutes = Readonly<
  Record<'create' | 'list' | 'get' | 'remove' | 'messages' | 'append', Handle>
>;

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;

const THREAD_ID = /^thread_[0-9a-f]{32}$/;

/** Keys of callers are kept as hashes; longer ones are a mistake. */
const keySchema = z.string().min(1).max(256);

/** `store` is absent where no storage is configured: then every call is told so. */
export function createThreadRoutes(store: ThreadStore | undefined): ThreadRoutes {
  function handle(work: (store: ThreadStore, call: Call) => Promise<Answer>): Handle {
    return async (call) => {
      if (store === undefined) throw new ThreadsNotConfiguredError();
      try {
        return await work(store, call);
      } catch (error) {
        throw error instanceof HttpError ? error : new ThreadsUnreachableError(error);
      }
    };
  }

  return {
    create: handle(create),
    list: handle(list),
    get: handle(async (threads, call) => {
      return jsonAnswer(200, threadJson(await findOwn(threads, call)));
    }),
    remove: handle(async (threads, call) => {
      const thread = await findOwn(threads, call);
      await threads.remove(thread);
      return jsonAnswer(200, { id: thread.id, object: 'thread.deleted', deleted: true });
    }),
    messages: handle(messages),
    append: handle(append),
  };
}

/** Whose threads a call's are; without callers all are one's. */
export function ownerOf({ caller }: Pick<Call, 'caller'>): string {
  return caller?.name ?? 'anonymous';
}

/** Throws a 404 for what is not there and for what is somebody else's alike. */
async function findOwn(store: ThreadStore, call: Call): Promise<Thread> {
  // Others may not even stand in a query of the table.
  const thread = THREAD_ID.test(call.id ?? '') ? await store.find(call.id ?? '') : undefined;
  const user = call.query('user');
  const isOwn = thread?.owner === ownerOf(call) && (user === null || user === thread.user);
  if (thread === undefined || !isOwn) throw new ThreadNotFoundError();
  return thread;
}

async function create(store: ThreadStore, call: Call): Promise<Answer> {
  const { user, metadata, messages: first } = parseWith(threadSchema, call.body);
  const thread = await store.create({
    owner: ownerOf(call),
    ...(user != null && { user }),
    metadata: metadata ?? {},
  });
  if (first == null || first.length === 0) return jsonAnswer(201, threadJson(thread));
  const { count } = await store.append(thread.id, { messages: first });
  return jsonAnswer(201, threadJson({ ...thread, count }));
}

async function list(store: ThreadStore, call: Call): Promise<Answer> {
  const limit = limitOf(call);
  const user = call.query('user');
  const whose = { owner: ownerOf(call), ...(user !== null && { user }) };
  const afterId = call.query('after');
  const after = afterId === null ? undefined : await findOwn(store, { ...call, id: afterId });
  const threads = await store.list(whose, limit + 1, after);
  return jsonAnswer(200, pageOf(threads.map(threadJson), limit));
}

async function messages(store: ThreadStore, call: Call): Promise<Answer> {
  const limit = limitOf(call);
  const thread = await findOwn(store, call);
  const after = call.query('after');
  const index = after === null ? -1 : indexOfMessage(after);
  if (index === undefined) {
    throw new InvalidRequestError('after must be the id of a message.', { param: 'after' });
  }
  const placed = await store.messages(thread.id, index + 1, limit + 1);
  return jsonAnswer(
    200,
    pageOf(
      placed.map((one) => messageJson(thread.id, one)),
      limit,
    ),
  );
}

async function append(store: ThreadStore, call: Call): Promise<Answer> {
  const message = parseWith(messageSchema, call.body);
  const key = readKey(call);
  const { id } = await findOwn(store, call);
  const { first } = await store.append(id, { messages: [message], key });
  const [placed] = await store.messages(id, first, 1);
  if (placed === undefined) throw new ThreadNotFoundError();
  return jsonAnswer(201, messageJson(id, placed));
}

/** `Idempotency-Key`: with the same one nothing is added twice. */
function readKey({ header }: Call): string | undefined {
  const key = header('idempotency-key');
  if (key === null) return undefined;
  if (keySchema.safeParse(key).success) return key;
  throw new InvalidRequestError('Idempotency-Key must have 1 to 256 characters.', {
    param: 'Idempotency-Key',
  });
}

function limitOf({ query }: Call): number {
  const text = query('limit') ?? String(DEFAULT_LIMIT);
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw new InvalidRequestError(`limit must be a whole number from 1 to ${MAX_LIMIT}.`, {
    param: 'limit',
  });
}

/** One more than asked for shows that there is more. */
function pageOf(found: readonly Record<string, unknown>[], limit: number) {
  const data = found.slice(0, limit);
  return {
    object: 'list',
    data,
    first_id: data[0]?.['id'] ?? null,
    last_id: data.at(-1)?.['id'] ?? null,
    has_more: found.length > limit,
  };
}

function threadJson(thread: Thread): Record<string, unknown> {
  const { id, user, metadata, createdAt, expiresAt, count } = thread;
  return {
    id,
    object: 'thread',
    created_at: Math.floor(createdAt / 1_000),
    expires_at: Math.floor(expiresAt / 1_000),
    ...(user !== undefined && { user }),
    metadata,
    message_count: count,
  };
}

function messageJson(
  threadId: string,
  { index, at, isIncomplete, message }: PlacedMessage,
): Record<string, unknown> {
  return {
    ...message,
    id: messageId(index),
    object: 'thread.message',
    thread_id: threadId,
    created_at: Math.floor(at / 1_000),
    status: isIncomplete ? 'incomplete' : 'completed',
  };
}
