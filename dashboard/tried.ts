import type { Routed } from './api.ts';

/** How a prompt may be routed: each is shown, and one of them is asked with. */
export type Wish = { readonly name: string; readonly routing: Readonly<Record<string, unknown>> };

/** What came of one way to route it: a decision, or why there is none. */
export type Tried = {
  readonly wish: Wish;
  readonly decision?: Routed['data'][number];
  readonly problem?: string;
};
