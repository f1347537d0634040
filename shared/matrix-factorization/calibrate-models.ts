import { LRUCache } from 'lru-cache';
import { percentiles } from '../policy/quantiles.ts';
import { type HeldOutScores, VALIDATION } from './held-out-scores.ts';
import type { ChosenCalibration } from './scorer-choice.ts';

/**
 * Returns 101 quantiles of the win rate of one model over another; without another model, those of
 * the configured pair; undefined without a calibration.
 */
export type FindQuantiles = (
  strong: string,
  weak: string | undefined,
) => readonly number[] | undefined;

/** The most pairs that are kept: more than requests and policies usually lead to. */
const MAX_PAIRS = 256;

/**
 * Creates the calibration of any two models. A calibration on the operator's own prompts holds for
 * all pairs, since nothing better is known about those prompts. A calibration that comes with the
 * scorer holds for its pair; other pairs are calibrated in the same way, on the scorer's held-out
 * prompts.
 */
export function createFindQuantiles(options: {
  /** The calibration of the configured pair. */
  readonly calibration?: ChosenCalibration | undefined;
  readonly heldOutScores?: HeldOutScores | undefined;
}): FindQuantiles {
  const { calibration, heldOutScores } = options;
  const known = new LRUCache<string, readonly number[]>({ max: MAX_PAIRS });
  return (strong, weak) => {
    const isItsPair = calibration?.strong === strong && calibration.weak === weak;
    const isOwn = calibration !== undefined && calibration.id !== VALIDATION;
    if (isItsPair || isOwn || heldOutScores === undefined || weak === undefined) {
      return calibration?.quantiles;
    }
    const key = JSON.stringify([strong, weak]);
    const quantiles = known.get(key) ?? percentiles(heldOutScores.winRates(strong, weak));
    known.set(key, quantiles);
    return quantiles;
  };
}
