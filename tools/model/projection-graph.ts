import { OnnxGraph, type ScorerHeader } from './onnx-graph.ts';
import { ELEMENT_TYPE } from './onnx-schema.ts';

/** A plain matrix factorization: `scores = modelFactors (projection embedding)`. */
export type Projection = {
  /** [rank, dimensions], row by row. */
  readonly projection: Float32Array;
  /** [models, rank], row by row. */
  readonly modelFactors: Float64Array;
};

/**
 * The sums run in float64: in float32 the win rates of 128 x 1,536 weights are off by more than
 * 1e-6. The scores are centred over the models, which leaves every difference as it is and keeps
 * them small, where the float32 output is finest.
 */
export function writeProjectionGraph(
  header: ScorerHeader,
  { projection, modelFactors }: Projection,
): Uint8Array {
  const models = header.models.length;
  const rank = modelFactors.length / models;
  const graph = new OnnxGraph(header);
  graph.constant('projection', [rank, header.dimensions], projection);
  graph.constant('model_factors', [models, rank], centreColumns(modelFactors, models));
  const toFloat64 = { attributes: { to: ELEMENT_TYPE.float64 } };
  const transposed = { attributes: { transB: 1 } };
  graph.node('Cast', ['embedding'], 'embedding_f64', toFloat64);
  graph.node('Cast', ['projection'], 'projection_f64', toFloat64);
  graph.node('Gemm', ['embedding_f64', 'projection_f64'], 'prompt_factors', transposed);
  graph.node('Gemm', ['prompt_factors', 'model_factors'], 'logits', transposed);
  graph.node('Cast', ['logits'], 'scores', { attributes: { to: ELEMENT_TYPE.float32 } });
  return graph.finish();
}

/** Takes the mean over the rows from each column. */
function centreColumns(values: Float64Array, rows: number): Float64Array {
  const columns = values.length / rows;
  const centred = Float64Array.from(values);
  for (let column = 0; column < columns; column += 1) {
    let sum = 0;
    for (let index = column; index < values.length; index += columns) sum += values[index] ?? 0;
    for (let index = column; index < values.length; index += columns) {
      centred[index] = (values[index] ?? 0) - sum / rows;
    }
  }
  return centred;
}
