import { beforeAll, describe, expect, test } from 'vitest';
import { createFindQuantiles } from '../../../shared/matrix-factorization/calibrate-models.ts';
import {
  type HeldOutScores,
  loadHeldOutScores,
} from '../../../shared/matrix-factorization/held-out-scores.ts';
import { resolveScorer } from '../../../shared/matrix-factorization/scorer-choice.ts';
import { loadRegistry } from '../../../shared/matrix-factorization/scorer-registry.ts';
import { thresholdForStrongShare } from '../../../shared/policy/threshold.ts';

let heldOutScores: HeldOutScores | undefined;
beforeAll(async () => {
  const registry = await loadRegistry('models');
  const { entry } = resolveScorer(registry, { name: 'local', needsCalibration: false });
  heldOutScores = await loadHeldOutScores(entry, 'models');
});

const own = {
  id: 'mine',
  name: 'mine@1',
  data: 'mine.txt',
  rows: 1_000,
  strong: 'gpt-4-1106-preview',
  weak: 'mixtral-8x7b',
  quantiles: Array.from({ length: 101 }, (_, index) => index / 100),
};
const [strong, weak] = ['Mistral-Large-2', 'Qwen2-7B-Instruct'];

describe('the calibration of two models', () => {
  test.each([0.2, 0.5, 0.8])('is that of the held-out prompts: a share of %d', (share) => {
    const findQuantiles = createFindQuantiles({ heldOutScores });
    const threshold = thresholdForStrongShare(findQuantiles(strong, weak)?.values ?? [], share);
    const winRates = heldOutScores?.winRates(strong, weak) ?? [];
    const isStrong = winRates.filter((winRate) => winRate >= threshold);
    expect(isStrong.length / winRates.length).toBeCloseTo(share, 1);
  });

  test("is the operator's own for all models", () => {
    const findQuantiles = createFindQuantiles({ calibration: own, heldOutScores });
    expect(findQuantiles(own.strong, own.weak)?.values).toBe(own.quantiles);
    expect(findQuantiles(strong, weak)).toEqual({ values: own.quantiles, from: 'mine@1' });
  });

  test('that comes with the scorer is only for its pair', () => {
    const calibration = { ...own, id: 'validation' };
    const findQuantiles = createFindQuantiles({ calibration, heldOutScores });
    expect(findQuantiles(own.strong, own.weak)?.values).toBe(own.quantiles);
    expect(findQuantiles(own.strong, weak)?.values).not.toEqual(own.quantiles);
    expect(createFindQuantiles({ calibration })('a', 'b')?.from).toBe('shipped');
  });

  test('is that of the pair for a model that is not compared', () => {
    const calibration = { ...own, id: 'validation' };
    const findQuantiles = createFindQuantiles({ calibration, heldOutScores });
    expect(findQuantiles(strong, undefined)?.values).toBe(own.quantiles);
  });

  test('is not known without a calibration', () => {
    expect(createFindQuantiles({})('a', 'b')).toBeUndefined();
  });
});
