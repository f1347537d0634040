import { join } from 'node:path';
import { ConfigError } from '../base/errors.ts';
import { readModelFile } from '../base/read-model-file.ts';
import { percentiles } from '../policy/quantiles.ts';
import type { ChosenCalibration, ModelPair } from './scorer-choice.ts';
import type { ScorerEntry } from './scorer-registry.ts';

/** A scorer's scores of prompts that it was not trained on. */
export type HeldOutScores = {
  readonly rows: number;
  /** Returns the mean logit of a model: its quality as a whole, compared with the others. */
  mean(model: string): number;
  /** Returns the win rates of one model over another, one for each row. */
  winRates(strong: string, weak: string): number[];
};

/**
 * Reads the held-out scores of a scorer, float32 [rows, models], little-endian; undefined for a
 * scorer without them. Throws a ConfigError when the file is missing, another one or of another size.
 */
export async function loadHeldOutScores(
  { id, models, heldOutScores }: ScorerEntry,
  modelsFolder: string,
): Promise<HeldOutScores | undefined> {
  if (heldOutScores === undefined) return undefined;
  const { file, rows, sha256 } = heldOutScores;
  const bytes = await readModelFile({
    path: join(modelsFolder, file),
    what: `The file of the held-out scores of ${id}`,
    sha256,
    remedy:
      'Restore the file that the entry of the scorer in registry.json names, or train the scorer again.',
  });
  if (bytes.length !== rows * models.length * Float32Array.BYTES_PER_ELEMENT) {
    throw new ConfigError([`${file} does not hold ${rows} rows of ${models.length} scores.`]);
  }
  const scores = new Float32Array(Uint8Array.from(bytes).buffer);
  const scoreAt = (row: number, model: number) => scores[row * models.length + model] ?? 0;
  return {
    rows,
    mean: (model) => {
      const index = models.indexOf(model);
      const sum = Array.from({ length: rows }, (_, row) => scoreAt(row, index));
      return sum.reduce((total, score) => total + score, 0) / rows;
    },
    winRates: (strong, weak) => {
      const [first, other] = [models.indexOf(strong), models.indexOf(weak)];
      return Array.from({ length: rows }, (_, row) => {
        const difference = scoreAt(row, first) - scoreAt(row, other);
        return 1 / (1 + Math.exp(-difference));
      });
    },
  };
}

/** Calibrates a pair without its own calibration. */
export function calibrateByHeldOutScores(
  scores: HeldOutScores,
  pair: ModelPair,
): ChosenCalibration {
  return {
    id: VALIDATION,
    name: `${VALIDATION}@1`,
    data: 'Held-out rows of the training data, each file counted alike.',
    rows: scores.rows,
    ...pair,
    quantiles: percentiles(scores.winRates(pair.strong, pair.weak)),
  };
}

/** The id of calibrations that come with a scorer. */
export const VALIDATION = 'validation';
