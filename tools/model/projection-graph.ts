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
 * Up to this length of a model's weights, sums in float32 move no win rate of a unit embedding by 1e-6 (at
 * two thirds of it, of 1,536 dimensions: by 5.8e-7 at most, of 600,000 win rates).
 */
const FLOAT32_LENGTH = 64;

/**
 * Both steps are linear, and so one is enough: a row of weights a model, which for fewer models than
 * ranks is less to read for each prompt. The sums run in float32 where that is fine enough: in float64
 * they take onnxruntime four times as long. The scores are centred over the models, which leaves every
 * difference as it is and keeps them small, where the float32 output is finest. The router does this
 * product itself.
 */
export function writeProjectionGraph(
  header: ScorerHeader,
  { projection, modelFactors }: Projection,
): Uint8Array {
  const models = header.models.length;
  const shape = [header.dimensions, models] as const;
  const centred = centreColumns(modelFactors, models);
  const graph = new OnnxGraph(header);
  // By dimensions, which the runtime multiplies by in half the time of the other way round.
  const weights = combine(projection, centred, { models, dimensions: header.dimensions });
  if (longestColumn(weights, models) <= FLOAT32_LENGTH) {
    graph.constant('weights', shape, Float32Array.from(weights));
    graph.node('Gemm', ['embedding', 'weights'], 'scores');
  } else {
    graph.constant('weights', shape, weights);
    graph.node('Cast', ['embedding'], 'embedding_f64', castTo(ELEMENT_TYPE.float64));
    graph.node('Gemm', ['embedding_f64', 'weights'], 'logits');
    graph.node('Cast', ['logits'], 'scores', castTo(ELEMENT_TYPE.float32));
  }
  return graph.finish();
}

function castTo(type: number) {
  return { attributes: { to: type } };
}

function longestColumn(values: Float64Array, columns: number): number {
  const squares = new Float64Array(columns);
  for (const [index, value] of values.entries()) {
    squares[index % columns] = (squares[index % columns] ?? 0) + value * value;
  }
  return Math.sqrt(Math.max(...squares));
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
