import type { HeadTarget } from './linear-head.ts';
import { RANK, strengthFactors } from './strength-basis.ts';
import { addScaled } from './vector-maths.ts';

/** How good one model's answer was, from 0 to 1. */
export type Target = { readonly model: number; readonly score: number };

/**
 * Moments of the rows, which determine their prompts' factors. For a row with models m, centred
 * factors u_m and centred scores s_m, the squared error of its score differences is z' G z - 2 c' z
 * + mean s^2 with G = mean u u' and c = mean u s over its pairs of models.
 */
export type RowMoments = {
  /** G, [rows, RANK, RANK]. */
  readonly gram: Float64Array;
  /** c, [rows, RANK]. */
  readonly moment: Float64Array;
  /** The constant, mean s^2, [rows]. */
  readonly energy: Float64Array;
};

export function computeMoments(
  targets: readonly (readonly Target[])[],
  strengths: Float64Array,
): RowMoments {
  const gram = new Float64Array(targets.length * RANK * RANK);
  const moment = new Float64Array(targets.length * RANK);
  const energy = new Float64Array(targets.length);
  const factors = Array.from(strengths, strengthFactors);
  for (const [row, models] of targets.entries()) {
    // A single model cannot be compared.
    if (models.length < 2) continue;
    const meanScore = mean(models.map(({ score }) => score));
    const centre = Array.from({ length: RANK }, (_, factor) =>
      mean(models.map(({ model }) => factors[model]?.[factor] ?? 0)),
    );
    // Half the mean over the pairs is this share of the sum over the models.
    const share = 1 / (models.length - 1);
    for (const { model, score } of models) {
      const centred = centre.map((value, factor) => (factors[model]?.[factor] ?? 0) - value);
      energy[row] = (energy[row] ?? 0) + share * (score - meanScore) ** 2;
      addScaled(moment.subarray(row * RANK), centred, share * (score - meanScore));
      for (const [factor, value] of centred.entries()) {
        addScaled(gram.subarray((row * RANK + factor) * RANK), centred, share * value);
      }
    }
  }
  return { gram, moment, energy };
}

/** Returns the moments as what a head learns that gives a prompt's factors. */
export function headTarget({ gram, moment }: RowMoments): HeadTarget {
  return { width: RANK, gram, moment };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Returns G z of one row. */
export function applyGram(gram: Float64Array, row: number, factors: ArrayLike<number>): number[] {
  const base = row * RANK * RANK;
  return Array.from({ length: RANK }, (_, factor) => {
    let sum = 0;
    for (let other = 0; other < RANK; other += 1) {
      sum += (gram[base + factor * RANK + other] ?? 0) * (factors[other] ?? 0);
    }
    return sum;
  });
}

/** Weight of the factors of all rows in a kind's own factors, as a number of rows. */
const KIND_INERTIA = 12;

/**
 * How far each row's outcome is moved towards the prediction of its kind's factors. A single grade
 * is nearly all noise; the mean of its kind (source and category) is not.
 */
const KIND_SHARE = 0.7;

/** Returns the moments of the given rows, smoothed by their kinds. */
export function smoothByKind(moments: RowMoments, kinds: Int32Array, rows: Int32Array): RowMoments {
  const overall = new MomentSum();
  const byKind = new Map<number, MomentSum>();
  for (const row of rows) {
    const kind = kinds[row] ?? 0;
    const sum = byKind.get(kind) ?? new MomentSum();
    byKind.set(kind, sum);
    sum.add(moments, row);
    overall.add(moments, row);
  }
  const prior = overall.solve([0, 0], 1);
  const factors = new Map([...byKind].map(([kind, sum]) => [kind, sum.solve(prior, KIND_INERTIA)]));
  const moment = moments.moment.slice();
  for (const row of rows) {
    const expected = applyGram(moments.gram, row, factors.get(kinds[row] ?? 0) ?? prior);
    for (let factor = 0; factor < RANK; factor += 1) {
      const own = moments.moment[row * RANK + factor] ?? 0;
      moment[row * RANK + factor] = (1 - KIND_SHARE) * own + KIND_SHARE * (expected[factor] ?? 0);
    }
  }
  return { ...moments, moment };
}

/** The sum of several rows' moments, and the factors that fit them best. */
export class MomentSum {
  readonly #gram: [number, number, number] = [0, 0, 0];
  readonly #moment: [number, number] = [0, 0];

  add({ gram, moment }: RowMoments, row: number, weight = 1): void {
    const at = row * RANK * RANK;
    this.#gram[0] += weight * (gram[at] ?? 0);
    this.#gram[1] += weight * (gram[at + 1] ?? 0);
    this.#gram[2] += weight * (gram[at + 3] ?? 0);
    this.#moment[0] += weight * (moment[row * RANK] ?? 0);
    this.#moment[1] += weight * (moment[row * RANK + 1] ?? 0);
  }

  /** Solves least squares with `inertia` times the squared distance from `prior` added. */
  solve(prior: readonly [number, number], inertia: number): [number, number] {
    const a = this.#gram[0] + inertia;
    const b = this.#gram[1];
    const d = this.#gram[2] + inertia;
    const x = this.#moment[0] + inertia * prior[0];
    const y = this.#moment[1] + inertia * prior[1];
    const determinant = a * d - b * b;
    return [(d * x - b * y) / determinant, (a * y - b * x) / determinant];
  }
}
