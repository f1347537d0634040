/** What a scorer's graph gives for one embedding. */
export type Row = {
  /** Of the scorer's model with this index; NaN where the graph gave no number. */
  logit(model: number): number;
  /** Absent for a graph without one, and NaN for one that failed. */
  readonly distance?: number;
};

/** A scorer's graph, loaded: a row an embedding, in their order. Each has the scorer's dimensions. */
export type Graph = (embeddings: readonly Float32Array[]) => Promise<Row[]> | Row[];
