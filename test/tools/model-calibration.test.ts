import { describe, expect, test } from 'vitest';
import { InputError } from '../../tools/command-line/input-error.ts';
import { calibrate } from '../../tools/model/calibration.ts';
import {
  chooseThreshold,
  figureAt,
  reachableFigures,
  type WeighedPrompt,
} from '../../tools/model/calibration-threshold.ts';
import { createRandom } from '../../tools/model/random.ts';

/** Creates win rates 0.1, 0.2, ... with the contribution of each prompt at the weak or strong model. */
function prompts(...parts: readonly [ifWeak: number, ifStrong: number][]): WeighedPrompt[] {
  return parts.map(([ifWeak, ifStrong], index) => ({
    winRate: (index + 1) / 10,
    ifWeak,
    ifStrong,
  }));
}

describe('the threshold for a cost', () => {
  // The means from always weak to always strong are 1, 2, 2.75, 4.75, 5.
  const costs = prompts([1, 2], [1, 9], [1, 4], [1, 5]);

  test('lies between the prompts where the budget ends', () => {
    for (const [budget, threshold] of [
      [4.75, 0.15],
      [4.7, 0.25],
      [2.75, 0.25],
      [2, 0.35],
    ] as const) {
      expect(chooseThreshold(costs, { kind: 'cost-per-1000', value: budget })).toBeCloseTo(
        threshold,
      );
    }
  });

  test('is above all where one prompt more would cost too much', () => {
    const threshold = chooseThreshold(costs, { kind: 'cost-per-1000', value: 1.9 });
    expect(threshold).toBeGreaterThan(1);
    expect(figureAt(costs, threshold)).toBe(1);
  });

  test('keeps prompts of equal win rate together', () => {
    const tied = costs.map((prompt) => ({ ...prompt, winRate: 0.5 }));
    expect([...reachableFigures(tied)].map(({ figure }) => figure)).toEqual([1, 5]);
    const threshold = chooseThreshold(tied, { kind: 'cost-per-1000', value: 3 });
    expect(figureAt(tied, threshold)).toBe(1);
  });

  test('parts win rates that are neighbours among the doubles', () => {
    const [low, high] = [0.3, 0.300_000_000_000_000_04];
    const near = [low, high].map((winRate) => ({ winRate, ifWeak: 0, ifStrong: 1 }));
    const threshold = chooseThreshold(near, { kind: 'cost-per-1000', value: 0.5 });
    expect(near.map(({ winRate }) => winRate >= threshold)).toEqual([false, true]);
  });
});

describe('the threshold for a loss', () => {
  test('is the highest at which the upper end of the interval keeps the limit', () => {
    // Of 1,000 prompts the upper half lose 1 each. k of them lose k / 1000, known to 1.96 x sqrt(k
    // / 1000 x (1 - k / 1000) / 1000): at 36 that makes 0.0475, at 40 0.0521.
    const many = Array.from({ length: 1_000 }, (_, index) => ({
      winRate: index / 1_000,
      ifStrong: 0,
      ifWeak: index < 500 ? 0 : 1,
    }));
    const threshold = chooseThreshold(many, { kind: 'max-loss', value: 0.05 });
    expect(figureAt(many, threshold)).toBeGreaterThanOrEqual(0.036);
    expect(figureAt(many, threshold)).toBeLessThan(0.04);
  });

  test('does not go on behind the first that breaks the limit, whatever is won there', () => {
    const losses = [...new Array(200).fill(1), ...new Array(800).fill(-1)];
    const many = losses.map((ifWeak, index) => ({ winRate: index / 1_000, ifStrong: 0, ifWeak }));
    const threshold = chooseThreshold(many, { kind: 'max-loss', value: 0.05 });
    expect(threshold).toBeLessThan(0.05);
  });

  test('is 0 where the first prompt already could lose too much', () => {
    const few = prompts([1, 0], [1, 0], [0, 0]);
    expect(chooseThreshold(few, { kind: 'max-loss', value: 0.05 })).toBe(0);
  });
});

describe('a calibration that is accepted', () => {
  /** Invents true win rates from 0 to 1: the strong answer is better as often as they say. */
  function invent(count: number, random: () => number): WeighedPrompt[] {
    return Array.from({ length: count }, () => {
      const winRate = random();
      return { winRate, ifStrong: 0, ifWeak: random() < winRate / 2 ? 1 : 0 };
    });
  }

  test('keeps its loss on prompts that come later, nearly always', () => {
    const goal = { kind: 'max-loss', value: 0.05, basis: 'measured', tolerance: 0.05 } as const;
    const later = invent(50_000, createRandom(99));
    const losses: number[] = [];
    for (let seed = 1; seed <= 40; seed += 1) {
      try {
        const { threshold } = calibrate(invent(900, createRandom(seed)), goal, createRandom(seed));
        losses.push(figureAt(later, threshold));
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
      }
    }
    expect(losses.length).toBeGreaterThan(35);
    // 2.5% of the losses may be above the limit.
    expect(losses.filter((loss) => loss > 0.05).length).toBeLessThanOrEqual(3);
    expect(Math.max(...losses)).toBeLessThan(0.07);
  });

  test('has intervals that hold the truth about 95 times in 100', () => {
    const goal = { kind: 'strong-share', value: 0.3, basis: 'measured', tolerance: 0.2 } as const;
    let [thresholds, shares] = [0, 0];
    for (let seed = 1; seed <= 60; seed += 1) {
      const random = createRandom(seed);
      const sample = invent(400, random).map((prompt) => ({ ...prompt, ifStrong: 1, ifWeak: 0 }));
      const { threshold, thresholdInterval, achieved } = calibrate(sample, goal, random);
      // Win rates are uniform: a threshold of 0.7 is a share of 0.3.
      if (thresholdInterval[0] <= 0.7 && thresholdInterval[1] >= 0.7) thresholds += 1;
      const truth = 1 - threshold;
      if (achieved.interval[0] <= truth && achieved.interval[1] >= truth) shares += 1;
    }
    expect(thresholds).toBeGreaterThanOrEqual(52);
    expect(shares).toBeGreaterThanOrEqual(52);
  });
});
