import type { Sums } from './api.ts';

/** What requests came to, or would have: how many went to the strong model, and their cost in USD. */
export type Outcome = {
  readonly requests: number;
  readonly strong: number;
  readonly cost: number;
  /** Of those whose price is known, with one of both models alone. */
  readonly costStrong: number;
  readonly costWeak: number;
};

type Bins = Sums['compared'];

const NOTHING: Outcome = { requests: 0, strong: 0, cost: 0, costStrong: 0, costWeak: 0 };

/** Those that were compared with a threshold, as they were routed; the cost is that of as many tokens. */
export function asRouted(bins: Bins): Outcome {
  return add(bins, ({ strong, requests }) => strong / requests);
}

/** The same with one threshold for all: who reaches it goes to the strong model. */
export function atThreshold(bins: Bins, threshold: number): Outcome {
  return add(bins, ({ win_rate: winRate }) => Number(isStrongAt(winRate, threshold)));
}

/** Of the hundredth of win rates that begins here. */
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
