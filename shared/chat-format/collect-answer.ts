import { fieldsOf } from '../base/fields-of.ts';
import type { ChatMessage } from './chat-request.ts';
import { mergePart } from './merge-parts.ts';
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
type ToolCall = {
  index?: number;
  id: string;
  type: string;
  /** Absent for a call of another type. */
  function?: CalledFunction;
  /** The fields that only some deployments give, such as the signature of a thought. */
  more: unknown;
};

/** What a plain answer says, as it is kept in a thread. */
export function answerOf(completion: unknown): Answered {
  return { message: messageOf(completion), finishReason: finishReasonOf(completion) };
}

/** The message with all fields that its deployment gave; undefined when the answer says nothing. */
export function messageOf(completion: unknown): ChatMessage | undefined {
  return toMessage(Object.entries(fieldsOf(firstChoiceOf(completion)['message'])));
}

export function finishReasonOf(completion: unknown): string | undefined {
  const reason = firstChoiceOf(completion)['finish_reason'];
  return typeof reason === 'string' ? reason : undefined;
}

/**
 * Puts together the answer that a conversation goes on with, as OpenAI's own client does: texts and arguments
 * are appended, ids and names replace those before them, since some deployments repeat them in each event.
 * Fields that OpenAI does not have are kept as well: some deployments want them back.
 */
export function createCollector(): Collector {
  const fields = new Map<string, unknown>();
  const calls: ToolCall[] = [];
  let functionCall: CalledFunction | undefined;
  let finishReason: string | undefined;

  function add({ tool_calls: parts, function_call: part, ...others }: Delta): void {
    for (const [field, value] of Object.entries(others)) {
      fields.set(field, mergePart(field, fields.get(field), value));
    }
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
      const message = toMessage([
        ...fields,
        [
          'tool_calls',
          calls.map(({ index: _, more, ...call }) => ({ ...fieldsOf(more), ...call })),
        ],
        ['function_call', functionCall],
      ]);
      return { message, finishReason };
    },
  };
}

/** A part goes on with the call that `findCall` finds, and begins another one where it finds none. */
function addCall(calls: ToolCall[], part: Delta): void {
  const { index, id, type, function: called, ...more } = part;
  let call = findCall(calls, part);
  if (call === undefined) {
    call = { id: '', type: 'function', more: {} };
    if (typeof index === 'number') call.index = index;
    calls.push(call);
  }
  call.id = textOf(id) || call.id;
  call.type = textOf(type) || call.type;
  if (called != null) call.function = addFunction(call.function, fieldsOf(called));
  call.more = mergePart('', call.more, more);
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
function toMessage(fields: readonly (readonly [string, unknown])[]): ChatMessage | undefined {
  const said = fields.filter(([field, value]) => field !== 'role' && !isEmpty(value));
  if (said.length === 0) return undefined;
  return { role: 'assistant', content: null, ...Object.fromEntries(said) };
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
