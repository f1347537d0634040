/** The output of a scorer's graph for one embedding. */
export type Row = {
  /** Returns the logit of the scorer's model with this index; NaN if the graph gave no number. */
  logit(model: number): number;
};

/**
 * A loaded graph: returns a row for each embedding, in order. Each embedding has the scorer's
 * dimensions.
 */
export type Graph = (embeddings: readonly Float32Array[]) => Promise<Row[]> | Row[];
