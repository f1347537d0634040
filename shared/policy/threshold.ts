/** Named points between cheap and good; each stands for a strong share. */
export const MODES = ['cost', 'balanced', 'quality'] as const;
export type Mode = (typeof MODES)[number];
export type ModeShares = Readonly<Record<Mode, number>>;

/** Above every win rate: with it nothing goes to the strong model. */
export const NEVER_STRONG = 1.000001;

/**
 * The threshold at which `strongShare` (0 to 1) of the calibration's prompts have a win rate at or
 * above it: the (1 - share) quantile (RouteLLM, calibrate_threshold.py), between the 101 stored
 * ones linearly. Prompts of equal win rate go one way together: where they make the share
 * unreachable, the threshold lies in the gap on the side of the nearer share that can be had.
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
 * The position itself, or half a step before or behind the run of equal quantiles that it falls
 * into: a threshold on a win rate that many prompts share would leave them to rounding.
 */
function outsideTies(quantiles: readonly number[], position: number): number {
  const tied = quantiles[Math.round(position)] ?? 0;
  const [first, last] = [quantiles.indexOf(tied), quantiles.lastIndexOf(tied)];
  if (first === last) return position;
  return position > (first + last) / 2 ? last + 0.5 : first - 0.5;
}

/** The share (0 to 1) of the calibration's prompts with a lower win rate than this one. */
export function percentileOf(quantiles: readonly number[], winRate: number): number {
  const reached = quantiles.findIndex((quantile) => quantile >= winRate);
  if (reached === 0) return 0;
  if (reached === -1) return 1;
  const low = quantiles[reached - 1] ?? 0;
  const high = quantiles[reached] ?? low;
  return (reached - 1 + (winRate - low) / (high - low)) / (quantiles.length - 1);
}
