/** Named points between cheap and good; each stands for a strong share. */
export const MODES = ['cost', 'balanced', 'quality'] as const;
export type Mode = (typeof MODES)[number];
export type ModeShares = Readonly<Record<Mode, number>>;

/** Above every win rate: with it nothing goes to the strong model. */
const NEVER_STRONG = 1.000001;

/**
 * The threshold at which `strongShare` (0 to 1) of the calibration's prompts have a win rate at or
 * above it: the (1 - share) quantile (RouteLLM, calibrate_threshold.py), between the 101 stored
 * ones linearly.
 */
export function thresholdForStrongShare(quantiles: readonly number[], strongShare: number): number {
  if (strongShare === 0) return NEVER_STRONG;
  const position = (1 - strongShare) * (quantiles.length - 1);
  const below = Math.floor(position);
  const low = quantiles[below] ?? 0;
  const high = quantiles[below + 1] ?? low;
  return strongShare === 1 ? 0 : low + (high - low) * (position - below);
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
