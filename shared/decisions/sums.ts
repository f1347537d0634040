import { fieldsOf } from '../base/fields-of.ts';
import { parseJson } from '../base/parse-json.ts';
import type { DecisionRecord } from './decision-record.ts';
import { addTo, type Histogram, mergeInto } from './histogram.ts';

/** The sums of many decisions. */
export type Sums = {
  requests: number;
  strong: number;
  errors: number;
  fallbacks: number;
  promptTokens: number;
  completionTokens: number;
  cachedTokens: number;
  /** USD of the requests whose price is known; `comparedCost` is of those that can be compared. */
  cost: number;
  comparedCost: number;
  costStrong: number;
  costWeak: number;
  cacheHits: number;
  cacheMisses: number;
  /** The time of embeddings that were not in the cache. */
  missMs: number;
  /** Requests compared with a threshold for which the calibration foresees a strong share. */
  foreseen: number;
  foreseenStrong: number;
  /** The sum of the foreseen shares. */
  foreseenShares: number;
  /** Requests by twentieth of the win rate, and of the share of the calibration's prompts below it. */
  winRates: Histogram;
  percentiles: Histogram;
  /** Requests whose win rate was compared with a threshold, by hundredth of the win rate. */
  compared: Histogram;
  comparedStrong: Histogram;
  /** Compared requests with a known price, and their cost with either model in USD, by the same hundredths. */
  priced: Histogram;
  pricedStrong: Histogram;
  pricedWeak: Histogram;
  /** Requests by the threshold that they were compared with. */
  thresholds: Histogram;
  totalMs: Histogram;
  overheadMs: Histogram;
  /** Times of embeddings that were not in the cache. */
  embeddingMs: Histogram;
  upstreamMs: Histogram;
  firstTokenMs: Histogram;
};

export const BINS = 20;
/** The bins of win rates that were compared with a threshold. */
export const FINE_BINS = 100;
/** The most thresholds counted per sum: callers may name any number of them. */
const MAX_THRESHOLDS = 20;

export function createSums(): Sums {
  return {
    requests: 0,
    strong: 0,
    errors: 0,
    fallbacks: 0,
    promptTokens: 0,
    completionTokens: 0,
    cachedTokens: 0,
    cost: 0,
    comparedCost: 0,
    costStrong: 0,
    costWeak: 0,
    cacheHits: 0,
    cacheMisses: 0,
    missMs: 0,
    foreseen: 0,
    foreseenStrong: 0,
    foreseenShares: 0,
    winRates: {},
    percentiles: {},
    compared: {},
    comparedStrong: {},
    priced: {},
    pricedStrong: {},
    pricedWeak: {},
    thresholds: {},
    totalMs: {},
    overheadMs: {},
    embeddingMs: {},
    upstreamMs: {},
    firstTokenMs: {},
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
  addToBins(sums.winRates, decision.winRate);
  addToBins(sums.percentiles, decision.shippedPercentile ?? decision.percentile);
  addComparison(sums, decision);
  addTimes(sums, decision);
}

function addToBins(bins: Histogram, value: number | undefined): void {
  if (value !== undefined) count(bins, binOf(value, BINS));
}

function binOf(value: number, bins: number): number {
  return Math.min(Math.floor(value * bins), bins - 1);
}

function count(histogram: Histogram, key: number | string, by = 1): void {
  histogram[key] = (histogram[key] ?? 0) + by;
}

/** Counts what another threshold would have changed. */
function addComparison(sums: Sums, decision: DecisionRecord): void {
  const { reason, winRate, threshold, tier, costStrong, costWeak } = decision;
  if (reason !== 'win-rate' || winRate === undefined || threshold === undefined) return;
  const bin = binOf(winRate, FINE_BINS);
  const isStrong = Number(tier === 'strong');
  count(sums.compared, bin);
  if (isStrong) count(sums.comparedStrong, bin);
  if (costStrong !== undefined && costWeak !== undefined) {
    count(sums.priced, bin);
    count(sums.pricedStrong, bin, costStrong);
    count(sums.pricedWeak, bin, costWeak);
  }
  const name = threshold.toFixed(4);
  const isKnown = sums.thresholds[name] !== undefined;
  if (isKnown || Object.keys(sums.thresholds).length < MAX_THRESHOLDS) count(sums.thresholds, name);
  if (decision.strongShareForeseen === undefined) return;
  sums.foreseen += 1;
  sums.foreseenStrong += isStrong;
  sums.foreseenShares += decision.strongShareForeseen;
}

function addTimes(sums: Sums, decision: DecisionRecord): void {
  const { embeddingMs, upstreamMs, firstTokenMs } = decision;
  addTo(sums.totalMs, decision.totalMs);
  addTo(sums.overheadMs, decision.overheadMs);
  if (upstreamMs !== undefined) addTo(sums.upstreamMs, upstreamMs);
  if (firstTokenMs !== undefined) addTo(sums.firstTokenMs, firstTokenMs);
  if (embeddingMs === undefined || decision.embeddingCache === 'hit') return;
  addTo(sums.embeddingMs, embeddingMs);
  if (decision.embeddingCache === 'miss') sums.missMs += embeddingMs;
}

/**
 * Returns how far live prompts are from those of the calibration, 0 to 1: the greatest difference between
 * the shares of both below any win rate (the Kolmogorov-Smirnov statistic, at twentieths). Percentiles of
 * prompts like the calibration's are evenly distributed. Undefined without percentiles.
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

/** Far above every true sum; a year of sums of this size can still be added up. */
const MAX_SUM = 1e15;

/** Reads sums that were stored as JSON; undefined if they are none, or cannot be true. */
export function readSums(json: unknown): Sums | undefined {
  const stored = parseJson(json);
  if (typeof stored !== 'object' || stored === null) return undefined;
  const sums: Record<string, unknown> = createSums();
  for (const [name, none] of Object.entries(sums)) {
    // Sums of an earlier version of the app have fewer fields.
    const value = fieldsOf(stored)[name] ?? none;
    const isOfForm = typeof value === typeof none && value !== null;
    const numbers = typeof value === 'object' ? Object.values(fieldsOf(value)) : [value];
    if (!isOfForm || !numbers.every(isSum) || fieldsOf(stored)[name] === null) return undefined;
    sums[name] = value;
  }
  return sums as Sums;
}

function isSum(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= MAX_SUM;
}

export function addSums(sums: Sums, other: Sums): void {
  for (const [name, value] of Object.entries(other)) {
    const field = name as keyof Sums;
    if (typeof value === 'number') (sums[field] as number) += value;
    else mergeInto(sums[field] as Histogram, value);
  }
}
