import { InputError } from '../command-line/input-error.ts';
import { createProgress } from '../command-line/progress.ts';
import { boostTrees } from './boosted-trees.ts';
import { applyHead, type ColumnScaling, type LinearHead, solveHead } from './linear-head.ts';
import type { PromptNumbers } from './model-deviations.ts';
import { createRandom } from './random.ts';
import type { RegressionTree } from './regression-tree.ts';
import { applyGram, type RowMoments } from './row-moments.ts';
import { RANK } from './strength-basis.ts';
import type { TrainingSet } from './training-set.ts';
import { binColumns } from './tree-bins.ts';

/** Prompts' factors as the sum of trees over the dense columns and the factors by each head. */
export type PromptFactors = {
  readonly heads: readonly LinearHead[];
  readonly trees: readonly RegressionTree[];
  /** Factors of all rows of the training set, [rows, RANK]. */
  readonly factors: Float64Array;
  /** Factors by each head. */
  readonly numbers: PromptNumbers;
};

/** Values chosen by cross-validation on training rows. */
const HEAD = { ridge: 2, iterations: 25 };
const FOLDS = 4;
const BOOSTING = {
  trees: 1000,
  leaves: 15,
  minRows: 30,
  ridge: 3,
  learningRate: 0.03,
  rowShare: 0.7,
  columnShare: 0.15,
};
/** Training stops after this many trees without a smaller loss on the held-out rows. */
const PATIENCE = 150;

type FactorTraining = {
  readonly set: TrainingSet;
  readonly moments: RowMoments;
  /** Smoothed moments, for learning. */
  readonly smoothed: RowMoments;
  readonly scaling: ColumnScaling;
  readonly seed: number;
};

/**
 * Learns the prompts' factors in two stages. A linear head for each data file learns what the words
 * of its prompts show. Trees over the dense columns and the heads learn what matters where: a long
 * prompt means one thing among word problems and another among e-mails.
 */
export function trainPromptFactors(training: FactorTraining): PromptFactors {
  const { set, smoothed, seed } = training;
  const { heads, factors: headFactors } = trainHeads(training);
  const { embedded } = set;
  const { dense, denseColumns } = embedded;
  const width = heads.length * RANK;
  const data = binColumns(
    {
      rows: embedded.count,
      columns: denseColumns + width,
      read: (row, column) =>
        (column < denseColumns
          ? dense[row * denseColumns + column]
          : headFactors[row * width + column - denseColumns]) ?? 0,
    },
    set.trainRows,
  );
  const stop = new StoppingRule(training);
  const trees = boostTrees(
    { data, moments: smoothed, weights: set.weights, rows: set.trainRows, onTree: stop.onTree },
    { ...BOOSTING, seed },
  );
  const kept = trees.slice(0, stop.end());
  return { heads, trees: kept, factors: stop.factors, numbers: { width, values: headFactors } };
}

/** Remembers the factors of the tree with the least loss. */
class StoppingRule {
  readonly #training: FactorTraining;
  readonly #progress = createProgress({ label: 'Training', unit: 'trees', total: BOOSTING.trees });
  #best = { loss: Number.POSITIVE_INFINITY, trees: 0, factors: new Float64Array() };

  constructor(training: FactorTraining) {
    this.#training = training;
  }

  readonly onTree = (factors: Float64Array, trees: number): boolean => {
    const loss = meanLoss(this.#training, factors);
    if (loss < this.#best.loss) this.#best = { loss, trees, factors: factors.slice() };
    this.#progress.advance(1, `loss ${loss.toFixed(5)}`);
    return trees - this.#best.trees < PATIENCE;
  };

  end(): number {
    this.#progress.end();
    const { loss, trees } = this.#best;
    if (trees === 0) throw new InputError('The training loss is not a number.');
    console.error(`Kept ${trees} trees: loss on held-out rows ${loss.toFixed(5)}`);
    return trees;
  }

  get factors(): Float64Array {
    return this.#best.factors;
  }
}

/** Returns the weighted mean squared error of score differences over the held-out rows. */
export function meanLoss(
  { set, moments }: Pick<FactorTraining, 'set' | 'moments'>,
  factors: Float64Array,
): number {
  let [sum, weights] = [0, 0];
  for (const row of set.heldOutRows) {
    const own = factors.subarray(row * RANK, (row + 1) * RANK);
    const image = applyGram(moments.gram, row, own);
    const weight = set.weights[row] ?? 1;
    weights += weight;
    sum += weight * (moments.energy[row] ?? 0);
    for (const [factor, value] of own.entries()) {
      const slope = (image[factor] ?? 0) - 2 * (moments.moment[row * RANK + factor] ?? 0);
      sum += weight * value * slope;
    }
  }
  return sum / weights;
}

/**
 * Trains one head for each data file, and returns its factors for every row. The factors of its own
 * rows come from heads that have not seen them, since the trees would otherwise trust it too much.
 */
function trainHeads(training: FactorTraining): { heads: LinearHead[]; factors: Float32Array } {
  const { set, seed } = training;
  const random = createRandom(seed);
  const folds = Int32Array.from(set.rows, () => Math.floor(random() * FOLDS));
  const width = set.fileCount * RANK;
  const factors = new Float32Array(set.embedded.count * width);
  const heads: LinearHead[] = [];
  for (let file = 0; file < set.fileCount; file += 1) {
    const fill = (head: LinearHead, isFor: (row: number) => boolean): void => {
      for (let row = 0; row < set.embedded.count; row += 1) {
        if (isFor(row)) factors.set(applyHead(head, set.embedded, row), row * width + file * RANK);
      }
    };
    const own = set.trainRows.filter((row) => set.files[row] === file);
    const isOwn = new Set(own);
    const head = solve(training, own);
    fill(head, (row) => !isOwn.has(row));
    for (let fold = 0; fold < FOLDS; fold += 1) {
      const others = own.filter((row) => folds[row] !== fold);
      fill(solve(training, others), (row) => isOwn.has(row) && folds[row] === fold);
    }
    heads.push(head);
  }
  return { heads, factors };
}

function solve({ set, smoothed, scaling }: FactorTraining, rows: Int32Array): LinearHead {
  const { embedded, weights } = set;
  return solveHead({ embedded, scaling, moments: smoothed, weights, rows, ...HEAD });
}
