import { percentileOf } from './threshold.ts';

/**
 * The win rates of recent decisions, each of which counts less with every later one. The decisions
 * are ordered by their number and not by time: quiet hours forget nothing.
 */
export type RecentWinRates = {
  /** The number of decisions ever added. */
  count: number;
  /** The weight of the next decision; the weights are in this unit. */
  unit: number;
  readonly weights: Float64Array;
};

/** A distribution of win rates: the share of each bin, 1 in total. */
export type Masses = Float64Array;

/**
 * The number of bins from 0 to 1. Win rates within one bin count as equal; most scorers spread
 * theirs over some hundred bins.
 */
export const WIN_RATE_BINS = 4_000;

/**
 * The decisions after which one counts 1/e of its first weight. With 500, less than 2% of a
 * previous kind of traffic is left after 2,000 requests of another, and a share of 0.5 deviates by
 * about half a point over 2,000 requests by chance.
 */
const MEMORY = 500;
const KEPT = 1 - 1 / MEMORY;

/** The decisions that the quantiles to start from weigh as much as; they are forgotten alike. */
const PRIOR_WEIGHT = 200;

/** The greatest unit before the weights are scaled down, far below the end of the numbers. */
const MAX_UNIT = 1e100;

/** The quantiles of a distribution are its thousandths. */
const STEPS = 1_000;

export function createRecentWinRates(): RecentWinRates {
  return { count: 0, unit: 1, weights: new Float64Array(WIN_RATE_BINS) };
}

export function copyOf({ weights, ...rest }: RecentWinRates): RecentWinRates {
  return { ...rest, weights: weights.slice() };
}

/** Adds the win rate of one decision, from 0 to 1. */
export function addWinRate(recent: RecentWinRates, winRate: number): void {
  const { weights } = recent;
  recent.unit /= KEPT;
  recent.count += 1;
  const bin = binOf(winRate);
  weights[bin] = (weights[bin] ?? 0) + recent.unit;
  if (recent.unit < MAX_UNIT) return;
  for (const [index, weight] of weights.entries()) weights[index] = weight / recent.unit;
  recent.unit = 1;
}

function binOf(winRate: number): number {
  return Math.max(0, Math.min(Math.floor(winRate * WIN_RATE_BINS), WIN_RATE_BINS - 1));
}

/** Returns the distribution that quantiles describe, which is even between two of them. */
export function massesOf(quantiles: readonly number[]): Masses {
  const masses = new Float64Array(WIN_RATE_BINS);
  let below = 0;
  for (let bin = 0; bin < WIN_RATE_BINS; bin += 1) {
    const isLast = bin === WIN_RATE_BINS - 1;
    const next = isLast ? 1 : percentileOf(quantiles, (bin + 1) / WIN_RATE_BINS);
    masses[bin] = next - below;
    below = next;
  }
  return masses;
}

/**
 * Returns the distribution of recent win rates, completed by another one while there are few:
 * `own` is the share, 0 to 1, that the recent ones have in it. After n decisions they weigh
 * 500 (1 - 0.998^n) and the other distribution 200 x 0.998^n.
 */
export function blend(
  { count, unit, weights }: RecentWinRates,
  prior: Masses,
): { readonly masses: Masses; readonly own: number } {
  const left = KEPT ** count;
  const total = MEMORY * (1 - left) + PRIOR_WEIGHT * left;
  const ofPrior = (PRIOR_WEIGHT * left) / total;
  const masses = prior.map((mass, bin) => mass * ofPrior + (weights[bin] ?? 0) / unit / total);
  return { masses, own: 1 - ofPrior };
}

/** Returns 1,001 quantiles of a distribution, each the middle of its bin. */
export function quantilesOf(masses: Masses): readonly number[] {
  const quantiles: number[] = [];
  const total = masses.reduce((sum, mass) => sum + mass, 0);
  let below = 0;
  for (const [bin, mass] of masses.entries()) {
    below += mass;
    const middle = (bin + 0.5) / WIN_RATE_BINS;
    while (quantiles.length <= STEPS && below > ((quantiles.length - 0.5) / STEPS) * total) {
      quantiles.push(middle);
    }
  }
  const last = quantiles.at(-1) ?? 0;
  while (quantiles.length <= STEPS) quantiles.push(last);
  return quantiles;
}

/** The parts of a unit that stored weights are counted in. */
const STORED_PARTS = 1_000;
/** The least weight that is stored, that of a decision 3,100 decisions ago. */
const LEAST_STORED = 2;

/** Returns the weights as text of at most 30,000 characters: bin and weight, to the base of 36. */
export function toText({ unit, weights }: RecentWinRates): string {
  const parts: string[] = [];
  for (const [bin, weight] of weights.entries()) {
    const stored = Math.round((weight / unit) * STORED_PARTS);
    if (stored >= LEAST_STORED) parts.push(`${bin.toString(36)}.${stored.toString(36)}`);
  }
  return parts.join(' ');
}

/** The greatest weight that is stored: all decisions together have no more. */
const MAX_STORED = MEMORY * STORED_PARTS;

/** Reads the text of `toText`; parts that are not of its form are left out, and all of them without a count. */
export function fromText(count: number, text: string): RecentWinRates {
  const recent = createRecentWinRates();
  if (!Number.isSafeInteger(count) || count < 0) return recent;
  recent.count = count;
  for (const part of text.split(' ')) {
    const [bin, weight] = part.split('.').map((digits) => Number.parseInt(digits, 36));
    if (bin === undefined || !(bin < WIN_RATE_BINS) || !(Number(weight) > 0)) continue;
    if (Number(weight) > MAX_STORED) continue;
    recent.weights[bin] = Number(weight) / STORED_PARTS;
  }
  return recent;
}
