import type { Routed } from './api.ts';

/** A way to route a prompt. All ways are shown, and one of them is used for the call. */
export type Wish = { readonly name: string; readonly routing: Readonly<Record<string, unknown>> };

/** The result of one way to route a prompt: a decision, or the problem. */
export type Tried = {
  readonly wish: Wish;
  readonly decision?: Routed['data'][number];
  readonly problem?: string;
};
