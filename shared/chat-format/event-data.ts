/** What a chat completion's event says, as far as the router looks. */
export type EventData = {
  readonly choices?: unknown;
  readonly usage?: unknown;
  readonly error?: unknown;
};

type Choice = { readonly delta?: unknown; readonly finish_reason?: unknown };

export function isDone(event: Buffer): boolean {
  return event.length < 64 && /(?:^|\n)data: ?\[DONE\]\s*$/.test(event.toString('latin1'));
}

/** What an event's line of data says; undefined when that is no JSON object. */
export function parseEvent(event: Buffer): EventData | undefined {
  const data = /(?:^|\n)data: ?([^\r\n]*)/.exec(event.toString('utf8'))?.[1] ?? '';
  try {
    const parsed: unknown = JSON.parse(data);
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** The error of an event, if it is one: that ends a stream, and Azure OpenAI sends no [DONE] behind it. */
export function errorOfEvent(event: Buffer): unknown {
  return event.includes('"error"') ? (parseEvent(event)?.error ?? undefined) : undefined;
}

/** Of these an error says that the deployment, and not the request, is at fault. */
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

/** The usage of the event that has nothing else: `choices: []` and a usage object. */
export function usageOf(event: Buffer): unknown {
  if (!event.includes('"usage"')) return undefined;
  const { choices, usage } = parseEvent(event) ?? {};
  return Array.isArray(choices) && choices.length === 0 ? (usage ?? undefined) : undefined;
}

/** What an answer took, as far as its deployment said it in numbers that can be counted with. */
export type Usage = {
  readonly prompt?: number;
  readonly completion?: number;
  readonly total?: number;
  /** Of the prompt's: what the service had in its cache. */
  readonly cached?: number;
  /** Of the completion's: what was thought and is not said. */
  readonly reasoning?: number;
};

/** Of the wire's `usage`. */
export function readUsage(usage: unknown): Usage {
  if (typeof usage !== 'object' || usage === null) return {};
  const { prompt_tokens, completion_tokens, total_tokens, ...details } = usage as Readonly<
    Record<string, unknown>
  >;
  const cached = detailOf(details['prompt_tokens_details'], 'cached_tokens');
  const reasoning = detailOf(details['completion_tokens_details'], 'reasoning_tokens');
  return {
    ...(isCount(prompt_tokens) && { prompt: prompt_tokens }),
    ...(isCount(completion_tokens) && { completion: completion_tokens }),
    ...(isCount(total_tokens) && { total: total_tokens }),
    ...(isCount(cached) && isCount(prompt_tokens) && { cached: Math.min(cached, prompt_tokens) }),
    ...(isCount(reasoning) && { reasoning }),
  };
}

function detailOf(details: unknown, name: string): unknown {
  return typeof details === 'object' && details !== null ? Reflect.get(details, name) : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0;
}

/**
 * Whether an event only announces the answer: a comment, annotations of the prompt, the role. As
 * long as nothing else has come, another deployment can still answer in this one's place.
 */
export function isPreamble(event: Buffer): boolean {
  if (!/(?:^|\n)data:/.test(event.toString('latin1'))) return true;
  const choices = parseEvent(event)?.choices;
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
