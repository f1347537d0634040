/** The tokens of an answer, as far as its deployment counted them. */
export type Usage = {
  readonly prompt?: number;
  readonly completion?: number;
  readonly total?: number;
  /** Prompt tokens served from the service's cache, part of `prompt`. */
  readonly cached?: number;
  /** Reasoning tokens, part of `completion`. */
  readonly reasoning?: number;
};

/** Reads a `usage` object as OpenAI sends it. Counts that are not numbers are left out. */
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
