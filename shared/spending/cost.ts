import type { Price } from './price.ts';

/** Tokens of a prompt and of its completion. */
export type Tokens = {
  readonly prompt: number;
  readonly completion: number;
  /** Of those of the prompt: what the service has in its cache. */
  readonly cached?: number;
};

/** USD. Where the price of cached input is not known, it is that of all input. */
export function costOf(price: Price, { prompt, completion, cached = 0 }: Tokens): number {
  const { input, output, cached_input: cachedInput = input } = price;
  return (input * (prompt - cached) + cachedInput * cached + output * completion) / 1e6;
}
