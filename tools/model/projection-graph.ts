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
 * Both steps are linear, and so one is enough: a row of weights a model, which for fewer models than
 * ranks is less to read for each prompt. The sums run in float64: in float32 the win rates of 1,536
 * weights can be off by more than 1e-6. The scores are centred over the models, which leaves every
 * difference as it is and keeps them small, where the float32 output is finest.
 */
export function writeProjectionGraph(
  header: ScorerHeader,
  { projection, modelFactors }: Projection,
): Uint8Array {
  const models = header.models.length;
  const centred = centreColumns(modelFactors, models);
  const graph = new OnnxGraph(header);
  // By dimensions, which the runtime multiplies by in half the time of the other way round.
  const weights = combine(projection, centred, { models, dimensions: header.dimensions });
  graph.constant('weights', [header.dimensions, models], weights);
  const toFloat64 = { attributes: { to: ELEMENT_TYPE.float64 } };
  graph.node('Cast', ['embedding'], 'embedding_f64', toFloat64);
  graph.node('Gemm', ['embedding_f64', 'weights'], 'logits');
  graph.node('Cast', ['logits'], 'scores', { attributes: { to: ELEMENT_TYPE.float32 } });
  return graph.finish();
}

/** (modelFactors projection)', [dimensions, models], row by row. */
function combine(
  projection: Float32Array,
  modelFactors: Float64Array,
  { models, dimensions }: { readonly models: number; readonly dimensions: number },
): Float64Array {
  const rank = modelFactors.length / models;
  const weights = new Float64Array(dimensions * models);
  for (let factor = 0; factor < rank; factor += 1) {
    for (let dimension = 0; dimension < dimensions; dimension += 1) {
      const share = projection[factor * dimensions + dimension] ?? 0;
      for (let model = 0; model < models; model += 1) {
        const place = dimension * models + model;
        const weight = modelFactors[model * rank + factor] ?? 0;
        weights[place] = (weights[place] ?? 0) + share * weight;
      }
    }
  }
  return weights;
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
