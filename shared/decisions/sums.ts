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
  /** Prompts unlike the scorer's training data. */
  outOfDistribution: number;
  /** By twentieths: of the win rate, and of the share of the calibration's prompts below it. */
  winRates: Histogram;
  percentiles: Histogram;
  totalMs: Histogram;
  overheadMs: Histogram;
};

export const BINS = 20;

export function createSums(): Sums {
  return {
    ...{ requests: 0, strong: 0, errors: 0, fallbacks: 0 },
    ...{ promptTokens: 0, completionTokens: 0, cachedTokens: 0 },
    ...{ cost: 0, comparedCost: 0, costStrong: 0, costWeak: 0, cacheHits: 0, cacheMisses: 0 },
    ...{ outOfDistribution: 0, winRates: {}, percentiles: {}, totalMs: {}, overheadMs: {} },
  };
}

export function addDecision(sums: Sums, decision: DecisionRecord): void {
  const { tier, reason, status, error, tokens, embeddingCache } = decision;
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
  sums.outOfDistribution += Number(decision.isOutside === true);
  addToBins(sums.winRates, decision.winRate);
  addToBins(sums.percentiles, decision.percentile);
  addTo(sums.totalMs, decision.totalMs);
  addTo(sums.overheadMs, decision.overheadMs);
}

function addToBins(bins: Histogram, value: number | undefined): void {
  if (value === undefined) return;
  const bin = Math.min(Math.floor(value * BINS), BINS - 1);
  bins[bin] = (bins[bin] ?? 0) + 1;
}

/**
 * How far live prompts are from those of the calibration, from 0 to 1: the greatest difference between
 * the shares of both that are below a win rate (Kolmogorov and Smirnov's statistic, at twentieths).
 * Percentiles of prompts like the calibration's are spread evenly. Undefined without any.
 */
export function driftOf({ percentiles }: Sums): number | undefined {
  const counts = Array.from({ length: BINS }, (_, bin) => percentiles[bin] ?? 0);
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  let [below, greatest] = [0, 0];
  for (const [bin, count] of counts.entries()) {
    below += count;
    greatest = Math.max(greatest, Math.abs(below / total - (bin + 1) / BINS));
  }
  return greatest;
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
