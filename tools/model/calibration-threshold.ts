import type { CalibrationTarget } from '../../shared/matrix-factorization/scorer-registry.ts';
import { percentiles } from '../../shared/policy/quantiles.ts';
import { NEVER_STRONG, thresholdForStrongShare } from '../../shared/policy/threshold.ts';

/**
 * A prompt, and its contribution to the target's figure when it goes to either model. A figure is
 * the mean over the prompts; a strong share adds 1 or 0.
 */
export type WeighedPrompt = {
  readonly winRate: number;
  readonly ifStrong: number;
  readonly ifWeak: number;
};

/** Prompts in ascending order of win rate. */
export type SortedPrompts = readonly WeighedPrompt[];

/** Deviations of the standard normal distribution that contain 95% of it. */
export const NORMAL_95 = 1.96;

/** Returns the figure when prompts with a win rate at or above the threshold go to the strong model. */
export function figureAt(prompts: readonly WeighedPrompt[], threshold: number): number {
  return mean(prompts, (prompt) => figureOf(prompt, threshold));
}

export function figureOf(prompt: WeighedPrompt, threshold: number): number {
  return prompt.winRate >= threshold ? prompt.ifStrong : prompt.ifWeak;
}

export function strongShareAt(prompts: readonly WeighedPrompt[], threshold: number): number {
  return mean(prompts, ({ winRate }) => Number(winRate >= threshold));
}

/** Returns the threshold that the prompts give for a target, from 0 to just above 1. */
export function chooseThreshold(
  prompts: SortedPrompts,
  { kind, value }: Pick<CalibrationTarget, 'kind' | 'value'>,
): number {
  switch (kind) {
    case 'strong-share':
      // The app uses the same rule, so the held-out prompts test exactly this rule.
      return thresholdForStrongShare(percentiles(prompts.map(({ winRate }) => winRate)), value);
    case 'cost-per-1000':
      return lowestAffordable(prompts, value);
    case 'max-loss':
      return highestHarmless(prompts, value);
  }
}

/** Yields the figures that thresholds can give, from no prompt to all prompts at the strong model. */
export function* reachableFigures(
  prompts: SortedPrompts,
): Generator<{ readonly figure: number; readonly threshold: number }> {
  let sum = prompts.reduce((total, { ifWeak }) => total + ifWeak, 0);
  yield { figure: sum / prompts.length, threshold: NEVER_STRONG };
  for (let index = prompts.length - 1; index >= 0; index -= 1) {
    const { winRate = 0, ifStrong = 0, ifWeak = 0 } = prompts[index] ?? {};
    sum += ifStrong - ifWeak;
    if (prompts[index - 1]?.winRate === winRate) continue;
    yield { figure: sum / prompts.length, threshold: thresholdBelow(prompts, index) };
  }
}

/** Returns the threshold of the largest strong share whose mean cost is within the budget. */
function lowestAffordable(prompts: SortedPrompts, budget: number): number {
  let lowest = NEVER_STRONG;
  for (const { figure, threshold } of reachableFigures(prompts)) {
    if (figure <= budget) lowest = threshold;
  }
  return lowest;
}

/**
 * Returns the highest threshold up to which the upper end of the loss's 95% interval stays within
 * the limit. It stops at the first one that exceeds it: thresholds tried in a fixed order need no
 * correction for their number (fixed-sequence testing; Angelopoulos et al., arXiv 2110.01052,
 * section 3).
 */
function highestHarmless(prompts: SortedPrompts, limit: number): number {
  const count = prompts.length;
  let [sum, squares, highest] = [0, 0, 0];
  for (const [index, { winRate, ifWeak }] of prompts.entries()) {
    sum += ifWeak;
    squares += ifWeak * ifWeak;
    if (prompts[index + 1]?.winRate === winRate) continue;
    const variance = Math.max(0, squares / count - (sum / count) ** 2);
    if (sum / count + NORMAL_95 * Math.sqrt(variance / count) > limit) break;
    highest = thresholdBelow(prompts, index + 1);
  }
  return highest;
}

/** Returns the middle of the gap, so that rounding on another machine leaves every prompt on its side. */
function thresholdBelow(prompts: SortedPrompts, index: number): number {
  const above = prompts[index]?.winRate ?? NEVER_STRONG;
  const below = prompts[index - 1]?.winRate;
  if (below === undefined) return 0;
  if (above === NEVER_STRONG) return NEVER_STRONG;
  const middle = (below + above) / 2;
  return middle > below ? middle : above;
}

function mean<T>(values: readonly T[], toNumber: (value: T) => number): number {
  return values.reduce((sum, value) => sum + toNumber(value), 0) / values.length;
}
