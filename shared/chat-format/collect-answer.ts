import { fieldsOf } from '../base/fields-of.ts';
import type { ChatMessage } from './chat-request.ts';
import { type EventData, isEmpty } from './stream-event.ts';

/** What a deployment answered. */
export type Answered = {
  /** Undefined while it says nothing. */
  readonly message: ChatMessage | undefined;
  readonly finishReason: string | undefined;
};

/** Puts a message together from the events of its stream. */
export type Collector = {
  push(data: EventData | undefined): void;
  /** What has come so far. */
  answer(): Answered;
};

type Delta = Readonly<Record<string, unknown>>;
type CalledFunction = { name: string; arguments: string };
/** The number of a call in its stream; absent where the deployment does not number its calls. */
type ToolCall = { index?: number; id: string; type: string; function: CalledFunction };

/** The fields of an answer that a model takes back as part of the conversation. */
const KEPT_FIELDS = ['content', 'refusal', 'tool_calls', 'function_call'] as const;

/** What a plain answer says, as it is kept in a thread. */
export function answerOf(completion: unknown): Answered {
  return { message: messageOf(completion), finishReason: finishReasonOf(completion) };
}

/** Undefined when the answer says nothing. */
export function messageOf(completion: unknown): ChatMessage | undefined {
  const message = fieldsOf(firstChoiceOf(completion)['message']);
  const kept = KEPT_FIELDS.filter((field) => !isEmpty(message[field]));
  if (kept.length === 0) return undefined;
  return toMessage(Object.fromEntries(kept.map((field) => [field, message[field]])));
}

export function finishReasonOf(completion: unknown): string | undefined {
  const reason = firstChoiceOf(completion)['finish_reason'];
  return typeof reason === 'string' ? reason : undefined;
}

/**
 * Puts together the answer that a conversation goes on with, as OpenAI's own client does: texts and arguments
 * are appended, ids and names replace those before them, since some deployments repeat them in each event.
 */
export function createCollector(): Collector {
  const texts = { content: '', refusal: '' };
  const calls: ToolCall[] = [];
  let functionCall: CalledFunction | undefined;
  let finishReason: string | undefined;

  function add(delta: Delta): void {
    texts.content += textOf(delta['content']);
    texts.refusal += textOf(delta['refusal']);
    const { tool_calls: parts, function_call: part } = delta;
    if (Array.isArray(parts)) for (const one of parts) addCall(calls, fieldsOf(one));
    if (!isEmpty(part)) functionCall = addFunction(functionCall, fieldsOf(part));
  }

  return {
    push: (data) => {
      const choice = firstChoiceOf(data);
      add(fieldsOf(choice['delta']));
      const reason = choice['finish_reason'];
      if (typeof reason === 'string') finishReason = reason;
    },
    answer: () => {
      const { content, refusal } = texts;
      const fields = {
        ...(content !== '' && { content }),
        ...(refusal !== '' && { refusal }),
        ...(calls.length > 0 && { tool_calls: calls.map(({ index: _, ...call }) => call) }),
        ...(functionCall && { function_call: functionCall }),
      };
      const isNothing = Object.keys(fields).length === 0;
      return { message: isNothing ? undefined : toMessage(fields), finishReason };
    },
  };
}

/** A part goes on with the call that `findCall` finds, and begins another one where it finds none. */
function addCall(calls: ToolCall[], part: Delta): void {
  const { index, id, type, function: called } = part;
  let call = findCall(calls, part);
  if (call === undefined) {
    call = { id: '', type: 'function', function: { name: '', arguments: '' } };
    if (typeof index === 'number') call.index = index;
    calls.push(call);
  }
  call.id = textOf(id) || call.id;
  call.type = textOf(type) || call.type;
  call.function = addFunction(call.function, fieldsOf(called));
}

/**
 * The newest call of the part's number or, without one, of its id; without either, the newest of all. An id
 * other than that of the call begins another call: some deployments give all of their calls the number 0.
 */
function findCall(calls: readonly ToolCall[], { index, id }: Delta): ToolCall | undefined {
  const named = textOf(id);
  const call =
    typeof index === 'number'
      ? calls.findLast((one) => one.index === index)
      : (calls.findLast((one) => one.id === named) ?? calls.at(-1));
  return named !== '' && call !== undefined && call.id !== '' && call.id !== named
    ? undefined
    : call;
}

function addFunction(known: CalledFunction | undefined, part: Delta): CalledFunction {
  const { name = '', arguments: before = '' } = known ?? {};
  return { name: textOf(part['name']) || name, arguments: before + textOf(part['arguments']) };
}

/** The content is never left out: not every service takes a message without it. */
function toMessage(fields: Readonly<Record<string, unknown>>): ChatMessage {
  return { role: 'assistant', content: null, ...fields };
}

/** Where a request asks for several answers, the conversation goes on with the one of index 0. */
function firstChoiceOf(completion: unknown): Readonly<Record<string, unknown>> {
  const choices = fieldsOf(completion)['choices'];
  if (!Array.isArray(choices)) return {};
  return fieldsOf(choices.find((one, place) => (fieldsOf(one)['index'] ?? place) === 0));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
