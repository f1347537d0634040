import { fieldsOf } from '../base/fields-of.ts';

/** The tokens of an answer, as far as its deployment counted them. */
export type Usage = {
  readonly prompt?: number;
  /** The tokens that are billed as output: reasoning counts, also where a deployment leaves it out. */
  readonly completion?: number;
  readonly total?: number;
  /** Prompt tokens served from the service's cache, part of `prompt`. */
  readonly cached?: number;
  /** Reasoning tokens, part of `completion`. */
  readonly reasoning?: number;
};

/** The greatest count: no request has as many tokens, and tables take no greater whole number. */
const MAX_COUNT = 2 ** 31 - 1;

/** Reads a `usage` object as OpenAI sends it. What can be no count of tokens is left out. */
export function readUsage(usage: unknown): Usage {
  const { prompt_tokens: prompt, total_tokens: total, ...rest } = fieldsOf(usage);
  const completion = billedCompletion(rest['completion_tokens'], prompt, total);
  const cached = fieldsOf(rest['prompt_tokens_details'])['cached_tokens'];
  const reasoning = fieldsOf(rest['completion_tokens_details'])['reasoning_tokens'];
  return {
    ...(isCount(prompt) && { prompt }),
    ...(completion !== undefined && { completion }),
    ...(isCount(total) && { total }),
    ...(isCount(cached) && isCount(prompt) && { cached: Math.min(cached, prompt) }),
    ...(isCount(reasoning) && { reasoning }),
  };
}

/**
 * The usage object of a chunk, wherever it stands: at its top, in a choice, or in a deployment's own field.
 * Undefined where there is none with a count.
 */
export function findUsage(chunk: unknown): unknown {
  const { choices, ...fields } = fieldsOf(chunk);
  const places = [fields, ...(Array.isArray(choices) ? choices : []), ...Object.values(fields)];
  return places
    .map((place) => fieldsOf(place)['usage'])
    .find((usage) => Object.keys(readUsage(usage)).length > 0);
}

/** Some deployments count reasoning in the total only: the output is then the total less the prompt. */
function billedCompletion(completion: unknown, prompt: unknown, total: unknown) {
  const rest = isCount(total) && isCount(prompt) ? total - prompt : undefined;
  if (!isCount(completion)) return rest !== undefined && rest >= 0 ? rest : undefined;
  return Math.max(completion, rest ?? 0);
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MAX_COUNT;
}
