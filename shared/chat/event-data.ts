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

/** An error inside a stream ends it: Azure OpenAI sends no [DONE] behind one. */
export function isErrorEvent(event: Buffer): boolean {
  return event.includes('"error"') && parseEvent(event)?.error != null;
}

/** The usage of the event that has nothing else: `choices: []` and a usage object. */
export function usageOf(event: Buffer): unknown {
  if (!event.includes('"usage"')) return undefined;
  const { choices, usage } = parseEvent(event) ?? {};
  return Array.isArray(choices) && choices.length === 0 ? (usage ?? undefined) : undefined;
}

/** `usage.total_tokens`, if it is a number that can be counted with. */
export function totalTokensOf(usage: unknown): number | undefined {
  const total = (usage as { readonly total_tokens?: unknown } | null | undefined)?.total_tokens;
  return typeof total === 'number' && total >= 0 ? total : undefined;
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
