import type { EmbeddedRows } from './embedded-rows.ts';
import { addScaled, dot } from './vector-maths.ts';

/** A linear head: numbers = weights' x + bias, of an embedding x. */
export type LinearHead = {
  /** Weights, [dimensions, width]. */
  readonly weights: Float64Array;
  /** The bias, [width]. */
  readonly bias: Float64Array;
};

/** What a head learns: for each row, the loss z' G z - 2 c' z of its numbers z. */
export type HeadTarget = {
  /** How many numbers the head gives. */
  readonly width: number;
  /** c, [rows, width]. */
  readonly moment: Float64Array;
  /** G, [rows, width, width]; without it, the unit matrix. */
  readonly gram?: Float64Array;
};

export type HeadProblem = {
  readonly embedded: EmbeddedRows;
  readonly scaling: ColumnScaling;
  readonly target: HeadTarget;
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

/** Returns the numbers of one row. */
export function applyHead(
  { weights, bias }: LinearHead,
  embedded: EmbeddedRows,
  row: number,
): Float64Array {
  const { dense, denseColumns, offsets, columns, values } = embedded;
  const numbers = bias.slice();
  const add = (column: number, value: number): void => {
    for (let index = 0; index < bias.length; index += 1) {
      const weight = weights[column * bias.length + index] ?? 0;
      numbers[index] = (numbers[index] ?? 0) + value * weight;
    }
  };
  for (let column = 0; column < denseColumns; column += 1) {
    add(column, dense[row * denseColumns + column] ?? 0);
  }
  const end = offsets[row + 1] ?? 0;
  for (let entry = offsets[row] ?? 0; entry < end; entry += 1) {
    add(denseColumns + (columns[entry] ?? 0), values[entry] ?? 0);
  }
  return numbers;
}

/**
 * The normal equations, in scaled columns. The unknowns are [columns, width]; those of the last column are
 * the bias.
 */
class HeadSystem {
  readonly #problem: HeadProblem;
  readonly #width: number;
  readonly #size: number;

  constructor(problem: HeadProblem) {
    this.#problem = problem;
    this.#width = problem.target.width;
    const { denseColumns, sparseColumns } = problem.embedded;
    this.#size = (denseColumns + sparseColumns + 1) * this.#width;
  }

  rightSide(): Float64Array {
    const { target, weights, rows } = this.#problem;
    const result = new Float64Array(this.#size);
    const slope = new Float64Array(this.#width);
    for (const row of rows) {
      for (let index = 0; index < this.#width; index += 1) {
        slope[index] = (weights[row] ?? 1) * (target.moment[row * this.#width + index] ?? 0);
      }
      this.#spread(result, row, slope);
    }
    return result;
  }

  apply(unknowns: Float64Array): Float64Array {
    const { weights, rows, ridge } = this.#problem;
    const result = new Float64Array(this.#size);
    const numbers = new Float64Array(this.#width);
    for (const row of rows) {
      this.#project(unknowns, row, numbers);
      this.#spread(result, row, this.#image(row, numbers, weights[row] ?? 1));
    }
    const biasFrom = this.#size - this.#width;
    for (let index = 0; index < this.#size; index += 1) {
      const strength = index < biasFrom ? ridge : BIAS_RIDGE;
      result[index] = (result[index] ?? 0) + strength * (unknowns[index] ?? 0);
    }
    return result;
  }

  /** Returns the same head for unscaled columns. */
  unscale(solution: Float64Array): LinearHead {
    const { centre, scale } = this.#problem.scaling;
    const width = this.#width;
    const weights = solution.slice(0, this.#size - width);
    const bias = solution.slice(this.#size - width);
    for (let column = 0; column < centre.length; column += 1) {
      for (let index = 0; index < width; index += 1) {
        const weight = (weights[column * width + index] ?? 0) * (scale[column] ?? 1);
        weights[column * width + index] = weight;
        bias[index] = (bias[index] ?? 0) - weight * (centre[column] ?? 0);
      }
    }
    return { weights, bias };
  }

  /** Returns weight x G z of one row. */
  #image(row: number, numbers: Float64Array, weight: number): Float64Array {
    const { gram } = this.#problem.target;
    const width = this.#width;
    if (gram === undefined) return numbers.map((value) => weight * value);
    return numbers.map((_, index) => {
      const from = (row * width + index) * width;
      let sum = 0;
      for (let other = 0; other < width; other += 1) {
        sum += (gram[from + other] as number) * (numbers[other] as number);
      }
      return weight * sum;
    });
  }

  // These two loops are nearly all of a training's time, so they make no calls and no objects.

  #project(unknowns: Float64Array, row: number, numbers: Float64Array): void {
    const { embedded, scaling } = this.#problem;
    const { dense, denseColumns, offsets, columns, values } = embedded;
    const { centre, scale } = scaling;
    const width = this.#width;
    numbers.set(unknowns.subarray(this.#size - width));
    for (let column = 0; column < denseColumns; column += 1) {
      const raw = dense[row * denseColumns + column] as number;
      const value = (raw - (centre[column] as number)) * (scale[column] as number);
      for (let index = 0; index < width; index += 1) {
        (numbers[index] as number) += value * (unknowns[column * width + index] as number);
      }
    }
    const end = offsets[row + 1] as number;
    for (let entry = offsets[row] as number; entry < end; entry += 1) {
      const value = values[entry] as number;
      const from = (denseColumns + (columns[entry] as number)) * width;
      for (let index = 0; index < width; index += 1) {
        (numbers[index] as number) += value * (unknowns[from + index] as number);
      }
    }
  }

  #spread(result: Float64Array, row: number, slope: Float64Array): void {
    const { embedded, scaling } = this.#problem;
    const { dense, denseColumns, offsets, columns, values } = embedded;
    const { centre, scale } = scaling;
    const width = this.#width;
    addScaled(result.subarray(this.#size - width), slope, 1);
    for (let column = 0; column < denseColumns; column += 1) {
      const raw = dense[row * denseColumns + column] as number;
      const value = (raw - (centre[column] as number)) * (scale[column] as number);
      for (let index = 0; index < width; index += 1) {
        (result[column * width + index] as number) += value * (slope[index] as number);
      }
    }
    const end = offsets[row + 1] as number;
    for (let entry = offsets[row] as number; entry < end; entry += 1) {
      const value = values[entry] as number;
      const from = (denseColumns + (columns[entry] as number)) * width;
      for (let index = 0; index < width; index += 1) {
        (result[from + index] as number) += value * (slope[index] as number);
      }
    }
  }
}
