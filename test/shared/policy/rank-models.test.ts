import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rankByTier, rankByWinRate } from '../../../shared/policy/rank-models.ts';
import { shareLoad } from '../../../shared/policy/share-load.ts';

const share = fc.double({ min: 0, max: 1, noNaN: true });
const cost = fc.oneof(
  fc.double({ min: 0, max: 1, noNaN: true }),
  // Prices are often equal, and sometimes unknown.
  fc.constantFrom(0, 0.001, 0.01, Number.POSITIVE_INFINITY),
);
const rival = fc.record({ model: fc.record({ cost }), winRate: share });

describe('the models that may answer', () => {
  test('are led by the cheapest that the strongest beats with a win rate below the threshold', () => {
    fc.assert(
      fc.property(
        fc.record({ cost }),
        fc.array(rival, { maxLength: 64 }),
        share,
        (strongest, rivals, threshold) => {
          const [first, ...others] = rankByWinRate(strongest, rivals, threshold);
          const chosen = rivals.find(({ model }) => model === first);
          if (first !== strongest) expect(chosen?.winRate).toBeLessThan(threshold);
          // No model that is good enough costs less.
          const enough = rivals.filter(({ winRate }) => winRate < threshold);
          for (const { model } of [{ model: strongest }, ...enough]) {
            expect(first?.cost).toBeLessThanOrEqual(model.cost);
          }
          expect(new Set([first, ...others])).toEqual(
            new Set([strongest, ...rivals.map(({ model }) => model)]),
          );
          expect(others).toHaveLength(rivals.length);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('are two: strong if its win rate is at or above the threshold', () => {
    const [strong, weak] = [{ cost: Number.POSITIVE_INFINITY }, { cost: 0 }];
    fc.assert(
      fc.property(share, share, (winRate, threshold) => {
        const [first] = rankByWinRate(strong, [{ model: weak, winRate }], threshold);
        expect(first).toBe(winRate >= threshold ? strong : weak);
      }),
      { numRuns: 2_000 },
    );
  });

  test('replace each other: those good enough by cost, then the best of the others', () => {
    const [strong, good, fair, poor, cheap] = [9, 5, 3, 2, 1].map((cost) => ({ cost }));
    const rivals = [
      { model: good, winRate: 0.3 },
      { model: fair, winRate: 0.29 },
      { model: poor, winRate: 0.9 },
      { model: cheap, winRate: 0.7 },
    ] as { model: { cost: number }; winRate: number }[];
    const ranked = rankByWinRate(strong ?? { cost: 0 }, rivals, 0.5);
    expect(ranked.map((one) => one.cost)).toEqual([3, 5, 9, 1, 2]);
  });

  test('of the same cost are led by the stronger', () => {
    const [strong, other] = [{ cost: 1 }, { cost: 1 }];
    expect(rankByWinRate(strong, [{ model: other, winRate: 0 }], 1)).toEqual([strong, other]);
    expect(rankByTier([strong, other], 'weak')[0]).toBe(strong);
  });

  test('are ordered by their tier if nothing is compared', () => {
    const models = [{ cost: 2 }, { cost: 3 }, { cost: 1 }];
    expect(rankByTier(models, 'strong')).toEqual(models);
    expect(rankByTier(models, 'weak').map((one) => one.cost)).toEqual([1, 2, 3]);
  });
});

describe('the load', () => {
  test('is shared by the weights', () => {
    const all = [{ weight: 1 }, { weight: 3 }, { weight: 0 }];
    const counts = new Map(all.map((one) => [one, 0]));
    for (let call = 0; call < 40_000; call += 1) {
      const [first, , last] = shareLoad(all, Math.random);
      if (first) counts.set(first, (counts.get(first) ?? 0) + 1);
      expect(last).toBe(all[2]);
    }
    const [one = 0, three = 0, none = 0] = [...counts.values()];
    expect(three / one).toBeGreaterThan(2.8);
    expect(three / one).toBeLessThan(3.2);
    expect(none).toBe(0);
  });

  test('is shared equally if all weights are 0', () => {
    const all = [{ weight: 0 }, { weight: 0 }];
    const firsts = Array.from({ length: 1_000 }, () => shareLoad(all, Math.random)[0]);
    const count = firsts.filter((one) => one === all[0]).length;
    expect(count).toBeGreaterThan(400);
    expect(count).toBeLessThan(600);
  });

  test('keeps every one, whatever the random numbers', () => {
    const all = [{ weight: 2 }, { weight: 1 }, { weight: 0.5 }];
    for (const chance of [0, 0.5, 1 - Number.EPSILON]) {
      expect(new Set(shareLoad(all, () => chance))).toEqual(new Set(all));
    }
  });
});
