import type { KnownModels, RowNumbers } from './base-models.ts';
import { scoreOf } from './base-models.ts';
import { applyHead, type LinearHead, measureScaling, solveHead } from './linear-head.ts';
import { computeMoments, headTarget, type Target } from './row-moments.ts';
import { scoreByStrength } from './strength-basis.ts';
import type { TrainingSet } from './training-set.ts';

/** What is added to a base scorer: levels of the models, and a head along the models' strengths. */
export type Correction = {
  /** Added to each of the set's models' scores, whatever the prompt. */
  readonly levels: Float64Array;
  readonly head?: LinearHead;
};

/** How far a correction may go: nothing at all, the levels, or also a head with this ridge. */
export type Freedom = 'none' | 'levels' | { readonly ridge: number };

/** From the least freedom to the most. */
export const FREEDOMS: readonly Freedom[] = [
  'none',
  'levels',
  ...[100, 30, 10].map((ridge) => ({ ridge })),
];

/** A level that this many rows speak for is halfway between nothing and what they say. */
const LEVEL_ROWS = 10;
const LEVEL_ROUNDS = 30;
/** Enough for a correction, whose last digits do not matter. */
const HEAD_ITERATIONS = 15;

type Problem = {
  readonly set: TrainingSet;
  readonly models: KnownModels;
  readonly numbers: RowNumbers;
};

export class Corrector {
  readonly #set: TrainingSet;
  /** What the base scorer's scores leave of the grades, for each row and graded model. */
  readonly #remainders: readonly (readonly Target[])[];
  readonly #strengths: Float64Array;
  readonly #scaling: ReturnType<typeof measureScaling>;

  constructor({ set, models, numbers }: Problem) {
    this.#set = set;
    this.#remainders = set.targets.map((targets, row) =>
      targets.map(({ model, score }) => {
        const position = models.positions[model] ?? 0;
        const predicted = scoreOf(models.basis, numbers, { row, model: position });
        return { model, score: score - predicted };
      }),
    );
    this.#strengths = Float64Array.from(
      models.positions,
      (position) => models.strengths[position] ?? 0,
    );
    this.#scaling = measureScaling(set.embedded, Int32Array.from(set.rows.keys()));
  }

  /** Fits a correction of this freedom to rows. */
  fit(rows: Int32Array, freedom: Freedom): Correction {
    if (freedom === 'none') return { levels: new Float64Array(this.#set.models.length) };
    const levels = this.#fitLevels(rows);
    if (freedom === 'levels') return { levels };
    const remainders = this.#remainders.map((targets) =>
      targets.map(({ model, score }) => ({ model, score: score - (levels[model] ?? 0) })),
    );
    const head = solveHead({
      embedded: this.#set.embedded,
      scaling: this.#scaling,
      target: headTarget(computeMoments(remainders, this.#strengths)),
      weights: this.#set.weights,
      rows: rows.filter((row) => (remainders[row]?.length ?? 0) > 1),
      ridge: freedom.ridge,
      iterations: HEAD_ITERATIONS,
    });
    return { levels, head };
  }

  /** Returns what is added to the score of one of the set's models. */
  shift(correction: Correction, row: number): (model: number) => number {
    const shift = this.shiftByStrength(correction, row);
    return (model) => (correction.levels[model] ?? 0) + shift(this.#strengths[model] ?? 0);
  }

  /** Returns what the head alone adds to the score of a model of some strength. */
  shiftByStrength({ head }: Correction, row: number): (strength: number) => number {
    const factors = head && applyHead(head, this.#set.embedded, row);
    return (strength) => (factors ? scoreByStrength(factors, 0, strength) : 0);
  }

  /** Returns the mean squared error of a row's score differences. */
  loss(correction: Correction, row: number): number {
    const targets = this.#remainders[row] ?? [];
    if (targets.length < 2) return 0;
    const shift = this.shift(correction, row);
    const errors = targets.map(({ model, score }) => score - shift(model));
    const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
    return errors.reduce((sum, error) => sum + (error - mean) ** 2, 0) / (errors.length - 1);
  }

  /** Fits the levels and each row's own offset in turns, by ridge regression. */
  #fitLevels(rows: Int32Array): Float64Array {
    const usable = rows.filter((row) => (this.#remainders[row]?.length ?? 0) > 1);
    let levels = new Float64Array(this.#set.models.length);
    for (let round = 0; round < LEVEL_ROUNDS; round += 1) levels = this.#refine(levels, usable);
    return levels;
  }

  /** Returns the levels that fit best beside the rows' offsets by the levels so far. */
  #refine(levels: Float64Array, rows: Int32Array): Float64Array<ArrayBuffer> {
    const sums = new Float64Array(levels.length);
    const counts = new Float64Array(levels.length).fill(LEVEL_ROWS);
    for (const row of rows) {
      const targets = this.#remainders[row] ?? [];
      const weight = this.#set.weights[row] ?? 1;
      const rests = targets.map(({ model, score }) => score - (levels[model] ?? 0));
      const offset = rests.reduce((sum, rest) => sum + rest, 0) / rests.length;
      for (const { model, score } of targets) {
        sums[model] = (sums[model] ?? 0) + weight * (score - offset);
        counts[model] = (counts[model] ?? 0) + weight;
      }
    }
    return sums.map((sum, model) => sum / (counts[model] ?? 1));
  }
}
