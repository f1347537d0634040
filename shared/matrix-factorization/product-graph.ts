import type { Graph } from './graph.ts';
import { messagesOf, numbersOf, textOf, textsOf } from './onnx-fields.ts';
import type { ScorerEntry } from './scorer-registry.ts';

type Numbers = Float32Array | Float64Array;

/** ONNX's numbers of element types (TensorProto.DataType). */
const FLOAT32 = 1;
const FLOAT64 = 11;

/**
 * Opens the graph of a file that is only a product, `scores = embedding weights`, like imported
 * matrix factorizations; undefined for any other graph, and for one that does not fit its entry.
 * Its sums run in float64. With onnxruntime, a request's own time was half as long again: most of
 * that was calling into the runtime and back, and the runtime multiplies by the weights of all
 * models.
 */
export function openProductGraph(
  onnx: Uint8Array,
  { dimensions, models }: ScorerEntry,
): Graph | undefined {
  const weights = readWeights(onnx, dimensions, models.length);
  if (weights === undefined) return undefined;
  /** The weights of the models asked for so far. */
  const columns: Numbers[] = [];
  const columnOf = (model: number) => {
    columns[model] ??= weights
      .slice(0, dimensions)
      .map((_, row) => weights[row * models.length + model] ?? Number.NaN);
    return columns[model];
  };
  return (embeddings) =>
    embeddings.map((embedding) => {
      const logits: number[] = [];
      return {
        // Few models are asked for, and one of them often.
        logit: (model) => {
          logits[model] ??= multiply(embedding, columnOf(model));
          return logits[model];
        },
      };
    });
}

/**
 * Returns the weights [dimensions, models], row by row; undefined when the graph is not such a
 * product.
 */
function readWeights(onnx: Uint8Array, dimensions: number, models: number): Numbers | undefined {
  const [graph] = messagesOf(onnx, 'Model.graph');
  const [tensor, ...others] = graph ? messagesOf(graph, 'Graph.initializer') : [];
  if (graph === undefined || tensor === undefined || others.length > 0) return undefined;
  if (!isProduct(messagesOf(graph, 'Graph.node'), textOf(tensor, 'Tensor.name'))) return undefined;
  const [data = new Uint8Array()] = messagesOf(tensor, 'Tensor.rawData');
  const [type] = numbersOf(tensor, 'Tensor.dataType');
  const Elements = type === FLOAT64 ? Float64Array : Float32Array;
  const shape = numbersOf(tensor, 'Tensor.dims').join();
  const size = dimensions * models * Elements.BYTES_PER_ELEMENT;
  const isKnown = type === FLOAT32 || type === FLOAT64;
  if (!isKnown || shape !== `${dimensions},${models}` || data.byteLength !== size) return undefined;
  // A copy, because the weights may be unaligned in the file.
  return new Elements(new Uint8Array(data).buffer);
}

/**
 * Whether the graph is a `Gemm` with its defaults (nothing added, scaled or transposed), alone or
 * between two casts, to float64 and back.
 */
function isProduct(nodes: readonly Uint8Array[], weights: string | undefined): boolean {
  const operators = nodes.map((node) => textOf(node, 'Node.operator'));
  if (operators.join() !== 'Gemm' && operators.join() !== 'Cast,Gemm,Cast') return false;
  const given = ['embedding', ...nodes.map((node) => textOf(node, 'Node.output'))];
  return (
    given.at(-1) === 'scores' &&
    nodes.every((node, place) => {
      const [taken, factor, ...others] = textsOf(node, 'Node.input');
      if (taken !== given[place] || others.length > 0) return false;
      const hasAttributes = messagesOf(node, 'Node.attribute').length > 0;
      return operators[place] === 'Gemm' ? factor === weights && !hasAttributes : !factor;
    })
  );
}

/** Multiplies in four independent sums, which the processor can compute concurrently. */
function multiply(embedding: Float32Array, weights: Numbers): number {
  let [first, second, third, fourth] = [0, 0, 0, 0];
  for (let at = 0; at < weights.length; at += 4) {
    first += (embedding[at] ?? 0) * (weights[at] ?? 0);
    second += (embedding[at + 1] ?? 0) * (weights[at + 1] ?? 0);
    third += (embedding[at + 2] ?? 0) * (weights[at + 2] ?? 0);
    fourth += (embedding[at + 3] ?? 0) * (weights[at + 3] ?? 0);
  }
  return first + second + third + fourth;
}
