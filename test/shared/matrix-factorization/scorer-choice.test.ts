import { describe, expect, test } from 'vitest';
import { scorerEntrySchema } from '../../../shared/matrix-factorization/registry.ts';
import { resolveScorer } from '../../../shared/matrix-factorization/scorer-choice.ts';

const quantiles = Array.from({ length: 101 }, (_, index) => index / 100);
const entry = scorerEntrySchema.parse({
  id: 'one',
  version: '1',
  file: 'one/scorer.onnx',
  sha256: 'a'.repeat(64),
  embedder: 'any',
  dimensions: 4,
  models: ['a', 'b', 'c'],
  defaultPair: { strong: 'a', weak: 'b' },
  trainedOn: 'nothing',
  calibrations: [{ id: 'c1', data: 'd', rows: 1, strong: 'a', weak: 'b', quantiles }],
});
const registry = { scorers: [entry] };

describe('resolveScorer', () => {
  test('takes the default pair and its calibration', () => {
    expect(resolveScorer(registry, { name: 'one', needsCalibration: true })).toMatchObject({
      pair: { strong: 'a', weak: 'b' },
      calibration: { id: 'c1' },
    });
  });

  test('has no calibration for another pair, nor for the reverse', () => {
    for (const pair of [{ weak: 'c' }, { strong: 'b', weak: 'a' }]) {
      const choice = resolveScorer(registry, { name: 'one', ...pair, needsCalibration: false });
      expect(choice).not.toHaveProperty('calibration');
    }
  });

  test('refuses a pair without a calibration where one is needed', () => {
    const work = () => resolveScorer(registry, { name: 'one', weak: 'c', needsCalibration: true });
    expect(work).toThrow('none for a over c');
  });

  test('refuses a model over itself', () => {
    const work = () => resolveScorer(registry, { name: 'one', weak: 'a', needsCalibration: true });
    expect(work).toThrow(/1 problem.*\n.*both "a"/);
  });

  test('refuses a default pair that the scorer does not know', () => {
    const other = { ...entry, defaultPair: { strong: 'x', weak: 'b' } };
    const work = () =>
      resolveScorer({ scorers: [other] }, { name: 'one', needsCalibration: false });
    expect(work).toThrow('does not know "x"');
  });
});
