import { InputError } from '../command-line/input-error.ts';
import { createProgress } from '../command-line/progress.ts';
import { boostTrees } from './boosted-trees.ts';
import { applyHead, type ColumnScaling, type LinearHead, solveHead } from './linear-head.ts';
import type { PromptNumbers } from './model-deviations.ts';
import { createRandom } from './random.ts';
import type { RegressionTree } from './regression-tree.ts';
import { applyGram, headTarget, type RowMoments } from './row-moments.ts';
import { findComponents, solveComponents } from './score-components.ts';
import { RANK } from './strength-basis.ts';
import type { TrainingSet } from './training-set.ts';
import { type BinnedColumns, binColumns } from './tree-bins.ts';
import { addScaled } from './vector-maths.ts';

/** Prompts' factors as the sum of trees over the dense columns and the factors by each head. */
export type PromptFactors = {
  /** A head for the factors of each data file, and then those for the components. */
  readonly heads: readonly LinearHead[];
  readonly trees: readonly RegressionTree[];
  /** Factors of all rows of the training set, [rows, RANK]. */
  readonly factors: Float64Array;
  /** The numbers that all heads give. */
  readonly numbers: PromptNumbers;
};

/** Values chosen by cross-validation on training rows. */
const HEAD = { ridge: 2, iterations: 25 };
const FOLDS = 4;
const BOOSTING = {
  trees: 600,
  leaves: 15,
  minRows: 30,
  ridge: 3,
  learningRate: 0.08,
  rowShare: 0.7,
  columnShare: 0.15,
};
/** Training stops after this many trees without a smaller loss on the held-out rows. */
const PATIENCE = 100;
/** Forests whose mean is taken, and the difference of their seeds. */
const FORESTS = 3;
const SEED_STEP = 101;

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
 * prompt means one thing among word problems and another among e-mails. The heads for components
 * serve only the models' deviations: trees that saw them would learn the benchmarks' topics.
 */
export function trainPromptFactors(training: FactorTraining): PromptFactors {
  const { set } = training;
  const { embedded } = set;
  const { dense, denseColumns } = embedded;
  const tasks = [...factorTasks(training), ...componentTasks(training)];
  const { heads, numbers } = trainHeads(training, tasks);
  const data = binColumns(
    {
      rows: embedded.count,
      columns: denseColumns + set.fileCount * RANK,
      read: (row, column) =>
        (column < denseColumns
          ? dense[row * denseColumns + column]
          : numbers.values[row * numbers.width + column - denseColumns]) ?? 0,
    },
    set.trainRows,
  );
  return { heads, numbers, ...trainForests(training, data) };
}

/**
 * Trains forests from different seeds. The mean of their sums varies less from seed to seed than one of
 * them, and is again a sum of trees.
 */
function trainForests(training: FactorTraining, data: BinnedColumns) {
  const { set, smoothed, seed } = training;
  const factors = new Float64Array(set.rows.length * RANK);
  const trees: RegressionTree[] = [];
  for (let forest = 0; forest < FORESTS; forest += 1) {
    const stop = new StoppingRule(training);
    const grown = boostTrees(
      { data, moments: smoothed, weights: set.weights, rows: set.trainRows, onTree: stop.onTree },
      { ...BOOSTING, seed: seed + forest * SEED_STEP },
    );
    trees.push(...grown.slice(0, stop.end()).map(shareOfForest));
    addScaled(factors, stop.factors, 1 / FORESTS);
  }
  return { trees, factors };
}

function shareOfForest(tree: RegressionTree): RegressionTree {
  return {
    ...tree,
    values: tree.values.map(([first, second]) => [first / FORESTS, second / FORESTS]),
  };
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

/** The rows that one head learns from, and how it learns from some of them. */
type HeadTask = {
  readonly width: number;
  readonly rows: Int32Array;
  readonly solve: (rows: Int32Array) => LinearHead;
  /** Positions of the models whose deviations its numbers may explain; without it, all. */
  readonly models?: ReadonlySet<number>;
};

function factorTasks({ set, smoothed, scaling }: FactorTraining): HeadTask[] {
  const { embedded, weights } = set;
  const target = headTarget(smoothed);
  return Array.from({ length: set.fileCount }, (_, file) => ({
    width: RANK,
    rows: set.trainRows.filter((row) => set.files[row] === file),
    solve: (rows) => solveHead({ embedded, scaling, target, weights, rows, ...HEAD }),
  }));
}

function componentTasks({ set, scaling, seed }: FactorTraining): HeadTask[] {
  return findComponents(set, seed).map((components) => ({
    ...components,
    solve: (rows) => solveComponents(set, scaling, components, rows),
  }));
}

/**
 * Trains the heads, and returns their numbers for every row. The numbers of a head's own rows come
 * from heads that have not seen them, since what follows would otherwise trust it too much.
 */
function trainHeads({ set, seed }: FactorTraining, tasks: readonly HeadTask[]) {
  const random = createRandom(seed);
  const folds = Int32Array.from(set.rows, () => Math.floor(random() * FOLDS));
  const width = tasks.reduce((sum, task) => sum + task.width, 0);
  const values = new Float32Array(set.embedded.count * width);
  const heads: LinearHead[] = [];
  let from = 0;
  for (const task of tasks) {
    const at = from;
    const fill = (head: LinearHead, isFor: (row: number) => boolean): void => {
      for (let row = 0; row < set.embedded.count; row += 1) {
        if (isFor(row)) values.set(applyHead(head, set.embedded, row), row * width + at);
      }
    };
    const isOwn = new Set(task.rows);
    const head = task.solve(task.rows);
    fill(head, (row) => !isOwn.has(row));
    for (let fold = 0; fold < FOLDS; fold += 1) {
      const others = task.rows.filter((row) => folds[row] !== fold);
      fill(task.solve(others), (row) => isOwn.has(row) && folds[row] === fold);
    }
    heads.push(head);
    from += task.width;
  }
  const owners = tasks.flatMap((task) => Array.from({ length: task.width }, () => task.models));
  return { heads, numbers: { width, values, owners } };
}
