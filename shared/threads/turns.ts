import { requirementsOf } from '../capabilities/requirements.ts';
import type { ChatMessage } from '../chat-format/chat-request.ts';
import { isInstruction } from './thread.ts';

type Call = { readonly id: string };

/**
 * Orders a conversation as models require: the results of a message's tool calls directly follow it, in
 * the order of the calls. A message's calls without all their results are left out, as are results
 * without a call.
 */
export function pairToolCalls(messages: readonly ChatMessage[]): ChatMessage[] {
  const results = new Map<ChatMessage, Map<string, ChatMessage>>();
  // Later turns may reuse an id: a result belongs to the newest call with its id.
  const asking = new Map<string, ChatMessage>();
  for (const message of messages) {
    for (const { id } of callsOf(message)) asking.set(id, message);
    const id = resultIdOf(message);
    const asker = id === undefined ? undefined : asking.get(id);
    if (id === undefined || asker === undefined) continue;
    const known = results.get(asker) ?? new Map<string, ChatMessage>();
    results.set(asker, known.set(id, known.get(id) ?? message));
  }
  return messages.flatMap((message) => {
    if (resultIdOf(message) !== undefined) return [];
    const calls = callsOf(message);
    const known = calls.map(({ id }) => results.get(message)?.get(id));
    const found = known.filter((result) => result !== undefined);
    return found.length === calls.length ? [message, ...found] : withoutCalls(message);
  });
}

/** Returns the ids of tool calls without a result. */
export function openCallsOf(messages: readonly ChatMessage[]): ReadonlySet<string> {
  const open = new Set<string>();
  for (const message of messages) {
    for (const { id } of callsOf(message)) open.add(id);
    const id = resultIdOf(message);
    if (id !== undefined) open.delete(id);
  }
  return open;
}

/** Returns undefined for a message that is not the result of a tool call. */
export function resultIdOf({ role, tool_call_id: id }: ChatMessage): string | undefined {
  if (role !== 'tool') return undefined;
  return typeof id === 'string' ? id : '';
}

function callsOf({ role, tool_calls: calls }: ChatMessage): readonly Call[] {
  if (role !== 'assistant' || !Array.isArray(calls)) return [];
  return calls.map((call: { readonly id?: unknown } | null) => ({ id: String(call?.id) }));
}

/** Returns the message without its calls, or nothing if it has no other content. */
function withoutCalls({ tool_calls: _, ...message }: ChatMessage): ChatMessage[] {
  return message.content == null || message.content.length === 0 ? [] : [message];
}

/** A conversation from which messages may have been left out. */
export type Cut = {
  readonly messages: readonly ChatMessage[];
  /** The number of messages left out. */
  readonly left: number;
};

type Body = Readonly<Record<string, unknown>>;

/** A conversation and its new messages. */
type Turns = {
  readonly messages: readonly ChatMessage[];
  /** The messages that this request adds. */
  readonly fresh: ReadonlySet<ChatMessage>;
};

/**
 * Leaves out the oldest turns until the rest has no more tokens than `limit`. Instructions stay, and so
 * does everything from the turn of the first `fresh` message on, even if that is too much by itself.
 * `body` has the other fields of the request whose tokens count, such as tools.
 */
export async function cutTurns(
  { messages, fresh }: Turns,
  body: Body,
  limit: number,
): Promise<Cut> {
  const turns = turnsOf(messages);
  const ofFresh = turns.findIndex((turn) => turn.some((message) => fresh.has(message)));
  const firstToStay = ofFresh === -1 ? turns.length - 1 : ofFresh;
  const instructions = turns.slice(0, firstToStay).flat().filter(isInstruction);
  const stay = [...instructions, ...turns.slice(firstToStay).flat()];
  let tokens = await countTokens(body, stay, limit);
  let first = firstToStay;
  for (; first > 0; first -= 1) {
    // Instructions are counted already.
    const turn = turns[first - 1]?.filter((message) => !isInstruction(message)) ?? [];
    tokens += await countTokens({}, turn, limit - tokens);
    if (tokens > limit) break;
  }
  return withoutTurns(turns, first);
}

function withoutTurns(turns: readonly (readonly ChatMessage[])[], first: number): Cut {
  const before = turns.slice(0, first).flat();
  const instructions = before.filter(isInstruction);
  return {
    messages: [...instructions, ...turns.slice(first).flat()],
    left: before.length - instructions.length,
  };
}

/** Splits a conversation into turns, each of which begins with a user's message. */
function turnsOf(messages: readonly ChatMessage[]): ChatMessage[][] {
  const turns: ChatMessage[][] = [];
  let previous = '';
  for (const message of messages) {
    const begins = message.role === 'user' && previous !== 'user';
    if (begins || turns.length === 0) turns.push([]);
    turns.at(-1)?.push(message);
    if (!isInstruction(message)) previous = message.role;
  }
  return turns;
}

function countTokens(body: Body, messages: readonly ChatMessage[], limit: number) {
  return requirementsOf({ upstreamBody: body, messages }).promptSize().countUpTo(limit);
}
