import { fitOutcomeCurve, type OutcomeCurve } from '../../shared/policy/outcome-curve.ts';
import type { ChosenPair } from './pair-choice.ts';
import type { TrainingSet } from './training-set.ts';

/** The graded rows below which a curve would say little. */
const MIN_ROWS = 200;

/**
 * Fits the probability that the strong model's answer is better to the held-out rows whose gradings
 * of both models are known. Undefined with fewer than 200 of them.
 */
export function calibrateOutcomes(
  set: TrainingSet,
  { strong, weak }: ChosenPair,
  winRateOf: (row: number) => number,
): OutcomeCurve | undefined {
  const graded = [...set.heldOutRows].flatMap((row) => {
    const { scores, assumed } = set.rows[row] ?? {};
    const [ofStrong, ofWeak] = [scores?.get(strong), scores?.get(weak)];
    if (assumed !== false || ofStrong === undefined || ofWeak === undefined) return [];
    return [{ winRate: winRateOf(row), isBetter: ofStrong > ofWeak }];
  });
  return graded.length < MIN_ROWS ? undefined : fitOutcomeCurve(graded);
}
