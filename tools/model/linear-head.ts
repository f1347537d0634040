import type { EmbeddedRows } from './embedded-rows.ts';
import { applyGram, type RowMoments } from './row-moments.ts';
import { RANK } from './strength-basis.ts';
import { addScaled, dot } from './vector-maths.ts';

/** A linear head: factors = weights' x + bias, of an embedding x. */
export type LinearHead = {
  /** Weights, [dimensions, RANK]. */
  readonly weights: Float64Array;
  readonly bias: Float64Array;
};

export type HeadProblem = {
  readonly embedded: EmbeddedRows;
  readonly scaling: ColumnScaling;
  readonly moments: RowMoments;
  /** Weight of each row. */
  readonly weights: Float32Array;
  /** The rows to learn from. */
  readonly rows: Int32Array;
  /** L2 penalty on the weights. */
  readonly ridge: number;
  readonly iterations: number;
};

/** Centring and scaling of the dense columns; the sparse ones are used unchanged. */
export type ColumnScaling = { readonly centre: Float64Array; readonly scale: Float64Array };

/**
 * Deviation of each dense column after scaling. The few dense columns are in every row; this is
 * their weight against a row's n-grams.
 */
const DENSE_DEVIATION = 0.05;
/** Lower bound of a column's deviation, so that a nearly constant column is not blown up. */
const SMALLEST_DEVIATION = 0.01;
const BIAS_RIDGE = 1e-3;
/** The squared length of the remainder, as a part of the first one, at which the solver stops. */
const TOLERANCE = 1e-5;

export function measureScaling(embedded: EmbeddedRows, rows: Int32Array): ColumnScaling {
  const { dense, denseColumns } = embedded;
  const centre = new Float64Array(denseColumns);
  const scale = new Float64Array(denseColumns);
  for (let column = 0; column < denseColumns; column += 1) {
    let [sum, squares] = [0, 0];
    for (const row of rows) {
      const value = dense[row * denseColumns + column] ?? 0;
      sum += value;
      squares += value * value;
    }
    const mean = sum / rows.length;
    const deviation = Math.sqrt(Math.max(0, squares / rows.length - mean * mean));
    centre[column] = mean;
    scale[column] = DENSE_DEVIATION / (deviation + SMALLEST_DEVIATION);
  }
  return { centre, scale };
}

/**
 * Finds the head with the least weighted sum of z' G z - 2 c' z over the rows, plus the ridge, by
 * conjugate gradients (Hestenes and Stiefel, 1952) on the normal equations.
 */
export function solveHead(problem: HeadProblem): LinearHead {
  const system = new HeadSystem(problem);
  const remainder = system.rightSide();
  const solution = new Float64Array(remainder.length);
  const direction = remainder.slice();
  let size = dot(remainder, remainder);
  const target = TOLERANCE * size;
  for (let step = 0; step < problem.iterations && size > target; step += 1) {
    const image = system.apply(direction);
    const length = size / dot(direction, image);
    addScaled(solution, direction, length);
    addScaled(remainder, image, -length);
    const next = dot(remainder, remainder);
    for (let index = 0; index < direction.length; index += 1) {
      direction[index] = (remainder[index] ?? 0) + (next / size) * (direction[index] ?? 0);
    }
    size = next;
  }
  return system.unscale(solution);
}

/** Returns the factors of one row. */
export function applyHead(
  { weights, bias }: LinearHead,
  embedded: EmbeddedRows,
  row: number,
): Float64Array {
  const factors = bias.slice();
  forEachEntry(embedded, row, (column, value) => {
    for (let factor = 0; factor < RANK; factor += 1) {
      factors[factor] = (factors[factor] ?? 0) + value * (weights[column * RANK + factor] ?? 0);
    }
  });
  return factors;
}

function forEachEntry(
  { dense, denseColumns, offsets, columns, values }: EmbeddedRows,
  row: number,
  visit: (column: number, value: number) => void,
): void {
  const base = row * denseColumns;
  for (let column = 0; column < denseColumns; column += 1) visit(column, dense[base + column] ?? 0);
  const end = offsets[row + 1] ?? 0;
  for (let entry = offsets[row] ?? 0; entry < end; entry += 1) {
    visit(denseColumns + (columns[entry] ?? 0), values[entry] ?? 0);
  }
}

/** The normal equations, in scaled columns. The last RANK unknowns are the bias. */
class HeadSystem {
  readonly #problem: HeadProblem;
  readonly #size: number;

  constructor(problem: HeadProblem) {
    this.#problem = problem;
    const { denseColumns, sparseColumns } = problem.embedded;
    this.#size = (denseColumns + sparseColumns + 1) * RANK;
  }

  rightSide(): Float64Array {
    const { moments, weights, rows } = this.#problem;
    const result = new Float64Array(this.#size);
    for (const row of rows) {
      const weight = weights[row] ?? 1;
      const slope = [0, 1].map((factor) => weight * (moments.moment[row * RANK + factor] ?? 0));
      this.#spread(result, row, slope);
    }
    return result;
  }

  apply(unknowns: Float64Array): Float64Array {
    const { moments, weights, rows, ridge } = this.#problem;
    const result = new Float64Array(this.#size);
    for (const row of rows) {
      const image = applyGram(moments.gram, row, this.#project(unknowns, row));
      const weight = weights[row] ?? 1;
      this.#spread(
        result,
        row,
        image.map((value) => weight * value),
      );
    }
    const biasFrom = this.#size - RANK;
    for (let index = 0; index < this.#size; index += 1) {
      const strength = index < biasFrom ? ridge : BIAS_RIDGE;
      result[index] = (result[index] ?? 0) + strength * (unknowns[index] ?? 0);
    }
    return result;
  }

  /** Returns the same head for unscaled columns. */
  unscale(solution: Float64Array): LinearHead {
    const { centre, scale } = this.#problem.scaling;
    const weights = solution.slice(0, this.#size - RANK);
    const bias = solution.slice(this.#size - RANK);
    for (let column = 0; column < centre.length; column += 1) {
      for (let factor = 0; factor < RANK; factor += 1) {
        const weight = (weights[column * RANK + factor] ?? 0) * (scale[column] ?? 1);
        weights[column * RANK + factor] = weight;
        bias[factor] = (bias[factor] ?? 0) - weight * (centre[column] ?? 0);
      }
    }
    return { weights, bias };
  }

  #scaled(column: number, value: number): number {
    const { centre, scale } = this.#problem.scaling;
    return column < centre.length ? (value - (centre[column] ?? 0)) * (scale[column] ?? 1) : value;
  }

  #project(unknowns: Float64Array, row: number): [number, number] {
    let first = unknowns[this.#size - 2] ?? 0;
    let second = unknowns[this.#size - 1] ?? 0;
    forEachEntry(this.#problem.embedded, row, (column, raw) => {
      const value = this.#scaled(column, raw);
      first += value * (unknowns[column * RANK] ?? 0);
      second += value * (unknowns[column * RANK + 1] ?? 0);
    });
    return [first, second];
  }

  #spread(result: Float64Array, row: number, [first = 0, second = 0]: readonly number[]): void {
    const add = (column: number, value: number): void => {
      const at = column * RANK;
      result[at] = (result[at] ?? 0) + value * first;
      result[at + 1] = (result[at + 1] ?? 0) + value * second;
    };
    forEachEntry(this.#problem.embedded, row, (column, raw) =>
      add(column, this.#scaled(column, raw)),
    );
    add(this.#size / RANK - 1, 1);
  }
}
