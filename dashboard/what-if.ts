import type { Sums } from './api.ts';

/** Actual or hypothetical totals of requests: how many went to the strong model, and their cost in USD. */
export type Outcome = {
  readonly requests: number;
  readonly strong: number;
  readonly cost: number;
  /** Cost of the requests with a known price, if only the strong or only the weak model had answered. */
  readonly costStrong: number;
  readonly costWeak: number;
};

type Bins = Sums['compared'];

const NOTHING: Outcome = { requests: 0, strong: 0, cost: 0, costStrong: 0, costWeak: 0 };

/** Sums up compared requests as they were routed; the cost assumes the same number of tokens. */
export function asRouted(bins: Bins): Outcome {
  return add(bins, ({ strong, requests }) => strong / requests);
}

/**
 * Sums up the requests as if one threshold had applied to all: those that reach it go to the strong
 * model.
 */
export function atThreshold(bins: Bins, threshold: number): Outcome {
  return add(bins, ({ win_rate: winRate }) => Number(isStrongAt(winRate, threshold)));
}

/** Tells where the hundredth of win rates that begins here would go. */
export function isStrongAt(winRate: number, threshold: number): boolean {
  return winRate > threshold - 0.005;
}

function add(bins: Bins, strongShareOf: (bin: Bins[number]) => number): Outcome {
  return bins.reduce((sum, bin) => {
    const share = strongShareOf(bin);
    return {
      requests: sum.requests + bin.requests,
      strong: sum.strong + share * bin.requests,
      cost: sum.cost + share * bin.cost_strong + (1 - share) * bin.cost_weak,
      costStrong: sum.costStrong + bin.cost_strong,
      costWeak: sum.costWeak + bin.cost_weak,
    };
  }, NOTHING);
}
