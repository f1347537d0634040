/** What a prompt is predicted and what came out. */
export type RoutedPrompt = {
  /** Any number that ranks the prompts: the higher, the sooner the strong model gets it. */
  readonly winRate: number;
  /** Graded answers of the strong and the weak model, from 0 to 1. */
  readonly strongScore: number;
  readonly weakScore: number;
};

export type RoutingQuality = {
  /** Average performance gap recovered; 0.5 is what a random order gives. */
  readonly apgr: number;
  /** Least strong share that recovers half, and four fifths, of the gap. */
  readonly cpt50: number;
  readonly cpt80: number;
  readonly prompts: number;
  /** Mean score of the strong model less that of the weak one. */
  readonly gap: number;
};

/** One point of the curve: PGR when this share of the prompts goes to the strong model. */
type Point = { readonly strongShare: number; readonly recovered: number };

/**
 * RouteLLM's measures (arXiv 2406.18665, section 3). With the prompts in falling order of win rate
 * and the first n of N sent to the strong model,
 *
 *   PGR(n/N) = (mean score then - weak mean) / (strong mean - weak mean),
 *
 * APGR is the area under PGR over the strong share from 0 to 1 (trapezoids, a point a prompt), and
 * CPT(x) the least strong share with PGR >= x (between points linearly). Prompts of equal win rate
 * are taken together, as a threshold takes them. Undefined when the strong model is not better.
 */
export function measureRouting(prompts: readonly RoutedPrompt[]): RoutingQuality | undefined {
  const total = prompts.reduce((sum, prompt) => sum + gapOf(prompt), 0);
  if (!(total > 0)) return undefined;
  const points = curve(prompts, total);
  return {
    apgr: area(points),
    cpt50: shareThatRecovers(points, 0.5),
    cpt80: shareThatRecovers(points, 0.8),
    prompts: prompts.length,
    gap: total / prompts.length,
  };
}

function gapOf({ strongScore, weakScore }: RoutedPrompt): number {
  return strongScore - weakScore;
}

function curve(prompts: readonly RoutedPrompt[], total: number): Point[] {
  const inOrder = [...prompts].sort((a, b) => b.winRate - a.winRate);
  const points: Point[] = [{ strongShare: 0, recovered: 0 }];
  let sum = 0;
  for (const [index, prompt] of inOrder.entries()) {
    sum += gapOf(prompt);
    if (inOrder[index + 1]?.winRate === prompt.winRate) continue;
    points.push({ strongShare: (index + 1) / inOrder.length, recovered: sum / total });
  }
  return points;
}

function area(points: readonly Point[]): number {
  let sum = 0;
  for (const [before, after] of pairs(points)) {
    sum += ((after.strongShare - before.strongShare) * (before.recovered + after.recovered)) / 2;
  }
  return sum;
}

function shareThatRecovers(points: readonly Point[], recovered: number): number {
  for (const [before, after] of pairs(points)) {
    if (after.recovered < recovered) continue;
    const part = (recovered - before.recovered) / (after.recovered - before.recovered);
    return before.strongShare + (after.strongShare - before.strongShare) * part;
  }
  return 1;
}

function pairs(points: readonly Point[]): [Point, Point][] {
  return points.slice(1).map((after, index) => [points[index] ?? after, after]);
}
