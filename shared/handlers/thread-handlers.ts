import { ownerOf } from '../access/caller.ts';
import { type Answer, jsonAnswer } from '../base/answer.ts';
import { InvalidRequestError } from '../base/errors.ts';
import { parseWith } from '../base/parse-with.ts';
import type { Call } from '../calls/call.ts';
import { readKey } from '../calls/idempotency-key.ts';
import { pageLimitOf } from '../calls/page-limit.ts';
import {
  indexOfMessage,
  isThreadId,
  messageId,
  messageSchema,
  type PlacedMessage,
  type Thread,
  threadSchema,
} from '../threads/thread.ts';
import {
  orUnreachable,
  ThreadNotFoundError,
  ThreadsNotConfiguredError,
} from '../threads/thread-errors.ts';
import type { ThreadStore } from '../threads/thread-store.ts';

type Handle = (call: Call) => Promise<Answer>;

/** The HTTP operations on threads. */
export type ThreadHandlers = Readonly<
  Record<'create' | 'list' | 'get' | 'remove' | 'messages' | 'append', Handle>
>;

/** Without a `store` no storage is configured, and every call fails with an error that says so. */
export function createThreadHandlers(store: ThreadStore | undefined): ThreadHandlers {
  function handle(work: (store: ThreadStore, call: Call) => Promise<Answer>): Handle {
    return async (call) => {
      if (store === undefined) throw new ThreadsNotConfiguredError();
      return orUnreachable(() => work(store, call), call.signal);
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

/** Throws the same 404 for a thread that does not exist and for one of another caller. */
async function findOwn(store: ThreadStore, call: Call): Promise<Thread> {
  const id = call.id ?? '';
  // Any other text might not even be valid in a query of the table.
  const thread = isThreadId(id) ? await store.find(id) : undefined;
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
  const limit = pageLimitOf(call);
  const user = call.query('user');
  const whose = { owner: ownerOf(call), ...(user !== null && { user }) };
  const afterId = call.query('after');
  const after = afterId === null ? undefined : await findOwn(store, { ...call, id: afterId });
  const threads = await store.list(whose, limit + 1, after);
  const data = threads.slice(0, limit).map(threadJson);
  // One thread more than asked for shows that there are more.
  return jsonAnswer(200, pageOf(data, threads.length > limit));
}

async function messages(store: ThreadStore, call: Call): Promise<Answer> {
  const limit = pageLimitOf(call);
  const thread = await findOwn(store, call);
  const after = call.query('after');
  const index = after === null ? -1 : indexOfMessage(after);
  if (index === undefined) {
    throw new InvalidRequestError('after must be the id of a message.', { param: 'after' });
  }
  const placed = await store.messages(thread.id, index + 1, limit);
  const hasMore = (placed.at(-1)?.index ?? thread.count) < thread.count - 1;
  const data = placed.map((one) => messageJson(thread.id, one));
  return jsonAnswer(200, pageOf(data, hasMore));
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

function pageOf(data: readonly Record<string, unknown>[], hasMore: boolean) {
  return {
    object: 'list',
    data,
    first_id: data[0]?.['id'] ?? null,
    last_id: data.at(-1)?.['id'] ?? null,
    has_more: hasMore,
  };
}

function threadJson(thread: Thread): Record<string, unknown> {
  const { id, user, metadata, createdAt, expiresAt, count, isDamaged } = thread;
  return {
    id,
    object: 'thread',
    created_at: Math.floor(createdAt / 1_000),
    expires_at: Math.floor(expiresAt / 1_000),
    ...(user !== undefined && { user }),
    metadata,
    message_count: count,
    ...(isDamaged && { damaged: true }),
  };
}

function messageJson(
  threadId: string,
  { index, at, isIncomplete, model, requestId, message }: PlacedMessage,
): Record<string, unknown> {
  return {
    ...message,
    id: messageId(index),
    object: 'thread.message',
    thread_id: threadId,
    created_at: Math.floor(at / 1_000),
    status: isIncomplete ? 'incomplete' : 'completed',
    ...(model !== undefined && { model }),
    ...(requestId !== undefined && { request_id: requestId }),
  };
}
