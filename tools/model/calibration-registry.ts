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
