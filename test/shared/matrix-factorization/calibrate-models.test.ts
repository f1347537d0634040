import { beforeAll, describe, expect, it } from 'vitest';
import { createFindQuantiles } from '../../../shared/matrix-factorization/calibrate-models.ts';
import {
  type HeldOutScores,
  loadHeldOutScores,
} from '../../../shared/matrix-factorization/held-out-scores.ts';
import { loadRegistry, type ScorerEntry } from '../../../shared/matrix-factorization/registry.ts';
import { resolveScorer } from '../../../shared/matrix-factorization/scorer-choice.ts';
import { thresholdForStrongShare } from '../../../shared/routing/threshold.ts';

let entry: ScorerEntry;
let heldOutScores: HeldOutScores | undefined;
beforeAll(async () => {
  const registry = await loadRegistry('models');
  entry = resolveScorer(registry, { name: 'local', needsCalibration: false }).entry;
  heldOutScores = await loadHeldOutScores(entry, 'models');
});

const own = {
  ...{ id: 'mine', name: 'mine@1', data: 'mine.txt', rows: 1_000 },
  ...{ strong: 'gpt-4-1106-preview', weak: 'mixtral-8x7b' },
  quantiles: Array.from({ length: 101 }, (_, index) => index / 100),
};

describe('a strong share among several models', () => {
  it.each([0.2, 0.5, 0.8])('of %d is that of the held-out prompts', (share) => {
    const findQuantiles = createFindQuantiles({ heldOutScores });
    const [strong = '', ...rivals] = entry.models.slice(0, 6);
    const threshold = thresholdForStrongShare(findQuantiles(strong, rivals) ?? [], share);
    const winRates = heldOutScores?.winRates(strong, rivals) ?? [];
    const isStrong = winRates.filter((winRate) => winRate >= threshold);
    expect(isStrong.length / winRates.length).toBeCloseTo(share, 1);
  });

  it('needs a lower threshold than with the weakest of them alone', () => {
    const findQuantiles = createFindQuantiles({ heldOutScores });
    const [strong = '', good = '', fair = ''] = entry.models;
    const many = thresholdForStrongShare(findQuantiles(strong, [good, fair]) ?? [], 0.3);
    const few = thresholdForStrongShare(findQuantiles(strong, [fair]) ?? [], 0.3);
    expect(many).toBeLessThanOrEqual(few);
  });

  it("stays with the operator's own calibration, whoever takes part", () => {
    const findQuantiles = createFindQuantiles({ calibration: own, heldOutScores });
    expect(findQuantiles(own.strong, [own.weak])).toBe(own.quantiles);
    expect(findQuantiles('Athene-70B', ['Qwen2-7B-Instruct', own.weak])).toBe(own.quantiles);
  });

  it('takes what comes with the scorer for its pair alone', () => {
    const calibration = { ...own, id: 'validation' };
    const findQuantiles = createFindQuantiles({ calibration, heldOutScores });
    expect(findQuantiles(own.strong, [own.weak])).toBe(own.quantiles);
    expect(findQuantiles(own.strong, [own.weak, own.weak])).toBe(own.quantiles);
    expect(findQuantiles(own.strong, [own.weak, 'Athene-70B'])).not.toBe(own.quantiles);
    expect(createFindQuantiles({ calibration })('a', ['b'])).toBe(own.quantiles);
  });

  it('is not known without a calibration', () => {
    expect(createFindQuantiles({})('a', ['b'])).toBeUndefined();
  });
});
