import type { ChatMessage } from './chat-request.ts';
import type { EventData } from './stream-event.ts';

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
type ToolCall = { id: string; type: string; function: CalledFunction };

/** The fields of an answer that a model takes back as part of the conversation. */
const KEPT_FIELDS = ['content', 'refusal', 'tool_calls', 'function_call'] as const;

/** What a plain answer says, as it is kept in a thread. */
export function answerOf(completion: unknown): Answered {
  return { message: messageOf(completion), finishReason: finishReasonOf(completion) };
}

/** Undefined when the answer says nothing. */
export function messageOf(completion: unknown): ChatMessage | undefined {
  const message = asRecord(firstChoiceOf(completion)['message']);
  const kept = KEPT_FIELDS.filter((field) => !isEmpty(message[field]));
  if (kept.length === 0) return undefined;
  return toMessage(Object.fromEntries(kept.map((field) => [field, message[field]])));
}

export function finishReasonOf(completion: unknown): string | undefined {
  const reason = firstChoiceOf(completion)['finish_reason'];
  return typeof reason === 'string' ? reason : undefined;
}

export function createCollector(): Collector {
  const texts = { content: '', refusal: '' };
  const calls = new Map<number, ToolCall>();
  let functionCall: CalledFunction | undefined;
  let finishReason: string | undefined;

  function add(delta: Delta): void {
    texts.content += textOf(delta['content']);
    texts.refusal += textOf(delta['refusal']);
    const { tool_calls: parts, function_call: part } = delta;
    if (Array.isArray(parts)) parts.forEach(addCall);
    if (!isEmpty(part)) functionCall = addFunction(functionCall, asRecord(part));
  }

  function addCall(part: unknown, place: number): void {
    const { index, id, type, function: called } = asRecord(part);
    const at = typeof index === 'number' ? index : place;
    const known = calls.get(at);
    calls.set(at, {
      id: textOf(id) || (known?.id ?? ''),
      type: textOf(type) || (known?.type ?? 'function'),
      function: addFunction(known?.function, asRecord(called)),
    });
  }

  return {
    push: (data) => {
      const choice = firstChoiceOf(data);
      if (choice['index'] !== undefined && choice['index'] !== 0) return;
      add(asRecord(choice['delta']));
      const reason = choice['finish_reason'];
      if (typeof reason === 'string') finishReason = reason;
    },
    answer: () => {
      const { content, refusal } = texts;
      const fields = {
        ...(content !== '' && { content }),
        ...(refusal !== '' && { refusal }),
        ...(calls.size > 0 && { tool_calls: [...calls.values()] }),
        ...(functionCall && { function_call: functionCall }),
      };
      const isEmpty = Object.keys(fields).length === 0;
      return { message: isEmpty ? undefined : toMessage(fields), finishReason };
    },
  };
}

function addFunction(known: CalledFunction | undefined, part: Delta): CalledFunction {
  const { name = '', arguments: before = '' } = known ?? {};
  return { name: name + textOf(part['name']), arguments: before + textOf(part['arguments']) };
}

/** The content is never left out: not every service takes a message without it. */
function toMessage(fields: Readonly<Record<string, unknown>>): ChatMessage {
  return { role: 'assistant', content: null, ...fields };
}

/** Where a request asks for several answers, the conversation goes on with the first. */
function firstChoiceOf(completion: unknown): Readonly<Record<string, unknown>> {
  const choices = asRecord(completion)['choices'];
  return Array.isArray(choices) ? asRecord(choices[0]) : {};
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)
    : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function isEmpty(value: unknown): boolean {
  return value == null || value === '' || (Array.isArray(value) && value.length === 0);
}
