import { LRUCache } from 'lru-cache';
import { percentiles } from '../routing/quantiles.ts';
import { type HeldOutScores, VALIDATION } from './held-out-scores.ts';
import type { ChosenCalibration } from './scorer-choice.ts';

/**
 * 101 quantiles of the win rate of a model over the best of its rivals; undefined without a
 * calibration.
 */
export type FindQuantiles = (
  strong: string,
  rivals: readonly string[],
) => readonly number[] | undefined;

/** More sets of models than requests and policies usually leave. */
const MAX_SETS = 256;

/**
 * Calibrates whatever models take part. A calibration on the operator's own prompts knows two models
 * alone: it holds for all sets, in which fewer prompts than it says go to the strongest, because more
 * rivals may do. What comes with the scorer holds for its pair, and other sets are calibrated on the
 * scorer's held-out prompts as that was, so that a strong share stays what it says.
 */
export function createFindQuantiles(options: {
  /** Of the configured pair. */
  readonly calibration?: ChosenCalibration | undefined;
  readonly heldOutScores?: HeldOutScores | undefined;
}): FindQuantiles {
  const { calibration, heldOutScores } = options;
  const known = new LRUCache<string, readonly number[]>({ max: MAX_SETS });
  return (strong, rivals) => {
    if (calibration !== undefined && holdsFor(calibration, strong, rivals)) {
      return calibration.quantiles;
    }
    // One alone is compared with nobody.
    if (heldOutScores === undefined || rivals.length === 0) return calibration?.quantiles;
    const key = JSON.stringify([strong, ...rivals.toSorted()]);
    const quantiles = known.get(key) ?? percentiles(heldOutScores.winRates(strong, rivals));
    known.set(key, quantiles);
    return quantiles;
  };
}

function holdsFor(
  { id, ...pair }: ChosenCalibration,
  strong: string,
  rivals: readonly string[],
): boolean {
  return id !== VALIDATION || (pair.strong === strong && rivals.every((one) => one === pair.weak));
}
