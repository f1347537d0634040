import { describe, expect, test } from 'vitest';
import { measureRouting, type RoutedPrompt } from '../../tools/model/apgr.ts';
import { percentiles } from '../../tools/model/quantiles.ts';

function prompt(winRate: number, strongScore: number, weakScore: number): RoutedPrompt {
  return { winRate, strongScore, weakScore };
}

describe('measureRouting', () => {
  // Four prompts, gaps 1, 0, 0 and 1 in falling order of win rate, so PGR is 0, 0.5, 0.5, 0.5, 1 at
  // the strong shares 0, 0.25, 0.5, 0.75, 1. The trapezoids are 0.0625 + 0.125 + 0.125 + 0.1875 = 0.5.
  test('gives the area that is computed by hand', () => {
    const prompts = [prompt(0.9, 1, 0), prompt(0.8, 1, 1), prompt(0.7, 0, 0), prompt(0.1, 1, 0)];
    const quality = measureRouting(prompts);
    expect(quality?.apgr).toBeCloseTo(0.5, 12);
    expect(quality?.cpt50).toBeCloseTo(0.25, 12);
    // 0.8 lies three fifths of the way between the points (0.75, 0.5) and (1, 1).
    expect(quality?.cpt80).toBeCloseTo(0.9, 12);
    expect(quality?.gap).toBeCloseTo(0.5, 12);
  });

  // PGR 0.5, 1, 1, 1 at the same shares: 0.0625 + 0.1875 + 0.25 + 0.25 = 0.75.
  test('gives a perfect order more than one half', () => {
    const prompts = [prompt(0.1, 1, 1), prompt(0.8, 1, 0), prompt(0.2, 0, 0), prompt(0.9, 1, 0)];
    expect(measureRouting(prompts)?.apgr).toBeCloseTo(0.75, 12);
  });

  test('goes beyond 1 where the weak model is better and gets its prompts last', () => {
    const prompts = [prompt(0.9, 1, 0), prompt(0.8, 1, 0), prompt(0.1, 0, 1)];
    expect(measureRouting(prompts)?.apgr).toBeCloseTo((0 + 1) / 6 + (1 + 2) / 6 + (2 + 1) / 6, 12);
  });

  test('gives exactly one half when all win rates are equal, whatever the order of the rows', () => {
    const prompts = [prompt(0.5, 1, 0), prompt(0.5, 0, 0), prompt(0.5, 0, 0)];
    expect(measureRouting(prompts)?.apgr).toBe(0.5);
    expect(measureRouting(prompts.toReversed())?.cpt80).toBeCloseTo(0.8, 12);
  });

  test('gives nothing when the strong model is not better', () => {
    expect(measureRouting([prompt(0.5, 0, 1)])).toBeUndefined();
    expect(measureRouting([])).toBeUndefined();
  });
});

describe('percentiles', () => {
  test('are 101, from the least to the greatest value', () => {
    const found = percentiles([3, 1, 2]);
    expect(found).toHaveLength(101);
    expect([found[0], found[25], found[50], found[100]]).toEqual([1, 1.5, 2, 3]);
  });
});
