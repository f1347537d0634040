import type { Price } from '../registry/definitions.ts';

/** Tokens of a prompt and of its completion. */
export type Tokens = { readonly prompt: number; readonly completion: number };

/** USD. */
export function costOf(price: Price, { prompt, completion }: Tokens): number {
  return (price.input * prompt + price.output * completion) / 1e6;
}
