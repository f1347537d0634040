import type { ChatMessage } from './chat-request.ts';
import { parseEvent } from './event-data.ts';

/** A message that is put together from what is streamed of it. */
export type Collector = {
  push(event: Buffer): void;
  /** What has come so far; undefined as long as that is nothing. */
  message(): ChatMessage | undefined;
  finishReason(): string | undefined;
};

type Delta = Readonly<Record<string, unknown>>;
type CalledFunction = { name: string; arguments: string };
type ToolCall = { id: string; type: string; function: CalledFunction };

/** Of an answer, what a model takes back as part of the conversation. */
const KEPT_FIELDS = ['content', 'refusal', 'tool_calls', 'function_call'] as const;

/** A plain answer's message, as it is kept; undefined when it says nothing. */
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
    push: (event) => {
      const choice = firstChoiceOf(parseEvent(event));
      if (choice['index'] !== undefined && choice['index'] !== 0) return;
      add(asRecord(choice['delta']));
      const reason = choice['finish_reason'];
      if (typeof reason === 'string') finishReason = reason;
    },
    message: () => {
      const { content, refusal } = texts;
      const fields = {
        ...(content !== '' && { content }),
        ...(refusal !== '' && { refusal }),
        ...(calls.size > 0 && { tool_calls: [...calls.values()] }),
        ...(functionCall && { function_call: functionCall }),
      };
      return Object.keys(fields).length === 0 ? undefined : toMessage(fields);
    },
    finishReason: () => finishReason,
  };
}

function addFunction(known: CalledFunction | undefined, part: Delta): CalledFunction {
  const { name = '', arguments: before = '' } = known ?? {};
  return { name: name + textOf(part['name']), arguments: before + textOf(part['arguments']) };
}

/** Content is there in any case: not every service takes a message without. */
function toMessage(fields: Readonly<Record<string, unknown>>): ChatMessage {
  return { role: 'assistant', content: null, ...fields };
}

/** Of several answers at once the first is the one that the conversation goes on with. */
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
