/** The named points between cheap and good; each stands for a strong share. */
export const MODES = ['cost', 'balanced', 'quality'] as const;
export type Mode = (typeof MODES)[number];
export type ModeShares = Readonly<Record<Mode, number>>;

/** A threshold above every win rate: with it no prompt goes to the strong model. */
export const NEVER_STRONG = 1.000001;

/**
 * Returns the threshold at which `strongShare` (0 to 1) of the calibration's prompts have a win
 * rate at or above it: the (1 - share) quantile (RouteLLM, calibrate_threshold.py), interpolated
 * linearly between the 101 stored ones. Prompts of equal win rate always go to the same model: if
 * they make the share unreachable, the threshold lies in the gap on the side of the nearest
 * reachable share.
 */
export function thresholdForStrongShare(quantiles: readonly number[], strongShare: number): number {
  const last = quantiles.length - 1;
  if (strongShare === 0) return NEVER_STRONG;
  if (strongShare === 1) return 0;
  return valueAt(quantiles, outsideTies(quantiles, (1 - strongShare) * last));
}

/**
 * Returns a threshold by which `strongShare` (0 to 1) of the prompts goes to the strong model on
 * average, also where many have equal win rates: it lies below the prompts at the quantile or above
 * them, drawn with `random` (0 to 1, below 1) so that their part of the share comes out.
 */
export function drawThreshold(
  quantiles: readonly number[],
  strongShare: number,
  random: () => number,
): number {
  if (strongShare === 0) return NEVER_STRONG;
  if (strongShare === 1) return 0;
  const position = (1 - strongShare) * (quantiles.length - 1);
  const { first, last } = tiesAt(quantiles, position);
  const ofTies = (last + 0.5 - position) / (last - first + 1);
  return valueAt(quantiles, random() < ofTies ? first - 0.5 : last + 0.5);
}

/** Returns the win rate at a position between two quantiles, or a threshold beyond all of them. */
function valueAt(quantiles: readonly number[], position: number): number {
  if (position > quantiles.length - 1) return NEVER_STRONG;
  if (position < 0) return 0;
  const below = Math.floor(position);
  const low = quantiles[below] ?? 0;
  const high = quantiles[below + 1] ?? low;
  return low + (high - low) * (position - below);
}

/**
 * Returns the position itself, or half a step before or after the run of equal quantiles that it
 * falls into: with a threshold at a win rate that many prompts share, rounding would decide for
 * them.
 */
function outsideTies(quantiles: readonly number[], position: number): number {
  const { first, last } = tiesAt(quantiles, position);
  if (first === last) return position;
  return position > (first + last) / 2 ? last + 0.5 : first - 0.5;
}

/** Returns the first and the last of the quantiles that equal the one at a position. */
function tiesAt(
  quantiles: readonly number[],
  position: number,
): { readonly first: number; readonly last: number } {
  let first = Math.round(position);
  let last = first;
  while (first > 0 && quantiles[first - 1] === quantiles[first]) first -= 1;
  while (last + 1 < quantiles.length && quantiles[last + 1] === quantiles[last]) last += 1;
  return { first, last };
}

/** Returns the share (0 to 1) of the calibration's prompts with a lower win rate than this one. */
export function percentileOf(quantiles: readonly number[], winRate: number): number {
  const reached = firstReached(quantiles, winRate);
  if (reached === 0) return 0;
  if (reached === quantiles.length) return 1;
  const low = quantiles[reached - 1] ?? 0;
  const high = quantiles[reached] ?? low;
  return (reached - 1 + (winRate - low) / (high - low)) / (quantiles.length - 1);
}

/** Returns the index of the first quantile at or above a win rate; their number if none is. */
function firstReached(quantiles: readonly number[], winRate: number): number {
  let [from, to] = [0, quantiles.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((quantiles[middle] ?? 0) >= winRate) to = middle;
    else from = middle + 1;
  }
  return from;
}
