/** A tenth of the prompts with the means of their predictions and of their outcomes. */
export type ReliabilityPoint = {
  readonly winRate: number;
  /** Mean of 0.5 + (strong - weak) / 2: 1 if only the strong model is right, 0.5 for equal answers. */
  readonly outcome: number;
};

const PARTS = 10;

/**
 * Cuts the prompts, in rising order of win rate, into ten parts of equal size. Prompts with one win
 * rate share their mean outcome, so that the order of the rows decides nothing. Returns undefined
 * for fewer than ten prompts.
 */
export function measureReliability(
  winRates: ArrayLike<number>,
  outcomes: ArrayLike<number>,
): readonly ReliabilityPoint[] | undefined {
  const points = Array.from(winRates, (winRate, index) => ({
    winRate,
    outcome: outcomes[index] ?? 0,
  })).sort((a, b) => a.winRate - b.winRate);
  if (points.length < PARTS) return undefined;
  const shared = shareTies(points);
  return Array.from({ length: PARTS }, (_, part) =>
    meanOf(
      shared.slice(
        Math.round((part * shared.length) / PARTS),
        Math.round(((part + 1) * shared.length) / PARTS),
      ),
    ),
  );
}

/** Returns the mean distance between prediction and outcome over the ten parts. */
export function calibrationErrorOf(points: readonly ReliabilityPoint[]): number {
  const sum = points.reduce((total, point) => total + Math.abs(point.winRate - point.outcome), 0);
  return sum / points.length;
}

function shareTies(sorted: readonly ReliabilityPoint[]): ReliabilityPoint[] {
  const shared: ReliabilityPoint[] = [];
  let begin = 0;
  for (const [index, { winRate }] of sorted.entries()) {
    if (sorted[index + 1]?.winRate === winRate) continue;
    const { outcome } = meanOf(sorted.slice(begin, index + 1));
    for (; begin <= index; begin += 1) shared.push({ winRate, outcome });
  }
  return shared;
}

function meanOf(points: readonly ReliabilityPoint[]): ReliabilityPoint {
  const total = { winRate: 0, outcome: 0 };
  for (const { winRate, outcome } of points) {
    total.winRate += winRate;
    total.outcome += outcome;
  }
  return { winRate: total.winRate / points.length, outcome: total.outcome / points.length };
}
