import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  calibrateByHeldOutScores,
  loadHeldOutScores,
} from '../../../shared/matrix-factorization/held-out-scores.ts';
import {
  type ModelPair,
  resolveScorer,
} from '../../../shared/matrix-factorization/scorer-choice.ts';
import {
  findScorer,
  loadRegistry,
  type ScorerEntry,
} from '../../../shared/matrix-factorization/scorer-registry.ts';

const folder = await mkdtemp(join(tmpdir(), 'smart-router-scores-'));
afterAll(() => rm(folder, { recursive: true }));

const SCORES = Float32Array.of(1, 0, 9, 0, 0, 9, 0, 1, 9);

function sha256Of(scores: Float32Array): string {
  return createHash('sha256').update(scores).digest('hex');
}

const registry = await loadRegistry('models');
const local = findScorer(registry, 'local');
const entry: ScorerEntry = {
  ...local,
  models: ['a', 'b', 'c'],
  heldOutScores: { file: 'scores.bin', rows: 3, sha256: sha256Of(SCORES) },
};

async function calibrate(scorer: ScorerEntry, pair: ModelPair, models: string) {
  const scores = await loadHeldOutScores(scorer, models);
  if (scores === undefined) throw new Error('The scorer has no held-out scores.');
  return calibrateByHeldOutScores(scores, pair);
}

describe('held-out scores', () => {
  test('give any pair the quantiles of its win rates', async () => {
    await writeFile(join(folder, 'scores.bin'), SCORES);
    const pair = { strong: 'a', weak: 'b' };
    const { quantiles, name, rows } = await calibrate(entry, pair, folder);
    expect({ name, rows }).toEqual({ name: 'validation@1', rows: 3 });
    const [low, middle, high] = [1 / (1 + Math.E), 0.5, 1 / (1 + Math.exp(-1))];
    expect(quantiles).toHaveLength(101);
    expect(quantiles?.[0]).toBeCloseTo(low, 6);
    expect(quantiles?.[25]).toBeCloseTo((low + middle) / 2, 6);
    expect(quantiles?.[50]).toBeCloseTo(middle, 6);
    expect(quantiles?.[100]).toBeCloseTo(high, 6);
  });

  test.each([
    ['are missing', 'missing.bin', /held-out scores of local cannot be read.*Restore the file/],
    ['are of another size', 'scores.bin', /does not hold 4 rows of 3 scores/],
    ['are damaged', 'damaged.bin', /damaged\.bin is damaged or another file.*Restore the file/],
  ])('that %s are an error at the start', async (_, file, message) => {
    await writeFile(join(folder, 'scores.bin'), SCORES);
    await writeFile(join(folder, 'damaged.bin'), SCORES.with(4, 0.001));
    const wrong = { ...entry, heldOutScores: { file, rows: 4, sha256: sha256Of(SCORES) } };
    await expect(loadHeldOutScores(wrong, folder)).rejects.toThrow(message);
  });

  test('of the shipped scorer make a strong share possible for its other models', async () => {
    const wish = { name: 'local', strong: 'gpt-4o', weak: 'GPT-4o-mini', needsCalibration: true };
    const { pair, calibration } = resolveScorer(registry, wish);
    expect(pair).toEqual({ strong: 'gpt-4o-2024-08-06', weak: 'gpt-4o-mini-2024-07-18' });
    expect(calibration).toBeUndefined();
    const { quantiles } = await calibrate(local, pair, 'models');
    expect(quantiles[100]).toBeGreaterThan((quantiles[0] ?? 1) + 0.01);
  });
});

test('a registry whose default pair is not of its models is refused', async () => {
  const wrong = { ...local, defaultPair: { strong: 'nobody', weak: local.defaultPair.weak } };
  await writeFile(join(folder, 'registry.json'), JSON.stringify({ scorers: [wrong] }));
  await expect(loadRegistry(folder)).rejects.toThrow(/defaultPair: must be two of the models/);
});
