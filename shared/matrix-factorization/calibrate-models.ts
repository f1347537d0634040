import { LRUCache } from 'lru-cache';
import { percentiles } from '../policy/quantiles.ts';
import { type HeldOutScores, VALIDATION } from './held-out-scores.ts';
import type { ChosenCalibration } from './scorer-choice.ts';

/**
 * 101 quantiles of the win rate of one model over another, those of the configured pair where there is
 * no other; undefined without a calibration.
 */
export type FindQuantiles = (
  strong: string,
  weak: string | undefined,
) => readonly number[] | undefined;

/** More pairs than requests and policies usually leave. */
const MAX_PAIRS = 256;

/**
 * Calibrates whatever models take part. A calibration on the operator's own prompts holds for all of
 * them: it is the best that is known of those prompts. What comes with the scorer holds for its pair,
 * and other pairs are calibrated as that was, on the scorer's held-out prompts.
 */
export function createFindQuantiles(options: {
  /** Of the configured pair. */
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
