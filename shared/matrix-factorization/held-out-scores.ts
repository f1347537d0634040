import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '../errors.ts';
import { percentiles } from '../routing/quantiles.ts';
import type { ScorerEntry } from './registry.ts';
import type { ChosenCalibration, ModelPair } from './scorer-choice.ts';

/**
 * The calibration of a pair that has none of its own, from the scores that the scorer gave its
 * held-out prompts: float32 [rows, models], little-endian. Undefined for a scorer without them.
 * Throws a ConfigError when the file is missing or of another size.
 */
export async function calibrateByHeldOutScores(
  { id, models, heldOutScores }: ScorerEntry,
  pair: ModelPair,
  modelsFolder: string,
): Promise<ChosenCalibration | undefined> {
  if (heldOutScores === undefined) return undefined;
  const { file, rows } = heldOutScores;
  const bytes = await readFile(join(modelsFolder, file)).catch((error: unknown) => {
    throw new ConfigError([`The held-out scores of ${id} cannot be read: ${String(error)}`]);
  });
  if (bytes.length !== rows * models.length * Float32Array.BYTES_PER_ELEMENT) {
    throw new ConfigError([`${file} does not hold ${rows} rows of ${models.length} scores.`]);
  }
  const scores = new Float32Array(Uint8Array.from(bytes).buffer);
  const [strong, weak] = [models.indexOf(pair.strong), models.indexOf(pair.weak)];
  const winRates = Array.from({ length: rows }, (_, row) => {
    const base = row * models.length;
    const difference = (scores[base + strong] ?? 0) - (scores[base + weak] ?? 0);
    return 1 / (1 + Math.exp(-difference));
  });
  return {
    id: 'validation',
    name: 'validation@1',
    data: 'Held-out rows of the training data, each file counted alike.',
    rows,
    ...pair,
    quantiles: percentiles(winRates),
  };
}
