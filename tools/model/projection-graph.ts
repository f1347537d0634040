import { createScorerGraph, type OnnxOperator, type ScorerHeader } from './onnx-graph.ts';
import { ELEMENT_TYPE } from './onnx-schema.ts';

/** A plain matrix factorization: `scores = modelFactors (projection embedding)`. */
export type Projection = {
  /** Projection of an embedding, [rank, dimensions], row by row. */
  readonly projection: Float32Array;
  /** Factors of the models, [models, rank], row by row. */
  readonly modelFactors: Float64Array;
};

/**
 * Largest length of a model's weights at which float32 sums move no win rate of a unit embedding by
 * 1e-6. (At two thirds of it, with 1,536 dimensions, they moved 600,000 win rates by at most
 * 5.8e-7.)
 */
const FLOAT32_LENGTH = 64;

/**
 * Writes the graph of a projection. Both steps are linear, so one is enough: a row of weights per
 * model, which for fewer models than ranks is less to read for each prompt. The sums run in float32
 * if that is precise enough: in float64 they take onnxruntime four times as long. The scores are
 * centred over the models, which changes no difference and keeps them small, where the float32
 * output is most precise. The router computes this product itself.
 */
export function writeProjectionGraph(
  header: ScorerHeader,
  { projection, modelFactors }: Projection,
): Uint8Array {
  const models = header.models.length;
  const shape = [header.dimensions, models] as const;
  const centred = centreColumns(modelFactors, models);
  const graph = createScorerGraph(header);
  // The runtime multiplies weights sorted by dimension in half the time of the other order.
  const weights = combine(projection, centred, { models, dimensions: header.dimensions });
  if (longestColumn(weights, models) <= FLOAT32_LENGTH) {
    graph.constant('weights', shape, Float32Array.from(weights));
    graph.node('Gemm', ['embedding', 'weights'], 'scores');
  } else {
    graph.constant('weights', shape, weights);
    graph.node(castTo(ELEMENT_TYPE.float64), ['embedding'], 'embedding_f64');
    graph.node('Gemm', ['embedding_f64', 'weights'], 'logits');
    graph.node(castTo(ELEMENT_TYPE.float32), ['logits'], 'scores');
  }
  return graph.finish();
}

function castTo(type: number): OnnxOperator {
  return { name: 'Cast', attributes: { to: type } };
}

function longestColumn(values: Float64Array, columns: number): number {
  const squares = new Float64Array(columns);
  for (const [index, value] of values.entries()) {
    squares[index % columns] = (squares[index % columns] ?? 0) + value * value;
  }
  return Math.sqrt(Math.max(...squares));
}

/** Returns (modelFactors projection)', [dimensions, models], row by row. */
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

/** Subtracts the mean over the rows from each column. */
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
