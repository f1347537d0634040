import { createRandom, shuffle } from './random.ts';
import {
  findLeaf,
  type RegressionTree,
  type Slopes,
  TreeGrower,
  type TreeOptions,
} from './regression-tree.ts';
import type { RowMoments } from './row-moments.ts';
import { RANK } from './strength-basis.ts';
import type { BinnedColumns } from './tree-bins.ts';

export type BoostingOptions = TreeOptions & {
  readonly seed: number;
  readonly trees: number;
  /** Parts of the rows and of the columns that each tree sees. */
  readonly rowShare: number;
  readonly columnShare: number;
};

/** A tree that sees fewer columns can hardly find related ones. */
const MIN_COLUMNS = 8;

type BoostingProblem = {
  readonly data: BinnedColumns;
  readonly moments: RowMoments;
  readonly weights: Float32Array;
  readonly rows: Int32Array;
  /** Receives the factors [rows, RANK] of all rows after each tree; returns false to stop. */
  readonly onTree: (factors: Float64Array, trees: number) => boolean;
};

/**
 * Trains trees whose sum is the prompts' factors: gradient boosting with row and column sampling
 * (Friedman, 2001 and 2002) of the loss z' G z - 2 c' z.
 */
export function boostTrees(problem: BoostingProblem, options: BoostingOptions): RegressionTree[] {
  const { data, rows, onTree } = problem;
  const random = createRandom(options.seed);
  const grower = new TreeGrower(data, options);
  const factors = new Float64Array(data.rows * RANK);
  const slopes = { gradient: new Float64Array(factors.length), curvature: curvature(problem) };
  const rowOrder = Int32Array.from(rows);
  const columnOrder = Int32Array.from(data.edges.keys());
  const trees: RegressionTree[] = [];
  for (let isWanted = true; isWanted && trees.length < options.trees; ) {
    fillGradient(problem, factors, slopes);
    const tree = grower.grow(
      sample(rowOrder, options.rowShare * rowOrder.length, random),
      sample(columnOrder, Math.max(MIN_COLUMNS, options.columnShare * columnOrder.length), random),
      slopes,
    );
    trees.push(tree);
    addTree(tree, data, factors);
    isWanted = onTree(factors, trees.length);
  }
  return trees;
}

function curvature({ data, moments, weights }: BoostingProblem): Float64Array {
  return Float64Array.from({ length: data.rows * RANK }, (_, index) => {
    const row = Math.floor(index / RANK);
    const diagonal = (row * RANK + (index % RANK)) * RANK + (index % RANK);
    return (weights[row] ?? 1) * (moments.gram[diagonal] ?? 0);
  });
}

function fillGradient(problem: BoostingProblem, factors: Float64Array, { gradient }: Slopes): void {
  const { gram, moment } = problem.moments;
  for (const row of problem.rows) {
    const weight = problem.weights[row] ?? 1;
    for (let at = row * RANK; at < (row + 1) * RANK; at += 1) {
      let rest = moment[at] as number;
      for (let other = 0; other < RANK; other += 1) {
        rest -= (gram[at * RANK + other] as number) * (factors[row * RANK + other] as number);
      }
      gradient[at] = weight * rest;
    }
  }
}

/** Returns the sample in rising order, which suits the processor's cache. */
function sample(order: Int32Array, count: number, random: () => number): Int32Array {
  shuffle(order, random);
  return order.slice(0, Math.max(1, Math.round(count))).sort();
}

function addTree(tree: RegressionTree, data: BinnedColumns, factors: Float64Array): void {
  for (let row = 0; row < data.rows; row += 1) {
    const values = tree.values[findLeaf(tree, data, row)] ?? [0, 0];
    for (let factor = 0; factor < RANK; factor += 1) {
      (factors[row * RANK + factor] as number) += values[factor] ?? 0;
    }
  }
}
