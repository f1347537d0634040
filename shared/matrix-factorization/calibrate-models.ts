import { LRUCache } from 'lru-cache';
import type { Quantiles } from '../policy/controls.ts';
import { percentiles } from '../policy/quantiles.ts';
import { type HeldOutScores, VALIDATION } from './held-out-scores.ts';
import type { ChosenCalibration } from './scorer-choice.ts';

/**
 * Returns quantiles of the win rate of one model over another; without another model, those of the
 * configured pair; undefined without a calibration.
 */
export type FindQuantiles = (
  strong: string,
  weak: string | undefined,
  useCase?: string | undefined,
) => Quantiles | undefined;

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
  const isShipped = calibration?.id === VALIDATION;
  const own = calibration && {
    values: calibration.quantiles,
    from: isShipped ? SHIPPED : calibration.name,
    ...(calibration.outcomes && { outcomes: calibration.outcomes }),
  };
  const known = new LRUCache<string, Quantiles>({ max: MAX_PAIRS });
  return (strong, weak) => {
    const isItsPair = calibration?.strong === strong && calibration.weak === weak;
    const isOwn = calibration !== undefined && !isShipped;
    if (isItsPair || isOwn || heldOutScores === undefined || weak === undefined) return own;
    const key = JSON.stringify([strong, weak]);
    const found = known.get(key) ?? {
      values: percentiles(heldOutScores.winRates(strong, weak)),
      from: SHIPPED,
    };
    known.set(key, found);
    return found;
  };
}

/** The source of quantiles that come with the scorer, as decisions name it. */
export const SHIPPED = 'shipped';
