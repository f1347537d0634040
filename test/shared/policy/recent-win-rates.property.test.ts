import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createEvenDraws } from '../../../shared/policy/even-draws.ts';
import {
  addWinRate,
  blend,
  createRecentWinRates,
  fromText,
  massesOf,
  quantilesOf,
  type RecentWinRates,
  toText,
} from '../../../shared/policy/recent-win-rates.ts';
import { drawThreshold } from '../../../shared/policy/threshold.ts';
import { createRandom } from '../../fakes/routellm-weights.ts';
import { propertyRuns } from '../../support/property-runs.ts';

/** Draws the win rate of the next prompt. */
type Traffic = (random: () => number) => number;

/** Kinds of traffic, as they can come: spread, narrow, far from any benchmark, or all the same. */
const traffic: fc.Arbitrary<Traffic> = fc.oneof(
  fc.tuple(fc.double({ min: 0, max: 0.9, noNaN: true }), fc.constantFrom(0.1, 0.01, 0.0001)).map(
    ([from, width]): Traffic =>
      (random) =>
        from + width * random(),
  ),
  fc.double({ min: 0, max: 1, noNaN: true }).map(
    (value): Traffic =>
      () =>
        value,
  ),
  fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 2, maxLength: 5 }).map(
    (values): Traffic =>
      (random) =>
        values[Math.floor(random() * values.length)] ?? 0,
  ),
);

const shipped = Array.from({ length: 101 }, (_, index) => 0.4 + index / 500);

/** Sends 2,000 prompts of a kind, and returns the strong share of the next 2,000. */
function sharesOf(kinds: readonly Traffic[], share: number, seed: number): number[] {
  const random = createRandom(seed);
  const draw = createEvenDraws(random());
  const prior = massesOf(shipped);
  const recent = createRecentWinRates();
  let quantiles: readonly number[] = shipped;
  const send = (kind: Traffic) => {
    const winRate = kind(random);
    const isStrong = winRate >= drawThreshold(quantiles, share, draw);
    addWinRate(recent, winRate);
    if (recent.count % 25 === 0) quantiles = quantilesOf(blend(recent, prior).masses);
    return Number(isStrong);
  };
  return kinds.map((kind) => {
    for (let index = 0; index < 2_000; index += 1) send(kind);
    let strong = 0;
    for (let index = 0; index < 2_000; index += 1) strong += send(kind);
    return strong / 2_000;
  });
}

describe('quantiles that follow the win rates', () => {
  test('give the share that is asked for, on any traffic and after it has changed', () => {
    const share = fc.constantFrom(0.1, 0.3, 0.5, 0.8);
    fc.assert(
      fc.property(traffic, traffic, share, fc.nat(), (first, second, asked, seed) => {
        for (const got of sharesOf([first, second], asked, seed)) {
          expect(Math.abs(got - asked)).toBeLessThan(0.03);
        }
      }),
      propertyRuns(15),
    );
  });

  test('start from those of the calibration, which no decision moves by more than half a point', () => {
    const prior = massesOf(shipped);
    const recent = createRecentWinRates();
    expect(blend(recent, prior).own).toBe(0);
    const random = createRandom(7);
    let before = blend(recent, prior).masses;
    for (let index = 0; index < 100; index += 1) {
      addWinRate(recent, random());
      const after = blend(recent, prior).masses;
      let [moved, sum] = [0, 0];
      for (const [bin, mass] of after.entries()) {
        sum += mass;
        moved += Math.abs(mass - (before[bin] ?? 0)) / 2;
      }
      expect(sum).toBeCloseTo(1, 9);
      expect(moved).toBeLessThan(0.005);
      before = after;
    }
  });

  test('are as many as 1,001, from the lowest to the highest', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true })), (winRates) => {
        const recent = createRecentWinRates();
        for (const winRate of winRates) addWinRate(recent, winRate);
        const quantiles = quantilesOf(blend(recent, massesOf(shipped)).masses);
        expect(quantiles).toHaveLength(1_001);
        expect(quantiles).toEqual(quantiles.toSorted((a, b) => a - b));
      }),
      propertyRuns(30),
    );
  });
});

describe('stored win rates', () => {
  const distance = (a: RecentWinRates, b: RecentWinRates) => {
    const prior = massesOf(shipped);
    const other = blend(b, prior).masses;
    const differences = blend(a, prior).masses.map((mass, bin) =>
      Math.abs(mass - (other[bin] ?? 0)),
    );
    return differences.reduce((sum, one) => sum + one, 0);
  };

  test('are read as they were written, in less than a column has room for', () => {
    const random = createRandom(3);
    const recent = createRecentWinRates();
    for (let index = 0; index < 200_000; index += 1) addWinRate(recent, random());
    const text = toText(recent);
    expect(text.length).toBeLessThan(32_000);
    expect(distance(fromText(recent.count, text), recent)).toBeLessThan(0.01);
  });

  test('that are no such text count as none', () => {
    const random = createRandom(4);
    const text = Array.from({ length: 200 }, () => String.fromCharCode(32 + random() * 90)).join(
      '',
    );
    const recent = fromText(0, `${text} zzz.1 1.x . 5`);
    expect(recent.weights.every((weight) => weight >= 0)).toBe(true);
  });
});
