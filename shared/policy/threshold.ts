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
  const position = outsideTies(quantiles, (1 - strongShare) * last);
  if (strongShare === 0 || position > last) return NEVER_STRONG;
  if (strongShare === 1 || position < 0) return 0;
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
  const tied = quantiles[Math.round(position)] ?? 0;
  const [first, last] = [quantiles.indexOf(tied), quantiles.lastIndexOf(tied)];
  if (first === last) return position;
  return position > (first + last) / 2 ? last + 0.5 : first - 0.5;
}

/** Returns the share (0 to 1) of the calibration's prompts with a lower win rate than this one. */
export function percentileOf(quantiles: readonly number[], winRate: number): number {
  const reached = quantiles.findIndex((quantile) => quantile >= winRate);
  if (reached === 0) return 0;
  if (reached === -1) return 1;
  const low = quantiles[reached - 1] ?? 0;
  const high = quantiles[reached] ?? low;
  return (reached - 1 + (winRate - low) / (high - low)) / (quantiles.length - 1);
}
