import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { fieldsOf } from '../base/fields-of.ts';
import { endOfEvent } from './event-splitter.ts';
import { findUsage } from './usage.ts';

/** What an event of a streamed chat completion says, as far as the router looks. */
export type EventData = {
  readonly choices?: unknown;
  readonly usage?: unknown;
  readonly error?: unknown;
  readonly object?: unknown;
  readonly type?: unknown;
};

type Choice = { readonly delta?: unknown; readonly finish_reason?: unknown };

/** A server-sent event, which is parsed at most once and only where somebody asks what it says. */
export class StreamEvent {
  readonly bytes: Buffer;
  /** Null until it is asked for. */
  private message: EventSourceMessage | undefined | null = null;
  private parsed: EventData | undefined | null = null;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** Its lines of data and its type; undefined for an event without data, such as a comment. */
  get fields(): EventSourceMessage | undefined {
    this.message = this.message === null ? parseFields(this.bytes) : this.message;
    return this.message;
  }

  /** What its data says; undefined when that is not a JSON object. */
  get data(): EventData | undefined {
    this.parsed = this.parsed === null ? parseData(this.fields?.data) : this.parsed;
    return this.parsed;
  }

  /** Whether this is the event `[DONE]`, which ends a stream. */
  get isDone(): boolean {
    return this.bytes.includes('[DONE]') && this.fields?.data.trim() === '[DONE]';
  }
}

// One parser serves all events: each is fed whole, and a new parser for each would take twice the time.
let parsedFields: EventSourceMessage | undefined;
const parser = createParser({
  onEvent: (message) => {
    parsedFields = message;
  },
});

const BYTE_ORDER_MARK = '\ufeff';

function parseFields(event: Buffer): EventSourceMessage | undefined {
  const text = event.toString('utf8');
  parsedFields = undefined;
  parser.reset();
  // The blank line ends an event that the connection's end has left open.
  parser.feed(`${text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text}\n\n`);
  return parsedFields;
}

function parseData(data: string | undefined): EventData | undefined {
  if (data === undefined) return undefined;
  try {
    const parsed: unknown = JSON.parse(data);
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The error of an event, if it is one: it ends a stream, and Azure OpenAI sends no [DONE] after it. It comes
 * as the member `error`, as an object of the kind `error`, or as an event of that type.
 */
export function errorOfEvent(event: StreamEvent): unknown {
  if (event.bytes.includes('"error"')) {
    const { data } = event;
    if (data?.error != null) return data.error;
    if (data?.object === 'error' || data?.type === 'error') return data;
  }
  const isError = event.bytes.includes('event:') && event.fields?.event === 'error';
  return isError ? (event.data ?? event.fields?.data) : undefined;
}

/** Whether the first bytes of an answer are an error, as the first event of a stream or as JSON. */
export function beginsWithError(bytes: Buffer): boolean {
  const first = new StreamEvent(bytes.subarray(0, endOfEvent(bytes, 0)));
  if (errorOfEvent(first) !== undefined) return true;
  const { error, choices } = parseData(bytes.toString('utf8')) ?? {};
  return error != null && choices == null;
}

/** The statuses by which an error blames the deployment rather than the request. */
const UNAVAILABLE = [404, 408, 410, 429];

/** Whether an error stands for every deployment: a filtered prompt, a wrong request, a refused credential. */
export function isOfTheRequest(error: unknown): boolean {
  const { code, status, type } = fieldsOf(error);
  if (code === 'content_filter' || code === 'context_length_exceeded') return true;
  const number = Number(status ?? code);
  if (number >= 400 && number < 500) return !UNAVAILABLE.includes(number);
  return type === 'invalid_request_error' && !(number >= 500);
}

/**
 * Whether an error says that the prompt is too long for the model, by its code or in the words of other
 * services.
 */
export function isTooLong(error: unknown): boolean {
  const { code, message } = fieldsOf(error);
  if (code === 'context_length_exceeded') return true;
  return (
    typeof message === 'string' &&
    /maximum context length|context (?:length|window|size)|prompt is too long/i.test(message)
  );
}

/** The usage object of an event, wherever it stands in it; undefined for events without one. */
export function usageOfEvent(event: StreamEvent): unknown {
  return event.bytes.includes('"usage"') ? findUsage(event.data) : undefined;
}

/** Whether an event has an empty list of choices, as the event that was added for the usage only. */
export function hasNoChoices({ data }: StreamEvent): boolean {
  return Array.isArray(data?.choices) && data.choices.length === 0;
}

/** Whether an event says something that a model wrote. */
export function hasChoices({ data }: StreamEvent): boolean {
  return Array.isArray(data?.choices) && data.choices.length > 0;
}

/** Whether an event gives the reason why an answer is finished. */
export function hasFinishReason({ data }: StreamEvent): boolean {
  const choices = Array.isArray(data?.choices) ? data.choices : [];
  return choices.some((choice: Choice | null) => typeof choice?.finish_reason === 'string');
}

/**
 * Whether an event only announces the answer: a comment, annotations of the prompt, the role. While
 * nothing else has come, another deployment can still answer instead of this one.
 */
export function isPreamble(event: StreamEvent): boolean {
  if (event.fields === undefined) return true;
  const choices = event.data?.choices;
  return Array.isArray(choices) && choices.every(saysNothing);
}

function saysNothing(choice: unknown): boolean {
  if (typeof choice !== 'object' || choice === null) return false;
  const { delta, finish_reason } = choice as Choice;
  if (finish_reason != null) return false;
  if (typeof delta !== 'object' || delta === null) return delta == null;
  return Object.entries(delta).every(([key, value]) => key === 'role' || isEmpty(value));
}

/** Whether a field of an answer says nothing. */
export function isEmpty(value: unknown): boolean {
  return value == null || value === '' || (Array.isArray(value) && value.length === 0);
}
