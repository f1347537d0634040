import { describe, expect, test } from 'vitest';
import { percentiles } from '../../shared/policy/quantiles.ts';
import { measureRouting, type RoutedPrompt } from '../../tools/model/apgr.ts';
import { evaluate } from '../../tools/model/evaluation.ts';
import { measureAuc } from '../../tools/model/evaluation-auc.ts';
import { traceCurves } from '../../tools/model/evaluation-curves.ts';
import {
  calibrationErrorOf,
  measureReliability,
} from '../../tools/model/evaluation-reliability.ts';

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

  // PGR is 0.5, 1, 1, 1 at the same shares: 0.0625 + 0.1875 + 0.25 + 0.25 = 0.75.
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

describe('evaluate', () => {
  // The strong model is better where a number is even; the scorer knows, the length does not.
  const prompts = Array.from({ length: 200 }, (_, index) => ({
    source: index < 100 ? 'first' : 'second',
    strong: 1,
    weak: index % 2,
    characters: (index * 37) % 200,
    ...(index < 100 && { costs: { strong: 0.01, weak: index % 2 ? 0.02 : 0.001 } }),
  }));
  const knowing = { router: 'knowing', winRates: prompts.map(({ weak }) => 0.75 - weak / 4) };
  const find = (source: string, router = 'knowing') =>
    evaluate(prompts, [knowing]).find((line) => line.router === router && line.source === source);

  test('compares a scorer with the length of the prompt in the same resamples', () => {
    const [comparison] = find('all')?.comparisons ?? [];
    const quality = find('all')?.quality?.apgr ?? 0;
    const byLength = find('all', 'prompt length')?.quality?.apgr ?? 0;
    expect(comparison?.than).toBe('prompt length');
    expect(comparison?.apgr).toBeCloseTo(quality - byLength, 12);
    const [low = 0, high = 0] = comparison?.interval ?? [];
    expect(low).toBeGreaterThan(0.1);
    expect(low).toBeLessThan(quality - byLength);
    expect(high).toBeGreaterThan(quality - byLength);
  });

  test('gives a scorer that differs in nothing a difference of nothing', () => {
    const twin = { ...knowing, router: 'twin' };
    const lines = evaluate(prompts, [knowing, twin], { resamples: 50 });
    const twins = lines.find(({ router, source }) => router === 'twin' && source === 'all');
    expect(twins?.comparisons?.[1]).toEqual({ than: 'knowing', apgr: 0, interval: [0, 0] });
  });

  // A scorer that knows saves 1 - (0.95 - weak mean), and the weak mean, of equally many 0 and 1,
  // has the standard error 0.5 / sqrt(n).
  test('gives intervals as wide as the central limit theorem says', () => {
    const [low, high] = find('all')?.intervals?.saved ?? [0, 0];
    const expected = 2 * 1.96 * (0.5 / Math.sqrt(prompts.length));
    expect((high - low) / expected).toBeGreaterThan(0.85);
    expect((high - low) / expected).toBeLessThan(1.15);
  });

  test('measures costs where they are known, apart from the rest', () => {
    expect(find('all')?.costBasis).toBe('calls');
    expect(find('all with costs')).toMatchObject({ prompts: 100, costBasis: 'rows' });
    expect(find('first')?.costBasis).toBe('rows');
    expect(find('second')?.costBasis).toBe('calls');
  });

  // Half of the weak answers cost twice as much as a strong one. The quality is high enough from 45
  // strong calls on, which cost 1.455 in all; 100 strong calls cost 1.
  test('finds the least cost wherever it lies on the curve', () => {
    expect(find('first')?.quality?.saved).toBeCloseTo(0, 12);
  });

  test('traces curves from the weak model alone to the strong one alone', () => {
    const [all, withCosts] = traceCurves(prompts, [knowing]);
    const points = all?.curves.find(({ router }) => router === 'knowing')?.points;
    expect(points).toEqual([
      { strongShare: 0, quality: 0.5 },
      { strongShare: 0.5, quality: 1 },
      { strongShare: 1, quality: 1 },
    ]);
    expect(withCosts?.curves[0]?.points.at(-1)?.costPer1000).toBeCloseTo(10, 9);
  });
});

describe('measureReliability', () => {
  test('cuts the prompts into ten parts by win rate', () => {
    const winRates = Array.from({ length: 20 }, (_, index) => index / 20);
    const points = measureReliability(winRates.toReversed(), winRates.toReversed()) ?? [];
    expect(points).toHaveLength(10);
    expect(points[0]).toEqual({ winRate: 0.025, outcome: 0.025 });
    expect(calibrationErrorOf(points)).toBeCloseTo(0, 12);
    expect(measureReliability([0.5], [1])).toBeUndefined();
  });

  test('does not depend on the order of prompts of one win rate', () => {
    const outcomes = Array.from({ length: 20 }, (_, index) => Number(index < 10));
    const points = measureReliability(new Float64Array(20).fill(0.5), outcomes) ?? [];
    expect(points.map(({ outcome }) => outcome)).toEqual(Array(10).fill(0.5));
  });
});

describe('measureAuc', () => {
  test('counts the pairs in order, and equal ones half', () => {
    expect(measureAuc([1, 2, 3], [2, 4])).toBeCloseTo((1 + 0.5 + 0 + 3) / 6, 12);
    expect(measureAuc([0.1, 0.2], [0.8])).toBe(1);
  });
});

describe('percentiles', () => {
  test('are 101, from the least to the greatest value', () => {
    const found = percentiles([3, 1, 2]);
    expect(found).toHaveLength(101);
    expect([found[0], found[25], found[50], found[100]]).toEqual([1, 1.5, 2, 3]);
  });
});
