import { interval95 } from './evaluation-bootstrap.ts';
import { shuffle } from './random.ts';

export type Interval = [low: number, high: number];

/**
 * Enough resamples for the second digit of an interval. A huge sample needs fewer, since its
 * intervals are narrow.
 */
const RESAMPLES = 1_000;
const FEWEST_RESAMPLES = 200;
const MOST_DRAWS = 20_000_000;

/** One of this many prompts is held out. */
export const HELD_OUT_ONE_IN = 3;

/** Holds out a random third; both parts keep the order. */
export function split<T>(
  values: readonly T[],
  random: () => number,
): { readonly fit: readonly T[]; readonly heldOut: readonly T[] } {
  const order = Int32Array.from(values.keys());
  shuffle(order, random);
  const chosen = new Set(order.subarray(0, Math.floor(values.length / HELD_OUT_ONE_IN)));
  return {
    fit: values.filter((_, index) => !chosen.has(index)),
    heldOut: values.filter((_, index) => chosen.has(index)),
  };
}

/**
 * Returns the 95% interval of a statistic by the percentile bootstrap (Efron 1979): its 2.5th and
 * 97.5th percentile over samples drawn with replacement, each in the order of the values.
 */
export function bootstrapInterval<T>(
  values: readonly T[],
  statistic: (sample: readonly T[]) => number,
  random: () => number,
): Interval {
  const affordable = Math.max(FEWEST_RESAMPLES, Math.floor(MOST_DRAWS / values.length));
  const results = Array.from({ length: Math.min(RESAMPLES, affordable) }, () =>
    statistic(resample(values, random)),
  );
  const [low, high] = interval95(results);
  return [low, high];
}

function resample<T>(values: readonly T[], random: () => number): T[] {
  const counts = new Uint32Array(values.length);
  for (let draw = 0; draw < counts.length; draw += 1) {
    const index = Math.floor(random() * counts.length);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  const drawn: T[] = [];
  for (const [index, value] of values.entries()) {
    for (let left = counts[index] ?? 0; left > 0; left -= 1) drawn.push(value);
  }
  return drawn;
}

export function standardDeviation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / values.length);
}
