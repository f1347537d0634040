/**
 * Embeddings of many rows. The first columns are kept whole; of the others, most of which are zero
 * in a local embedding, only the nonzero entries are kept.
 */
export type EmbeddedRows = {
  readonly count: number;
  readonly denseColumns: number;
  readonly sparseColumns: number;
  /** Dense columns, [count, denseColumns]. */
  readonly dense: Float32Array;
  /** Where each row's entries begin in `columns` and `values`; has one element more than there are rows. */
  readonly offsets: Float64Array;
  /** Column numbers, counted from the first sparse column. */
  readonly columns: Int32Array;
  readonly values: Float32Array;
};

/** Collects embeddings of one length. The first `denseColumns` of each one are kept whole. */
export class EmbeddedRowsBuilder {
  readonly #denseColumns: number;
  readonly #dense: GrowingFloats;
  readonly #values = new GrowingFloats();
  readonly #columns = new GrowingFloats();
  readonly #offsets = [0];
  #dimensions: number | undefined;

  constructor(denseColumns: number) {
    this.#denseColumns = denseColumns;
    this.#dense = new GrowingFloats();
  }

  add(embedding: Float32Array): void {
    this.#dimensions ??= embedding.length;
    this.#dense.append(embedding.subarray(0, this.#denseColumns));
    for (let column = this.#denseColumns; column < embedding.length; column += 1) {
      const value = embedding[column] ?? 0;
      if (value === 0) continue;
      this.#values.push(value);
      this.#columns.push(column - this.#denseColumns);
    }
    this.#offsets.push(this.#values.length);
  }

  finish(): EmbeddedRows {
    const dimensions = this.#dimensions ?? 0;
    return {
      count: this.#offsets.length - 1,
      denseColumns: Math.min(this.#denseColumns, dimensions),
      sparseColumns: Math.max(0, dimensions - this.#denseColumns),
      dense: this.#dense.toArray(),
      offsets: Float64Array.from(this.#offsets),
      // A float32 represents every column number below 2^24 exactly.
      columns: Int32Array.from(this.#columns.toArray()),
      values: this.#values.toArray(),
    };
  }
}

class GrowingFloats {
  #values = new Float32Array(1 << 16);
  length = 0;

  push(value: number): void {
    this.#reserve(1);
    this.#values[this.length] = value;
    this.length += 1;
  }

  append(values: Float32Array): void {
    this.#reserve(values.length);
    this.#values.set(values, this.length);
    this.length += values.length;
  }

  toArray(): Float32Array {
    return this.#values.slice(0, this.length);
  }

  #reserve(more: number): void {
    if (this.length + more <= this.#values.length) return;
    const larger = new Float32Array(Math.max(2 * this.#values.length, this.length + more));
    larger.set(this.#values);
    this.#values = larger;
  }
}

/** Returns one row's whole embedding. */
export function embeddingOf(rows: EmbeddedRows, row: number): Float32Array {
  const { denseColumns, sparseColumns } = rows;
  const embedding = new Float32Array(denseColumns + sparseColumns);
  embedding.set(rows.dense.subarray(row * denseColumns, (row + 1) * denseColumns));
  const end = rows.offsets[row + 1] ?? 0;
  for (let entry = rows.offsets[row] ?? 0; entry < end; entry += 1) {
    embedding[denseColumns + (rows.columns[entry] ?? 0)] = rows.values[entry] ?? 0;
  }
  return embedding;
}
