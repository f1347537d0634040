/** Values of many columns as small numbers, so that the search for a split has few candidates. */
export type BinnedColumns = {
  readonly rows: number;
  /** Bins, [columns, rows]: `bins[column * rows + row]`. */
  readonly bins: Uint8Array;
  /** For each column the rising upper ends of all bins but the last: value <= edge. */
  readonly edges: readonly Float32Array[];
};

export const MAX_BINS = 64;

type Columns = {
  readonly rows: number;
  readonly columns: number;
  readonly read: (row: number, column: number) => number;
};

/** Bins float32 values by their quantiles over the rows to learn from. */
export function binColumns({ rows, columns, read }: Columns, learnFrom: Int32Array): BinnedColumns {
  const bins = new Uint8Array(rows * columns);
  const edges: Float32Array[] = [];
  for (let column = 0; column < columns; column += 1) {
    const sorted = Float32Array.from(learnFrom, (row) => read(row, column)).sort();
    const ends = findEdges(sorted);
    edges.push(ends);
    for (let row = 0; row < rows; row += 1) {
      bins[column * rows + row] = findBin(ends, Math.fround(read(row, column)));
    }
  }
  return { rows, bins, edges };
}

/** Returns edges between the distinct values if there are few, else at quantiles. */
function findEdges(sorted: Float32Array): Float32Array {
  const distinct = sorted.filter((value, index) => index === 0 || value !== sorted[index - 1]);
  if (distinct.length <= MAX_BINS) {
    return distinct.slice(1).map((value, index) => (value + (distinct[index] ?? 0)) / 2);
  }
  const quantiles = Array.from(
    { length: MAX_BINS - 1 },
    (_, index) => sorted[Math.floor(((index + 1) * sorted.length) / MAX_BINS)] ?? 0,
  );
  return Float32Array.from(new Set(quantiles));
}

function findBin(edges: Float32Array, value: number): number {
  let [low, high] = [0, edges.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (value <= (edges[middle] ?? 0)) high = middle;
    else low = middle + 1;
  }
  return low;
}
