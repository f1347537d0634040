import { scoreByStrength } from './strength-basis.ts';
import type { TrainingSet } from './training-set.ts';
import { addScaled, dot } from './vector-maths.ts';

/**
 * Each model's scores beyond its strength: a model may be good at code for its strength, or fail at
 * a format. `values` is [models, width + 1]: a weight for each known number of a prompt, then a
 * constant.
 */
export type Deviations = { readonly width: number; readonly values: Float64Array };

/**
 * Numbers known of each row's prompt, [rows, width]: the heads' factors, or the prompt's shares in
 * clusters.
 */
export type PromptNumbers = {
  readonly width: number;
  readonly values: Float32Array;
  /** For each number, the positions of the models that it may explain; undefined for all models. */
  readonly owners?: readonly (ReadonlySet<number> | undefined)[];
};

type DeviationProblem = {
  readonly set: TrainingSet;
  readonly strengths: Float64Array;
  /** The prompts' factors, [rows, RANK]. */
  readonly factors: Float64Array;
  readonly numbers: PromptNumbers;
};

/** L2 penalty: a model that few rows know stays close to its strength. Chosen by cross-validation. */
const RIDGE = 10;
/** Keeps the weight of a number at 0 for a model of other data, of which it was not learnt. */
const FORBIDDING_RIDGE = 1e12;
/** Value of the constant's input, similar to the other numbers, so that the ridge constrains it as much. */
const CONSTANT = 0.2;
const ROUNDS = 6;

/**
 * Fits the part of the scores that strengths do not explain: ridge regression of each row's own
 * offset and of one model at a time, in turns.
 */
export function fitDeviations(problem: DeviationProblem): Deviations {
  const { set, numbers } = problem;
  const width = numbers.width;
  const deviations = { width, values: new Float64Array(set.models.length * (width + 1)) };
  const rowsOfModel = set.models.map(() => [] as Known[]);
  for (const row of set.trainRows) {
    for (const { model, score } of set.targets[row] ?? []) rowsOfModel[model]?.push({ row, score });
  }
  const factored = rowsOfModel.map((known, model) =>
    factorise(normalMatrix(problem, known, model)),
  );
  for (let round = 0; round < ROUNDS; round += 1) {
    const offsets = rowOffsets(problem, deviations);
    for (const [model, known] of rowsOfModel.entries()) {
      const right = rightSide(problem, { model, known, offsets });
      deviations.values.set(solveFactored(factored[model] ?? [], right), model * (width + 1));
    }
  }
  return deviations;
}

type Known = { readonly row: number; readonly score: number };

function rightSide(
  problem: DeviationProblem,
  side: {
    readonly model: number;
    readonly known: readonly Known[];
    readonly offsets: ReadonlyMap<number, number>;
  },
): Float64Array {
  const { set, numbers, strengths, factors } = problem;
  const right = new Float64Array(numbers.width + 1);
  for (const { row, score } of side.known) {
    const byStrength = scoreByStrength(factors, row, strengths[side.model] ?? 0);
    const left = score - (side.offsets.get(row) ?? 0) - byStrength;
    addScaled(right, numbersOf(numbers, row), (set.weights[row] ?? 1) * left);
  }
  return right;
}

/** Returns what a model's deviation adds to its score of a row. */
export function deviationOf(
  { width, values }: Deviations,
  numbers: PromptNumbers,
  { model, row }: { readonly model: number; readonly row: number },
): number {
  const base = model * (width + 1);
  let sum = CONSTANT * (values[base + width] ?? 0);
  for (let index = 0; index < width; index += 1) {
    sum += (values[base + index] ?? 0) * (numbers.values[row * width + index] ?? 0);
  }
  return sum;
}

/** Returns the constant part of each model's score. */
export function constantsOf({ width, values }: Deviations): Float64Array {
  return values
    .filter((_, index) => index % (width + 1) === width)
    .map((value) => CONSTANT * value);
}

function numbersOf({ width, values }: PromptNumbers, row: number): Float64Array {
  const own = new Float64Array(width + 1);
  own.set(values.subarray(row * width, (row + 1) * width));
  own[width] = CONSTANT;
  return own;
}

/** Returns what each row adds to the scores of all its models. */
function rowOffsets(problem: DeviationProblem, deviations: Deviations): Map<number, number> {
  const { set, numbers, strengths, factors } = problem;
  const offsets = new Map<number, number>();
  for (const row of set.trainRows) {
    const targets = set.targets[row] ?? [];
    let sum = 0;
    for (const { model, score } of targets) {
      sum += score - scoreByStrength(factors, row, strengths[model] ?? 0);
      sum -= deviationOf(deviations, numbers, { model, row });
    }
    offsets.set(row, sum / targets.length);
  }
  return offsets;
}

function normalMatrix(
  { set, numbers }: DeviationProblem,
  known: readonly Known[],
  model: number,
): Float64Array[] {
  const size = numbers.width + 1;
  const matrix = Array.from({ length: size }, (_, index) => {
    const line = new Float64Array(size);
    const isFree = numbers.owners?.[index]?.has(model) ?? true;
    line[index] = isFree ? RIDGE : FORBIDDING_RIDGE;
    return line;
  });
  for (const { row } of known) {
    const own = numbersOf(numbers, row);
    for (const [index, line] of matrix.entries()) {
      addScaled(line, own, (set.weights[row] ?? 1) * (own[index] ?? 0));
    }
  }
  return matrix;
}

/**
 * Cholesky decomposition: the lower triangle L of L L' = matrix, which the ridge makes positive
 * definite.
 */
function factorise(matrix: readonly Float64Array[]): Float64Array[] {
  const lower: Float64Array[] = [];
  for (const [row, line] of matrix.entries()) {
    const own = new Float64Array(matrix.length);
    lower.push(own);
    for (let column = 0; column < row; column += 1) {
      const other = lower[column] ?? own;
      own[column] = ((line[column] ?? 0) - dot(own, other, column)) / (other[column] ?? 1);
    }
    own[row] = Math.sqrt((line[row] ?? 0) - dot(own, own, row));
  }
  return lower;
}

/** Solves L L' x = right, forwards and then backwards. */
function solveFactored(lower: readonly Float64Array[], right: Float64Array): Float64Array {
  const solution = right.slice();
  for (const [row, line] of lower.entries()) {
    solution[row] = ((solution[row] ?? 0) - dot(line, solution, row)) / (line[row] ?? 1);
  }
  for (const [row, line] of [...lower.entries()].reverse()) {
    const value = (solution[row] ?? 0) / (line[row] ?? 1);
    addScaled(solution, line.slice(0, row), -value);
    solution[row] = value;
  }
  return solution;
}
