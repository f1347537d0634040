import { RANK } from './strength-basis.ts';
import { type BinnedColumns, MAX_BINS } from './tree-bins.ts';

/** A binary tree. A row goes left if its column's value is at most the threshold. */
export type RegressionTree = {
  readonly columns: number[];
  readonly bins: number[];
  readonly thresholds: number[];
  /** Index of the left child; -1 at a leaf. */
  readonly left: number[];
  readonly right: number[];
  /** Contribution of each leaf to the factors. */
  readonly values: [number, number][];
};

export type TreeOptions = {
  readonly leaves: number;
  /** Smallest number of rows of a leaf. */
  readonly minRows: number;
  /** L2 penalty on the leaves' values. */
  readonly ridge: number;
  /** Part of the way to its optimum that a leaf goes. */
  readonly learningRate: number;
};

/** Slopes of the loss, [rows, RANK] each; the second one is its diagonal curvature. */
export type Slopes = { readonly gradient: Float64Array; readonly curvature: Float64Array };

/** Numbers that a histogram keeps for a bin: gradients, curvatures, rows. */
const CELL = 2 * RANK + 1;

type Split = { readonly gain: number; readonly column: number; readonly bin: number };

type Leaf = {
  readonly node: number;
  readonly rows: Int32Array;
  /** Sums per bin, [sampled columns, bins, CELL]. */
  readonly histogram: Float64Array;
  readonly total: Float64Array;
  readonly split: Split | undefined;
};

type CountedRows = Pick<Leaf, 'node' | 'rows' | 'histogram'>;

/** The unfinished tree, the columns it may split on, and the loss it reduces. */
type Growing = {
  readonly tree: RegressionTree;
  readonly columns: Int32Array;
  readonly slopes: Slopes;
};

/**
 * Grows a tree, the best leaf first, by Newton steps of each factor (as XGBoost, arXiv 1603.02754,
 * with vectors at the leaves). It may split on the given `columns`.
 */
export class TreeGrower {
  readonly #data: BinnedColumns;
  readonly #options: TreeOptions;

  constructor(data: BinnedColumns, options: TreeOptions) {
    this.#data = data;
    this.#options = options;
  }

  grow(rows: Int32Array, columns: Int32Array, slopes: Slopes): RegressionTree {
    const tree: RegressionTree = {
      columns: [],
      bins: [],
      thresholds: [],
      left: [],
      right: [],
      values: [],
    };
    const root = addNode(tree);
    const whole = { node: root, rows, histogram: this.#count(rows, columns, slopes) };
    const leaves = [this.#leaf(whole, columns)];
    while (leaves.length < this.#options.leaves) {
      const best = leaves.reduce((one, other) => (gainOf(other) > gainOf(one) ? other : one));
      if (best.split === undefined) break;
      const [left, right] = this.#divide(best, best.split, { tree, columns, slopes });
      leaves.splice(leaves.indexOf(best), 1, left, right);
    }
    for (const { node, total } of leaves) tree.values[node] = this.#stepOf(total);
    return tree;
  }

  #divide(leaf: Leaf, split: Split, { tree, columns, slopes }: Growing) {
    const { bins, rows: count, edges } = this.#data;
    const base = split.column * count;
    const leftRows = leaf.rows.filter((row) => (bins[base + row] ?? 0) <= split.bin);
    const rightRows = leaf.rows.filter((row) => (bins[base + row] ?? 0) > split.bin);
    const left = addNode(tree);
    const right = addNode(tree);
    tree.columns[leaf.node] = split.column;
    tree.bins[leaf.node] = split.bin;
    tree.thresholds[leaf.node] = edges[split.column]?.[split.bin] ?? 0;
    tree.left[leaf.node] = left;
    tree.right[leaf.node] = right;
    const isLeftSmaller = leftRows.length < rightRows.length;
    const smaller = this.#count(isLeftSmaller ? leftRows : rightRows, columns, slopes);
    // The larger side is the difference between the parent and the smaller side.
    const larger = leaf.histogram;
    for (let index = 0; index < larger.length; index += 1) {
      larger[index] = (larger[index] ?? 0) - (smaller[index] ?? 0);
    }
    return [
      this.#leaf(
        { node: left, rows: leftRows, histogram: isLeftSmaller ? smaller : larger },
        columns,
      ),
      this.#leaf(
        { node: right, rows: rightRows, histogram: isLeftSmaller ? larger : smaller },
        columns,
      ),
    ] as const;
  }

  #count(rows: Int32Array, columns: Int32Array, { gradient, curvature }: Slopes): Float64Array {
    const { bins, rows: count } = this.#data;
    const histogram = new Float64Array(columns.length * MAX_BINS * CELL);
    for (let place = 0; place < columns.length; place += 1) {
      const binBase = (columns[place] ?? 0) * count;
      const base = place * MAX_BINS;
      for (let index = 0; index < rows.length; index += 1) {
        const row = rows[index] as number;
        const cell = (base + (bins[binBase + row] as number)) * CELL;
        const at = row * RANK;
        histogram[cell] = (histogram[cell] as number) + (gradient[at] as number);
        histogram[cell + 1] = (histogram[cell + 1] as number) + (gradient[at + 1] as number);
        histogram[cell + 2] = (histogram[cell + 2] as number) + (curvature[at] as number);
        histogram[cell + 3] = (histogram[cell + 3] as number) + (curvature[at + 1] as number);
        histogram[cell + 4] = (histogram[cell + 4] as number) + 1;
      }
    }
    return histogram;
  }

  #leaf({ node, rows, histogram }: CountedRows, columns: Int32Array): Leaf {
    const total = new Float64Array(CELL);
    for (let index = 0; index < MAX_BINS * CELL; index += 1) {
      total[index % CELL] = (total[index % CELL] ?? 0) + (histogram[index] ?? 0);
    }
    return { node, rows, histogram, total, split: this.#findSplit(histogram, columns, total) };
  }

  #findSplit(histogram: Float64Array, columns: Int32Array, total: Float64Array) {
    let best: Split | undefined;
    for (const [place, column] of columns.entries()) {
      const cells = histogram.subarray(place * MAX_BINS * CELL, (place + 1) * MAX_BINS * CELL);
      const found = this.#findBin(cells, this.#data.edges[column]?.length ?? 0, total);
      if (found.gain > (best?.gain ?? SMALLEST_GAIN)) best = { ...found, column };
    }
    return best;
  }

  /** Finds the best end of a split's left side on one column, without an object or a call for a bin. */
  #findBin(cells: Float64Array, ends: number, total: Float64Array): Omit<Split, 'column'> {
    const { minRows, ridge } = this.#options;
    const [g0 = 0, g1 = 0, h0 = 0, h1 = 0, rows = 0] = total;
    const before = g0 ** 2 / (h0 + ridge) + g1 ** 2 / (h1 + ridge);
    let [leftG0, leftG1, leftH0, leftH1, leftRows] = [0, 0, 0, 0, 0];
    let [gain, best] = [0, 0];
    for (let bin = 0; bin < ends && rows - leftRows >= minRows; bin += 1) {
      const cell = bin * CELL;
      leftG0 += cells[cell] as number;
      leftG1 += cells[cell + 1] as number;
      leftH0 += cells[cell + 2] as number;
      leftH1 += cells[cell + 3] as number;
      leftRows += cells[cell + 4] as number;
      if (leftRows < minRows || rows - leftRows < minRows) continue;
      const found =
        leftG0 ** 2 / (leftH0 + ridge) +
        leftG1 ** 2 / (leftH1 + ridge) +
        (g0 - leftG0) ** 2 / (h0 - leftH0 + ridge) +
        (g1 - leftG1) ** 2 / (h1 - leftH1 + ridge) -
        before;
      if (found > gain) [gain, best] = [found, bin];
    }
    return { gain, bin: best };
  }

  #stepOf(cell: Float64Array): [number, number] {
    const { ridge, learningRate } = this.#options;
    const step = (factor: number): number =>
      // The value is rounded to float32, as in the graph.
      Math.fround((learningRate * (cell[factor] ?? 0)) / ((cell[RANK + factor] ?? 0) + ridge));
    return [step(0), step(1)];
  }
}

/** A smaller gain is a rounding error. */
const SMALLEST_GAIN = 1e-9;

function gainOf({ split }: Leaf): number {
  return split?.gain ?? 0;
}

function addNode(tree: RegressionTree): number {
  tree.columns.push(0);
  tree.bins.push(0);
  tree.thresholds.push(0);
  tree.left.push(-1);
  tree.right.push(-1);
  tree.values.push([0, 0]);
  return tree.left.length - 1;
}

/** Returns the leaf that a row reaches. */
export function findLeaf(tree: RegressionTree, { bins, rows }: BinnedColumns, row: number): number {
  let node = 0;
  while ((tree.left[node] as number) >= 0) {
    const bin = bins[(tree.columns[node] as number) * rows + row] as number;
    node = (bin <= (tree.bins[node] as number) ? tree.left[node] : tree.right[node]) as number;
  }
  return node;
}
