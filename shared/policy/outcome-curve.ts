/**
 * The probability that the strong model's answer is better, by win rate: points of a curve that
 * never falls, as many `shares` (0 to 1) as ascending `winRates`.
 */
export type OutcomeCurve = {
  readonly winRates: readonly number[];
  readonly shares: readonly number[];
};

/** The most points that a curve keeps. */
const MAX_POINTS = 50;

/**
 * Fits a curve to outcomes, 1 where the strong model's answer was better and else 0, by isotonic
 * regression: the mean of neighbours is taken wherever it would fall (the pool-adjacent-violators
 * algorithm; Barlow et al., "Statistical Inference under Order Restrictions", 1972). Each pool
 * counts two prompts more, at the mean of all, so that none is certain.
 */
export function fitOutcomeCurve(
  graded: readonly { readonly winRate: number; readonly isBetter: boolean }[],
): OutcomeCurve {
  const mean = graded.filter(({ isBetter }) => isBetter).length / Math.max(1, graded.length);
  const pools: { count: number; better: number; winRates: number }[] = [];
  const shareOf = ({ better, count }: { count: number; better: number }) =>
    (better + 2 * mean) / (count + 2);
  for (const { winRate, isBetter } of graded.toSorted((a, b) => a.winRate - b.winRate)) {
    let pool = { count: 1, better: Number(isBetter), winRates: winRate };
    for (let last = pools.at(-1); last && isAtLeast(last, pool); last = pools.at(-1)) {
      pools.pop();
      pool = {
        count: pool.count + last.count,
        better: pool.better + last.better,
        winRates: pool.winRates + last.winRates,
      };
    }
    pools.push(pool);
  }
  const step = Math.max(1, Math.ceil(pools.length / MAX_POINTS));
  const kept = pools.filter((_, index) => index % step === 0 || index === pools.length - 1);
  let highest = 0;
  return {
    winRates: kept.map(({ winRates, count }) => winRates / count),
    shares: kept.map((pool) => {
      highest = Math.max(highest, shareOf(pool));
      return highest;
    }),
  };
}

function isAtLeast(
  a: { readonly count: number; readonly better: number },
  b: { readonly count: number; readonly better: number },
): boolean {
  return a.better * b.count >= b.better * a.count;
}

/** Returns the probability, 0 to 1, at a win rate; undefined for a curve without points. */
export function probabilityAt({ winRates, shares }: OutcomeCurve, winRate: number) {
  const next = winRates.findIndex((one) => one >= winRate);
  if (next === -1) return shares.at(-1);
  const [low = 0, high = 0] = [winRates[next - 1], winRates[next]];
  const [from, to = 0] = [shares[next - 1], shares[next]];
  if (from === undefined || high === low) return to;
  return from + ((to - from) * (winRate - low)) / (high - low);
}
