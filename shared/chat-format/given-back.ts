import { fieldsOf } from '../base/fields-of.ts';
import type { ChatMessage } from './chat-request.ts';
import { isEmpty } from './stream-event.ts';

/** The deployment that gave a message. It goes along when a message is copied, and is never sent. */
const GIVEN_BY = Symbol('given by');

type Given = ChatMessage & { readonly [GIVEN_BY]?: string };

/** The fields of an answer that every service takes back. */
const STANDARD = new Set(['role', 'content', 'refusal', 'name', 'tool_calls', 'function_call']);
const STANDARD_OF_CALL = new Set(['id', 'type', 'function', 'custom']);

/** Notes which deployment gave a message; an empty name stands for one that is not known any more. */
export function markGivenBy(message: ChatMessage, deployment: string): ChatMessage {
  return { ...message, [GIVEN_BY]: deployment };
}

/**
 * The messages as a deployment takes them back: its own answers with all fields that it gave them, those of other
 * deployments with the standard fields only. Messages that a caller sent do not change.
 */
export function giveBack(messages: unknown, deployment: string): unknown {
  if (!Array.isArray(messages)) return messages;
  return messages.map((message: Given) => {
    const given = message[GIVEN_BY];
    if (given === undefined) return message;
    return given === deployment ? withAudio(message) : standard(message);
  });
}

/** The names of the fields of given-back answers and their calls that not every service takes. */
export function extraFieldsOf(messages: unknown): ReadonlySet<string> {
  const given = givenAmong(messages);
  const ofCalls = given.flatMap(callsOf).flatMap((call) => Object.keys(fieldsOf(call)));
  const names = given.flatMap((message) => Object.keys(message));
  return new Set([
    ...names.filter((name) => !STANDARD.has(name)),
    ...ofCalls.filter((name) => !STANDARD_OF_CALL.has(name)),
  ]);
}

/** The messages without these extra fields of given-back answers. */
export function withoutExtra(
  messages: readonly ChatMessage[],
  refused: ReadonlySet<string>,
): readonly ChatMessage[] {
  return messages.map((message: Given) => {
    const given = message[GIVEN_BY];
    if (given === undefined) return message;
    return markGivenBy(
      withFields(message, (name) => !refused.has(name)),
      given,
    );
  });
}

function givenAmong(messages: unknown): readonly Given[] {
  if (!Array.isArray(messages)) return [];
  return messages.filter((message: Given) => message[GIVEN_BY] !== undefined);
}

function callsOf({ tool_calls: calls }: ChatMessage): readonly unknown[] {
  return Array.isArray(calls) ? calls : [];
}

function withFields(message: ChatMessage, isKept: (field: string) => boolean): ChatMessage {
  const calls = callsOf(message).map((call) => pick(fieldsOf(call), isKept));
  const { role, content, ...others } = message;
  const kept = { role, content, ...pick(others, isKept) };
  return calls.length === 0 ? kept : { ...kept, tool_calls: calls };
}

function pick(fields: object, isKept: (field: string) => boolean): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([field]) => isKept(field)));
}

/** A spoken answer is given back by its id, which its service forgets after a while; then by its text. */
function withAudio(message: ChatMessage): ChatMessage {
  const { audio, ...others } = message;
  if (audio == null) return message;
  const { id, expires_at: expiresAt } = fieldsOf(audio);
  const isExpired = typeof expiresAt === 'number' && expiresAt * 1_000 <= Date.now();
  if (typeof id === 'string' && !isExpired) return { ...others, audio: { id } };
  return { ...others, content: contentOf(message) };
}

function standard(message: ChatMessage): ChatMessage {
  const isStandard = (field: string) => STANDARD.has(field) || STANDARD_OF_CALL.has(field);
  const { [GIVEN_BY]: _, ...others }: Given = message;
  return { ...withFields(others, isStandard), content: contentOf(message) };
}

/** The content as a text, without parts that are no text, such as thoughts; null only alongside calls. */
function contentOf(message: ChatMessage): string | null {
  const { content, audio, function_call: call } = message;
  if (typeof content === 'string' && content !== '') return content;
  const text = (content === '' || content == null ? [] : content)
    .map(({ type, text: one }) => (type === 'text' && typeof one === 'string' ? one : ''))
    .join('');
  const { transcript } = fieldsOf(audio);
  if (text === '' && typeof transcript === 'string') return transcript;
  const isCalling = callsOf(message).length > 0 || !isEmpty(call);
  return text === '' && isCalling ? null : text;
}
