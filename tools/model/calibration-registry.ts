import { VALIDATION } from '../../shared/matrix-factorization/held-out-scores.ts';
import type { ModelPair } from '../../shared/matrix-factorization/scorer-choice.ts';
import type {
  Calibration,
  ScorerEntry,
} from '../../shared/matrix-factorization/scorer-registry.ts';
import { editEntry } from './registry-file.ts';

/** Returns the version of the next calibration of this id; earlier ones stay. */
export function nextVersion({ calibrations }: ScorerEntry, id: string): number {
  const versions = calibrations.filter((one) => one.id === id).map(({ version }) => version);
  return 1 + Math.max(0, ...versions);
}

/** Adds a calibration after the scorer's others. Throws as `editEntry` does. */
export function addCalibration(
  modelsFolder: string,
  entry: ScorerEntry,
  calibration: Calibration,
): Promise<void> {
  return editEntry(modelsFolder, entry, (scorer) => {
    scorer.calibrations = [...(scorer.calibrations ?? []), calibration];
  });
}

/**
 * Records the pair that stands for unknown models, with its calibration, which replaces the one that
 * came with an earlier such pair. The operator's calibrations stay the newest. Throws as `editEntry` does.
 */
export function recordStandIns(
  modelsFolder: string,
  entry: ScorerEntry,
  {
    standIns,
    calibration,
  }: {
    readonly standIns: NonNullable<ScorerEntry['standIns']>;
    readonly calibration: Calibration;
  },
): Promise<void> {
  const isShippedOf = ({ id, strong, weak }: Calibration, pair: ModelPair | undefined) =>
    id === VALIDATION && strong === pair?.strong && weak === pair?.weak;
  const kept = entry.calibrations.filter(
    (one) => isShippedOf(one, entry.defaultPair) || !isShippedOf(one, entry.standIns),
  );
  return editEntry(modelsFolder, entry, (scorer) => {
    scorer.standIns = standIns;
    const others = kept.filter((one) => !isShippedOf(one, standIns));
    scorer.calibrations = [calibration, ...others];
  });
}
