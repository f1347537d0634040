/** A prompt's predicted win rate and the outcome of both answers. */
export type RoutedPrompt = {
  /** Any number that ranks the prompts: prompts with higher numbers go to the strong model first. */
  readonly winRate: number;
  /** Graded answers of the strong and the weak model, from 0 to 1. */
  readonly strongScore: number;
  readonly weakScore: number;
};

export type RoutingQuality = {
  /** Average performance gap recovered; 0.5 is the value of a random order. */
  readonly apgr: number;
  /** Smallest strong share that recovers half, and four fifths, of the gap. */
  readonly cpt50: number;
  readonly cpt80: number;
  /**
   * Part of the cost of always calling the strong model that is saved while the mean score is still
   * KEPT_QUALITY of the strong model's. Without costs, a strong call costs 1 and a weak one
   * nothing.
   */
  readonly saved: number;
  readonly prompts: number;
  /** Mean score of the strong model minus that of the weak one. */
  readonly gap: number;
};

/** Scores of each prompt's answers, from 0 to 1, and their costs, in any unit, by position. */
export type Outcomes = {
  readonly strong: Float64Array;
  readonly weak: Float64Array;
  readonly strongCost: Float64Array;
  readonly weakCost: Float64Array;
};

/** Savings are measured at five percent less than the strong model's quality. */
export const KEPT_QUALITY = 0.95;

/**
 * RouteLLM's measures (arXiv 2406.18665, section 3, and its evaluation code). With the prompts in
 * falling order of win rate and the first n of N sent to the strong model,
 *
 *   PGR(n/N) = (mean score then - weak mean) / (strong mean - weak mean).
 *
 * APGR is the area under PGR over the strong share from 0 to 1 (trapezoids, one point per
 * threshold), and CPT(x) is the smallest strong share with PGR >= x (linear between points).
 * Prompts with equal win rates are taken together, as a threshold takes them: the line to their end
 * is straight. Returns undefined when the strong model is not better.
 */
export function measureRouting(prompts: readonly RoutedPrompt[]): RoutingQuality | undefined {
  const outcomes = {
    strong: Float64Array.from(prompts, ({ strongScore }) => strongScore),
    weak: Float64Array.from(prompts, ({ weakScore }) => weakScore),
    strongCost: new Float64Array(prompts.length).fill(1),
    weakCost: new Float64Array(prompts.length),
  };
  const ranking = new Ranking(
    prompts.map(({ winRate }) => winRate),
    outcomes,
  );
  const counts = new Float64Array(prompts.length).fill(1);
  return measureCurve(ranking, { counts, totals: sumUp(outcomes, counts) });
}

/** How often each prompt counts, and the sums over the prompts. */
export type Sample = {
  readonly counts: Float64Array;
  readonly totals: Totals;
};

type Totals = Readonly<Record<keyof Outcomes | 'prompts', number>>;

export function sumUp(outcomes: Outcomes, counts: Float64Array): Totals {
  const totals = { prompts: 0, strong: 0, weak: 0, strongCost: 0, weakCost: 0 };
  for (let index = 0; index < counts.length; index += 1) {
    const count = counts[index] ?? 0;
    totals.prompts += count;
    totals.strong += count * (outcomes.strong[index] ?? 0);
    totals.weak += count * (outcomes.weak[index] ?? 0);
    totals.strongCost += count * (outcomes.strongCost[index] ?? 0);
    totals.weakCost += count * (outcomes.weakCost[index] ?? 0);
  }
  return totals;
}

/**
 * A callback for a threshold: prompts sent to the strong model, the score they gain, and their
 * extra cost.
 */
type Visit = (strongPrompts: number, gained: number, extraCost: number) => void;

/** The prompts in falling order of win rate, sorted once and then walked for every resample. */
export class Ranking {
  readonly #order: Int32Array;
  /** In that order, the difference in score and in cost between a strong and a weak answer. */
  readonly #gaps: Float64Array;
  readonly #extraCosts: Float64Array;
  /** 1 where the next prompt has a lower win rate. */
  readonly #isThreshold: Uint8Array;

  constructor(winRates: ArrayLike<number>, outcomes: Outcomes) {
    const rate = (position: number): number => winRates[position] ?? 0;
    const { strong, weak, strongCost, weakCost } = outcomes;
    const order = Int32Array.from(Array.from(winRates).keys()).sort((a, b) => rate(b) - rate(a));
    const difference = (a: Float64Array, b: Float64Array): Float64Array =>
      Float64Array.from(order, (position) => (a[position] ?? 0) - (b[position] ?? 0));
    this.#order = order;
    this.#gaps = difference(strong, weak);
    this.#extraCosts = difference(strongCost, weakCost);
    this.#isThreshold = Uint8Array.from(order, (position, index) => {
      const next = order[index + 1];
      return Number(next === undefined || rate(next) !== rate(position));
    });
  }

  /** Visits every distinct threshold, from no strong call (which is left out) to strong calls only. */
  walk(counts: Float64Array, visit: Visit): void {
    let strongPrompts = 0;
    let gained = 0;
    let extraCost = 0;
    for (let index = 0; index < this.#order.length; index += 1) {
      const count = counts[this.#order[index] ?? 0] ?? 0;
      if (count > 0) {
        strongPrompts += count;
        gained += count * (this.#gaps[index] ?? 0);
        extraCost += count * (this.#extraCosts[index] ?? 0);
      }
      if (this.#isThreshold[index] === 1) visit(strongPrompts, gained, extraCost);
    }
  }
}

/** Returns undefined when the strong model is not better on the sample. */
export function measureCurve(
  ranking: Ranking,
  { counts, totals }: Sample,
): RoutingQuality | undefined {
  const { prompts, strong, weak, strongCost, weakCost } = totals;
  const gap = strong - weak;
  if (!(gap > 0)) return undefined;
  const meter = new CurveMeter(gap, KEPT_QUALITY * strong - weak);
  ranking.walk(counts, (strongPrompts, gained, extraCost) =>
    meter.moveTo(strongPrompts, gained, extraCost),
  );
  return {
    apgr: meter.area / (prompts * gap),
    cpt50: meter.promptsForHalf / prompts,
    cpt80: meter.promptsForFourFifths / prompts,
    saved: 1 - (weakCost + meter.leastExtraCost) / strongCost,
    prompts,
    gap: gap / prompts,
  };
}

/** Follows the curve of the gained score from point to point, each joined to the last by a line. */
class CurveMeter {
  area = 0;
  promptsForHalf = Number.NaN;
  promptsForFourFifths = Number.NaN;
  /** Smallest extra cost of all points whose gained score is high enough. */
  leastExtraCost: number;
  readonly #half: number;
  readonly #fourFifths: number;
  readonly #enough: number;
  #prompts = 0;
  #gained = 0;
  #extraCost = 0;

  constructor(gap: number, enough: number) {
    this.#half = 0.5 * gap;
    this.#fourFifths = 0.8 * gap;
    this.#enough = enough;
    this.leastExtraCost = enough <= 0 ? 0 : Number.POSITIVE_INFINITY;
  }

  moveTo(prompts: number, gained: number, extraCost: number): void {
    if (Number.isNaN(this.promptsForHalf) && gained >= this.#half) {
      this.promptsForHalf = this.#at(this.#half, gained, [this.#prompts, prompts]);
    }
    if (Number.isNaN(this.promptsForFourFifths) && gained >= this.#fourFifths) {
      this.promptsForFourFifths = this.#at(this.#fourFifths, gained, [this.#prompts, prompts]);
    }
    const isEnough = gained >= this.#enough;
    if (isEnough !== this.#gained >= this.#enough) {
      const crossing = this.#at(this.#enough, gained, [this.#extraCost, extraCost]);
      this.leastExtraCost = Math.min(this.leastExtraCost, crossing);
    }
    if (isEnough) this.leastExtraCost = Math.min(this.leastExtraCost, extraCost);
    this.area += ((prompts - this.#prompts) * (this.#gained + gained)) / 2;
    this.#prompts = prompts;
    this.#gained = gained;
    this.#extraCost = extraCost;
  }

  /** Returns the value between `before` and `after` where the line to the next point reaches `level`. */
  #at(level: number, gained: number, [before, after]: readonly [number, number]): number {
    const part = (level - this.#gained) / (gained - this.#gained);
    return before + (after - before) * part;
  }
}
