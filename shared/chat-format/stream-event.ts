/** What an event of a streamed chat completion says, as far as the router looks. */
export type EventData = {
  readonly choices?: unknown;
  readonly usage?: unknown;
  readonly error?: unknown;
};

type Choice = { readonly delta?: unknown; readonly finish_reason?: unknown };

/** A server-sent event, whose data is parsed at most once and only where somebody asks for it. */
export class StreamEvent {
  readonly bytes: Buffer;
  /** Null until it is asked for. */
  private parsed: EventData | undefined | null = null;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** What its line of data says; undefined when that is not a JSON object. */
  get data(): EventData | undefined {
    this.parsed = this.parsed === null ? parseData(this.bytes) : this.parsed;
    return this.parsed;
  }
}

/** Whether this is the event `[DONE]`, which ends a stream. */
export function isDone(event: Buffer): boolean {
  return event.length < 64 && /(?:^|\n)data: ?\[DONE\]\s*$/.test(event.toString('latin1'));
}

function parseData(event: Buffer): EventData | undefined {
  const data = /(?:^|\n)data: ?([^\r\n]*)/.exec(event.toString('utf8'))?.[1] ?? '';
  try {
    const parsed: unknown = JSON.parse(data);
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** The error of an event, if it is one: it ends a stream, and Azure OpenAI sends no [DONE] after it. */
export function errorOfEvent(event: StreamEvent): unknown {
  return event.bytes.includes('"error"') ? (event.data?.error ?? undefined) : undefined;
}

/** The statuses by which an error blames the deployment rather than the request. */
const UNAVAILABLE = [404, 408, 410, 429];

/** Whether an error stands for every deployment: a filtered prompt, a wrong request, a refused credential. */
export function isOfTheRequest(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { code, status, type } = error as Readonly<Record<string, unknown>>;
  if (code === 'content_filter' || code === 'context_length_exceeded') return true;
  const number = Number(status ?? code);
  if (number >= 400 && number < 500) return !UNAVAILABLE.includes(number);
  return type === 'invalid_request_error' && !(number >= 500);
}

/** The usage object of an event with no choices, which has the usage only; undefined for other events. */
export function usageOfEvent(event: StreamEvent): unknown {
  if (!event.bytes.includes('"usage"')) return undefined;
  const { choices, usage } = event.data ?? {};
  return Array.isArray(choices) && choices.length === 0 ? (usage ?? undefined) : undefined;
}

/**
 * Whether an event only announces the answer: a comment, annotations of the prompt, the role. While
 * nothing else has come, another deployment can still answer instead of this one.
 */
export function isPreamble(event: StreamEvent): boolean {
  if (!/(?:^|\n)data:/.test(event.bytes.toString('latin1'))) return true;
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

function isEmpty(value: unknown): boolean {
  return value == null || value === '' || (Array.isArray(value) && value.length === 0);
}
