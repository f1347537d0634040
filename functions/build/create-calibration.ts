import type { Background } from '../../shared/base/background.ts';
import type { DecisionRecord } from '../../shared/decisions/decision-record.ts';
import { createOwnQuantiles } from '../../shared/decisions/own-quantiles.ts';
import { createSyncOwnQuantiles } from '../../shared/decisions/sync-own-quantiles.ts';
import {
  createFindQuantiles,
  type FindQuantiles,
} from '../../shared/matrix-factorization/calibrate-models.ts';
import type { HeldOutScores } from '../../shared/matrix-factorization/held-out-scores.ts';
import type { Config } from '../../shared/settings/config.ts';
import type { Decisions } from './create-decisions.ts';

/** The quantiles by which strong shares become thresholds. */
export type CalibrationPart = {
  readonly findQuantiles: FindQuantiles;
  readonly add: (decision: DecisionRecord) => void;
  /** Reads what earlier decisions have shown, waits for that a short time, and shares what follows. */
  readonly start: () => Promise<void>;
  readonly finish: () => Promise<void>;
};

type CalibrationOptions = {
  readonly config: Config;
  readonly heldOutScores: HeldOutScores | undefined;
  readonly decisions: Decisions;
  readonly background: Background;
};

/** Builds quantiles that follow the router's decisions, or stay those of a calibration. */
export function createCalibration(options: CalibrationOptions): CalibrationPart {
  const { config, heldOutScores, decisions, background } = options;
  const { calibration, entry } = config.scorer;
  const findShipped = createFindQuantiles({ calibration, heldOutScores });
  const nothing = () => Promise.resolve();
  if (!config.isFollowing) {
    return { findQuantiles: findShipped, add: () => undefined, start: nothing, finish: nothing };
  }
  const { loadClient } = decisions;
  const own = createOwnQuantiles({ findShipped, isStored: loadClient !== undefined });
  // The file counts as well, since another training under the same name gives other win rates.
  const scorer = `${config.isKnn ? 'knn+' : ''}${entry.id}@${entry.version} ${entry.sha256}`;
  const shared = loadClient && createSyncOwnQuantiles({ own, scorer, loadClient, background });
  return {
    findQuantiles: own.find,
    add: own.add,
    start: shared?.start ?? nothing,
    finish: shared?.sync ?? nothing,
  };
}
