import type { Price } from './price.ts';

/** The numbers of tokens of a prompt and its completion. */
export type Tokens = {
  readonly prompt: number;
  readonly completion: number;
  /** Prompt tokens served from the service's cache. */
  readonly cached?: number;
};

/** Returns USD. Without a price for cached input, the price of input applies. */
export function costOf(price: Price, { prompt, completion, cached = 0 }: Tokens): number {
  const { input, output, cached_input: cachedInput = input } = price;
  return (input * (prompt - cached) + cachedInput * cached + output * completion) / 1e6;
}
