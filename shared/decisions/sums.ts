import type { DecisionRecord } from './decision-record.ts';
import { addTo, type Histogram, mergeInto } from './histogram.ts';

/** What many decisions come to. */
export type Sums = {
  requests: number;
  strong: number;
  errors: number;
  fallbacks: number;
  promptTokens: number;
  completionTokens: number;
  cachedTokens: number;
  /** USD: of all whose price is known, and the same of those that can be compared. */
  cost: number;
  comparedCost: number;
  costStrong: number;
  costWeak: number;
  cacheHits: number;
  cacheMisses: number;
  /** By twentieths of the win rate. */
  winRates: Histogram;
  totalMs: Histogram;
  overheadMs: Histogram;
};

const WIN_RATE_BINS = 20;

export function createSums(): Sums {
  return {
    ...{ requests: 0, strong: 0, errors: 0, fallbacks: 0 },
    ...{ promptTokens: 0, completionTokens: 0, cachedTokens: 0 },
    ...{ cost: 0, comparedCost: 0, costStrong: 0, costWeak: 0, cacheHits: 0, cacheMisses: 0 },
    ...{ winRates: {}, totalMs: {}, overheadMs: {} },
  };
}

export function addDecision(sums: Sums, decision: DecisionRecord): void {
  const { tier, reason, status, error, tokens, embeddingCache, winRate } = decision;
  sums.requests += 1;
  sums.strong += Number(tier === 'strong');
  sums.errors += Number(status >= 400 || error !== undefined);
  sums.fallbacks += Number(reason === 'fallback');
  sums.promptTokens += tokens?.prompt ?? 0;
  sums.completionTokens += tokens?.completion ?? 0;
  sums.cachedTokens += tokens?.cached ?? 0;
  sums.cacheHits += Number(embeddingCache === 'hit');
  sums.cacheMisses += Number(embeddingCache === 'miss');
  addCosts(sums, decision);
  if (winRate !== undefined) {
    const bin = Math.min(Math.floor(winRate * WIN_RATE_BINS), WIN_RATE_BINS - 1);
    sums.winRates[bin] = (sums.winRates[bin] ?? 0) + 1;
  }
  addTo(sums.totalMs, decision.totalMs);
  addTo(sums.overheadMs, decision.overheadMs);
}

function addCosts(sums: Sums, { cost, costStrong, costWeak }: DecisionRecord): void {
  if (cost === undefined) return;
  sums.cost += cost;
  if (costStrong === undefined || costWeak === undefined) return;
  sums.comparedCost += cost;
  sums.costStrong += costStrong;
  sums.costWeak += costWeak;
}

export function addSums(sums: Sums, other: Sums): void {
  for (const [name, value] of Object.entries(other)) {
    const field = name as keyof Sums;
    if (typeof value === 'number') (sums[field] as number) += value;
    else mergeInto(sums[field] as Histogram, value);
  }
}
