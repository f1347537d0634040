import * as z from 'zod';
import { ownerOf } from '../access/caller.ts';
import { InvalidRequestError } from '../base/errors.ts';
import { mapSome } from '../base/map-some.ts';
import { takeMemory } from '../base/memory-budget.ts';
import { parseWith } from '../base/parse-with.ts';
import type { Call } from '../calls/call.ts';
import { readKey } from '../calls/idempotency-key.ts';
import type { ChatMessage, ChatRequest } from '../chat-format/chat-request.ts';
import { markGivenBy } from '../chat-format/given-back.ts';
import { hashOfAsked, type Seen } from '../threads/append-messages.ts';
import type { KeyHold } from '../threads/hold-key.ts';
import {
  type AnswerFacts,
  isInstruction,
  isThreadId,
  type LastAnswer,
  MAX_MESSAGES_AT_ONCE,
  messageSchema,
  type PlacedMessage,
  type StoredMessage,
  type Thread,
} from '../threads/thread.ts';
import {
  KeyReusedError,
  orUnreachable,
  ThreadDamagedError,
  ThreadNotFoundError,
  ThreadsNotConfiguredError,
} from '../threads/thread-errors.ts';
import { type Mark, toMark } from '../threads/thread-rows.ts';
import type { ThreadStore } from '../threads/thread-store.ts';
import { openCallsOf, pairToolCalls, resultIdOf } from '../threads/turns.ts';

/** The answer that an earlier request with the same key got. */
export type EarlierAnswer = {
  readonly message: StoredMessage;
  readonly facts: AnswerFacts;
  /** The time of the answer, in ms since 1970. */
  readonly at: number;
};

/** A thread, as a chat request continues it. */
export type Conversation = {
  readonly threadId: string;
  /** The history and the new messages as a model takes them, the oldest first. */
  readonly messages: readonly ChatMessage[];
  /** The new messages among them. */
  readonly fresh: ReadonlySet<ChatMessage>;
  /** The number of older messages that were not read, since they would fit into no model. */
  readonly unread: number;
  readonly answered?: LastAnswer;
  /** The answer that an earlier request with the same key got; absent when there was none. */
  readonly earlier?: EarlierAnswer;
  /** Keeps other requests with the same Idempotency-Key from being answered. Throws a KeyInUseError. */
  hold(): Promise<void>;
  /** Adds the new messages and the answer. Throws as the store does when they could not be added. */
  add(answer: StoredMessage, facts: AnswerFacts): Promise<void>;
  /** Gives the key back, if nothing was added with it. Never throws. */
  release(): Promise<void>;
};

/** The most that is read of a conversation. */
export type ReadLimit = {
  /** The tokens that the largest model takes; infinite when that is not known. */
  readonly tokens: number;
  readonly bytes: number;
};

export type OpenConversation = (
  call: Call,
  request: ChatRequest,
  limit: ReadLimit,
) => Promise<Conversation>;

/** Twice the bytes per token of most texts, so that the messages read fill the model's window. */
const BYTES_PER_TOKEN = 8;

const MESSAGES_AT_ONCE = 100;
const PAGES_AT_ONCE = 4;

/** Pages with more bytes than this are read one after another, so that no more is read than may be held. */
const LARGE_PAGE_BYTES = 1024 * 1024;

/** Together with the request's own messages these stay below the 2,048 that the services take. */
const MAX_MESSAGES = 1_900;

/** One place of an addition is kept for the answer. */
const freshSchema = z.object({ messages: z.array(messageSchema).max(MAX_MESSAGES_AT_ONCE - 1) });

/** Opens the thread that a request continues. `store` is absent where no storage is configured. */
export function createOpenConversation(store: ThreadStore | undefined): OpenConversation {
  return async (call, request, limit) => {
    if (store === undefined) throw new ThreadsNotConfiguredError();
    const { messages } = parseWith(freshSchema, { messages: request.messages });
    return orUnreachable(() => open(store, { call, request, asked: messages }, limit), call.signal);
  };
}

type Asking = {
  readonly call: Call;
  readonly request: ChatRequest;
  /** The new messages, as they are stored. */
  readonly asked: readonly StoredMessage[];
};

async function open(
  store: ThreadStore,
  { call, request, asked }: Asking,
  limit: ReadLimit,
): Promise<Conversation> {
  const { threadId: id = '' } = request;
  const key = readKey(call);
  if (!isThreadId(id)) throw new ThreadNotFoundError('thread_id');
  const [newest, keyRow] = await Promise.all([
    store.newest(id, MESSAGES_AT_ONCE),
    key === undefined ? undefined : store.findKey(id, key),
  ]);
  const mark = keyRow && toMark(keyRow);
  if (newest === undefined || !isOwn(newest, call, request)) {
    throw new ThreadNotFoundError('thread_id');
  }
  const { thread, etag } = newest;
  if (thread.isDamaged) throw new ThreadDamagedError();
  const read = await readBack(store, newest, { ...limit, hold: call.hold });
  const instructions = await readInstructions(store, newest, read);
  // Messages that an earlier try of this request added are not its history.
  const end = mark?.first ?? thread.count;
  const history = [...instructions, ...read.toReversed()]
    .filter(({ index }) => index < end)
    .map(markAnswer);
  const fresh = withoutKnownInstructions(asked, history);
  checkResults(history, fresh);
  const earlier = mark && (await findEarlier(store, { ...mark, id }, fresh));
  const seen = mark === undefined ? { thread, etag } : undefined;
  let held: KeyHold | undefined;
  return {
    threadId: id,
    messages: pairToolCalls([...history, ...fresh]),
    fresh: new Set(fresh),
    unread: Math.max(0, Math.min(end, read.at(-1)?.index ?? 0) - instructions.length),
    ...(thread.answered && { answered: thread.answered }),
    ...(earlier && { earlier }),
    hold: async () => {
      if (key === undefined) return;
      const { signal } = call;
      held = await orUnreachable(async () => {
        const taken = await store.hold(id, key, { known: keyRow, signal });
        // Nobody waits for it any more, and nobody else would give it back.
        if (signal.aborted) await taken.release();
        return taken;
      }, signal);
    },
    add: async (answer, facts) => {
      await held?.stop();
      const addition = { messages: [...fresh, answer], answer: facts, key, holder: held?.holder };
      await store.append(id, addition, seen);
      held = undefined;
    },
    release: async () => {
      await held?.release();
      held = undefined;
    },
  };
}

/**
 * Notes of an answer which deployment takes all of its fields back. None does for an answer that broke off: the
 * signature of a thought may be missing.
 */
function markAnswer({ message, model, deployment, isIncomplete }: PlacedMessage): StoredMessage {
  if (model === undefined) return message;
  return markGivenBy(message, isIncomplete ? '' : (deployment ?? '')) as StoredMessage;
}

/** Whether the thread is the caller's own. Other callers are not told that it exists. */
function isOwn({ thread }: Seen, call: Call, { upstreamBody }: ChatRequest): boolean {
  const { user } = upstreamBody;
  const isOfUser = thread.user === undefined || user == null || user === thread.user;
  return thread.owner === ownerOf(call) && isOfUser;
}

type Newest = { readonly thread: Thread; readonly messages: readonly PlacedMessage[] };

/** Reads back from the newest messages, the newest first, as far as a model could take them. */
async function readBack(
  store: ThreadStore,
  { thread, messages }: Newest,
  limit: ReadLimit & Pick<Call, 'hold'>,
): Promise<readonly PlacedMessage[]> {
  const maxBytes = Math.min(limit.bytes, limit.tokens * BYTES_PER_TOKEN);
  const read = [...messages];
  let newestBytes = bytesOf(read);
  let bytes = newestBytes;
  takeMemory(limit.hold, bytes);
  while (isMore(read) && bytes < maxBytes && read.length < MAX_MESSAGES) {
    const count = newestBytes > LARGE_PAGE_BYTES ? 1 : PAGES_AT_ONCE;
    const older = await readPages(store, thread.id, { place: read.at(-1)?.index ?? 0, count });
    if (older.length === 0) break;
    newestBytes = bytesOf(older);
    takeMemory(limit.hold, newestBytes);
    read.push(...older);
    bytes += newestBytes;
  }
  if (!isMore(read)) return read;
  // Only whole turns are kept.
  const firstAsk = read.findLastIndex(({ message }) => message.role === 'user');
  return firstAsk === -1 ? read : read.slice(0, firstAsk + 1);
}

/** Reads some pages before a place concurrently, up to the first gap between them. */
async function readPages(
  store: ThreadStore,
  id: string,
  { place, count }: { readonly place: number; readonly count: number },
): Promise<readonly PlacedMessage[]> {
  const places = Array.from({ length: count }, (_, page) => place - page * MESSAGES_AT_ONCE);
  const pages = await Promise.all(
    places.filter((one) => one > 0).map((one) => store.before(id, one, MESSAGES_AT_ONCE)),
  );
  // A page of large messages is short: the messages of the next page would not follow on it.
  const short = pages.findIndex((page) => page.length < MESSAGES_AT_ONCE);
  return (short === -1 ? pages : pages.slice(0, short + 1)).flat();
}

function bytesOf(messages: readonly PlacedMessage[]): number {
  return messages.reduce((sum, { bytes }) => sum + bytes, 0);
}

function isMore(read: readonly PlacedMessage[]): boolean {
  return (read.at(-1)?.index ?? 0) > 0;
}

/** Reads the instructions that are older than the messages read: they still hold. */
async function readInstructions(
  store: ThreadStore,
  { thread }: Seen,
  read: readonly PlacedMessage[],
): Promise<readonly PlacedMessage[]> {
  const oldest = read.at(-1)?.index ?? thread.count;
  const places = thread.instructions.filter((place) => place < oldest);
  const pages = await mapSome(places, PAGES_AT_ONCE, (place) =>
    store.messages(thread.id, place, 1),
  );
  return pages.flat();
}

/** Drops instructions that the thread has already: clients send them with each request. */
function withoutKnownInstructions(
  asked: readonly StoredMessage[],
  history: readonly StoredMessage[],
): readonly StoredMessage[] {
  const known = new Set(history.filter(isInstruction).map((message) => JSON.stringify(message)));
  return asked.filter((message) => !isInstruction(message) || !known.has(JSON.stringify(message)));
}

/** Throws for the result of a tool call that the thread does not have. */
function checkResults(history: readonly StoredMessage[], fresh: readonly StoredMessage[]): void {
  const open = openCallsOf([...history, ...fresh.filter((message) => message.role !== 'tool')]);
  for (const [index, message] of fresh.entries()) {
    const id = resultIdOf(message);
    if (id === undefined || open.has(id)) continue;
    throw new InvalidRequestError(
      `messages.${index}.tool_call_id does not name a call of the thread that waits for a result.`,
      { param: `messages.${index}.tool_call_id` },
    );
  }
}

/** Undefined when the earlier answer broke off: the request is then answered anew. */
async function findEarlier(
  store: ThreadStore,
  { id, first, count, asked, answer }: Mark & { readonly id: string },
  fresh: readonly StoredMessage[],
): Promise<EarlierAnswer | undefined> {
  if (answer === undefined || asked !== hashOfAsked(fresh)) throw new KeyReusedError();
  if (answer.isIncomplete) return undefined;
  const [placed] = await store.messages(id, first + count - 1, 1);
  return placed && { message: placed.message, facts: answer, at: placed.at };
}
