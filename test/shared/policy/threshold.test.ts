import { describe, expect, test } from 'vitest';
import { percentileOf, thresholdForStrongShare } from '../../../shared/policy/threshold.ts';
import { createRandom } from '../../fakes/routellm-weights.ts';

/** quantiles[p] = p / 200: win rates spread evenly from 0 to 0.5. */
const even = Array.from({ length: 101 }, (_, index) => index / 200);

/** Ascending, with runs of equal values. */
function randomQuantiles(random: () => number): number[] {
  return Array.from({ length: 101 }, () => Math.round(random() * 40) / 40).sort((a, b) => a - b);
}

describe('thresholdForStrongShare', () => {
  test('is the seventieth percentile for a share of 0.3', () => {
    expect(thresholdForStrongShare(even, 0.3)).toBeCloseTo(0.35, 12);
  });

  test('lies between two stored quantiles in proportion', () => {
    const quantiles = even.with(70, 0.346).with(71, 0.358);
    // A quarter of the way from the 70th percentile to the 71st.
    expect(thresholdForStrongShare(quantiles, 0.2975)).toBeCloseTo(0.349, 9);
  });

  test('lets every win rate pass for a share of 1', () => {
    expect(thresholdForStrongShare(even, 1)).toBe(0);
  });

  test('lets no win rate pass for a share of 0', () => {
    expect(thresholdForStrongShare(even, 0)).toBeGreaterThan(1);
    expect(thresholdForStrongShare(new Array(101).fill(1), 0)).toBeGreaterThan(1);
    expect(thresholdForStrongShare(even, -0)).toBeGreaterThan(1);
  });

  test('never rises with the share, whatever the quantiles', () => {
    const random = createRandom(1);
    for (let round = 0; round < 50; round += 1) {
      const quantiles = randomQuantiles(random);
      let earlier = Number.POSITIVE_INFINITY;
      for (let step = 0; step <= 1_000; step += 1) {
        const threshold = thresholdForStrongShare(quantiles, step / 1_000);
        expect(threshold).toBeLessThanOrEqual(earlier);
        earlier = threshold;
      }
    }
  });

  test('sends that share of the calibration sample to the strong model', () => {
    const random = createRandom(2);
    const sample = Array.from({ length: 1_001 }, random).sort((a, b) => a - b);
    const quantiles = Array.from({ length: 101 }, (_, index) => sample[index * 10] ?? 0);
    for (const share of [0.01, 0.2, 0.305, 0.5, 0.8, 0.999]) {
      const threshold = thresholdForStrongShare(quantiles, share);
      const strong = sample.filter((winRate) => winRate >= threshold).length;
      expect(Math.abs(strong / sample.length - share)).toBeLessThan(0.01);
    }
  });
});

describe('thresholdForStrongShare, where prompts have equal win rates,', () => {
  /** The 20th to the 60th percentile are equal, so shares from 0.4 to 0.8 are unreachable. */
  const tied = even.map((value, index) => (index >= 20 && index <= 60 ? 0.2 : value));

  test('lies in the gap before or after them, on the side of the nearer share', () => {
    for (const share of [0.61, 0.7, 0.8]) {
      const threshold = thresholdForStrongShare(tied, share);
      expect(threshold).toBeGreaterThan(0.095);
      expect(threshold).toBeLessThan(0.2);
    }
    for (const share of [0.59, 0.5, 0.4]) {
      const threshold = thresholdForStrongShare(tied, share);
      expect(threshold).toBeGreaterThan(0.2);
      expect(threshold).toBeLessThan(0.305);
    }
  });

  test('is as without them for a share that is reachable', () => {
    expect(thresholdForStrongShare(tied, 0.3)).toBeCloseTo(0.35, 12);
    expect(thresholdForStrongShare(tied, 0.9)).toBeCloseTo(0.05, 12);
  });

  test('sends all or none of them if there are no others', () => {
    const flat = new Array(101).fill(0.5);
    expect(thresholdForStrongShare(flat, 0.7)).toBe(0);
    expect(thresholdForStrongShare(flat, 0.3)).toBeGreaterThan(1);
  });

  test('tells thousandths apart that win rates lie within', () => {
    const narrow = even.map((value) => 0.116 + value / 1_000);
    expect(thresholdForStrongShare(narrow, 0.3)).toBeCloseTo(0.11635, 12);
  });
});

describe('percentileOf', () => {
  test('is the place of a stored quantile', () => {
    expect(percentileOf(even, 0.35)).toBeCloseTo(0.7, 12);
  });

  test('lies between two stored quantiles in proportion', () => {
    expect(percentileOf(even, 0.35125)).toBeCloseTo(0.7025, 12);
  });

  test('is 0 below the lowest quantile and 1 above the highest', () => {
    const narrow = even.map((value) => 0.3 + value / 10);
    expect(percentileOf(narrow, 0.1)).toBe(0);
    expect(percentileOf(narrow, 0.9)).toBe(1);
  });

  test('is 0 at the lowest quantile and 1 at the highest', () => {
    expect(percentileOf(even, 0)).toBe(0);
    expect(percentileOf(even, 0.5)).toBe(1);
  });

  test('jumps over a run of equal quantiles', () => {
    const flat = even.map((value, index) => (index >= 20 && index <= 60 ? 0.2 : value));
    expect(percentileOf(flat, 0.2 - 1e-9)).toBeLessThanOrEqual(0.2);
    expect(percentileOf(flat, 0.2 + 1e-9)).toBeGreaterThanOrEqual(0.6);
  });

  test('counts only the lower prompts at a run of equal quantiles', () => {
    const flat = even.map((value, index) => (index >= 20 && index <= 60 ? 0.2 : value));
    expect(percentileOf(flat, 0.2)).toBeCloseTo(0.2, 12);
  });

  test('is a number from 0 to 1 that never falls with the win rate, whatever the quantiles', () => {
    const random = createRandom(3);
    const cases = Array.from({ length: 50 }, () => randomQuantiles(random));
    for (const quantiles of [...cases, new Array(101).fill(0), new Array(101).fill(0.5)]) {
      let earlier = 0;
      for (let step = 0; step <= 1_000; step += 1) {
        const percentile = percentileOf(quantiles, step / 1_000);
        expect(percentile).toBeGreaterThanOrEqual(earlier);
        expect(percentile).toBeLessThanOrEqual(1);
        earlier = percentile;
      }
    }
  });

  test('turns the threshold of a share back into that share', () => {
    const random = createRandom(4);
    for (let round = 0; round < 200; round += 1) {
      const quantiles = Array.from({ length: 101 }, random).sort((a, b) => a - b);
      const share = random();
      const percentile = percentileOf(quantiles, thresholdForStrongShare(quantiles, share));
      expect(1 - percentile).toBeCloseTo(share, 9);
    }
  });
});
