import { describe, expect, test } from 'vitest';
import { resolveScorer } from '../../../shared/matrix-factorization/scorer-choice.ts';
import { scorerEntrySchema } from '../../../shared/matrix-factorization/scorer-registry.ts';

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

  test('refuses a pair without a calibration if one is needed', () => {
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

describe('the calibration', () => {
  const base = { data: 'd', rows: 1, quantiles };
  const pair = { strong: 'a', weak: 'b' };
  const several = scorerEntrySchema.parse({
    ...entry,
    calibrations: [
      { ...base, ...pair, id: 'validation' },
      { ...base, ...pair, id: 'mine', version: 1 },
      { ...base, ...pair, id: 'mine', version: 2 },
      { ...base, ...pair, id: 'other' },
      { ...base, strong: 'a', weak: 'c', id: 'mine', version: 3 },
    ],
  });
  const nameOf = (calibration?: string): string | undefined =>
    resolveScorer(
      { scorers: [several] },
      { name: 'one', needsCalibration: true, ...(calibration !== undefined && { calibration }) },
    ).calibration?.name;

  test('is by default the newest of the pair', () => {
    expect(nameOf()).toBe('other@1');
  });

  test('is the newest of a name, or exactly the named version', () => {
    expect(nameOf('mine')).toBe('mine@2');
    expect(nameOf('mine@1')).toBe('mine@1');
  });

  test('without a version is the first of its name', () => {
    expect(nameOf('validation@1')).toBe('validation@1');
  });

  test.each(['mine@3', 'nobody', 'mine@', '@1'])(
    'is refused as %s, with those of the pair',
    (name) => {
      expect(() => nameOf(name)).toThrow(
        /ROUTER_CALIBRATION names .* for a over b\. It has validation@1, mine@1, mine@2, other@1\./,
      );
    },
  );
});
