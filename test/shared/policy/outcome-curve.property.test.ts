import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fitOutcomeCurve, probabilityAt } from '../../../shared/policy/outcome-curve.ts';
import { createRandom } from '../../fakes/routellm-weights.ts';

const winRate = fc.double({ min: 0, max: 1, noNaN: true });
const graded = fc.array(fc.record({ winRate, isBetter: fc.boolean() }), { minLength: 1 });

test('the probability that the strong model is better never falls with the win rate', () => {
  fc.assert(
    fc.property(graded, winRate, winRate, (rows, one, other) => {
      const curve = fitOutcomeCurve(rows);
      const [low = -1, high = -1] = [Math.min(one, other), Math.max(one, other)].map((at) =>
        probabilityAt(curve, at),
      );
      expect(low).toBeGreaterThanOrEqual(0);
      expect(high).toBeLessThanOrEqual(1);
      expect(low).toBeLessThanOrEqual(high);
    }),
  );
});

test('the probability is that of the outcomes, which are spread wider than win rates', () => {
  const random = createRandom(5);
  const rows = Array.from({ length: 20_000 }, () => {
    const truth = random();
    return { winRate: 0.45 + truth / 5, isBetter: random() < truth };
  });
  const curve = fitOutcomeCurve(rows);
  expect(curve.winRates.length).toBeLessThanOrEqual(51);
  for (const truth of [0.1, 0.3, 0.5, 0.7, 0.9]) {
    expect(Math.abs((probabilityAt(curve, 0.45 + truth / 5) ?? 0) - truth)).toBeLessThan(0.07);
  }
});

test('there is no probability without outcomes', () => {
  expect(probabilityAt(fitOutcomeCurve([]), 0.5)).toBeUndefined();
});
