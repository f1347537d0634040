import type { Graph } from './graph.ts';
import { constantNumbers, type OnnxNode, type OnnxParts } from './onnx-nodes.ts';
import type { ScorerEntry } from './scorer-registry.ts';

type Numbers = Float32Array | Float64Array;

/**
 * Opens the graph of a file that is only a product, `scores = embedding weights`, like imported
 * matrix factorizations; undefined for any other graph, and for one that does not fit its entry.
 * Its sums run in float64. With onnxruntime, a request's own time was half as long again: most of
 * that was calling into the runtime and back, and the runtime multiplies by the weights of all
 * models.
 */
export function openProductGraph(
  parts: OnnxParts,
  { dimensions, models }: ScorerEntry,
): Graph | undefined {
  const weights = readWeights(parts, [dimensions, models.length]);
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
function readWeights(parts: OnnxParts, shape: readonly number[]): Numbers | undefined {
  const [name, ...others] = parts.constants.keys();
  if (name === undefined || others.length > 0 || !isProduct(parts, name)) return undefined;
  return constantNumbers(parts, name, shape);
}

/**
 * Whether the graph is a `Gemm` with its defaults (nothing added, scaled or transposed), alone or
 * between two casts, to float64 and back.
 */
function isProduct({ nodes }: OnnxParts, weights: string): boolean {
  const last = nodes.get('scores');
  const isCast = last?.operator === 'Cast' && nodes.size === 3;
  const product = isCast ? nodes.get(last.inputs[0] ?? '') : last;
  const [taken = '', factor, ...others] = product?.inputs ?? [];
  const first = nodes.get(taken);
  const isWhole = isCast ? first?.operator === 'Cast' : nodes.size === 1;
  const source = isCast ? first?.inputs : [taken];
  return (
    isWhole &&
    isDefaultGemm(product) &&
    source?.join() === 'embedding' &&
    factor === weights &&
    others.length === 0
  );
}

function isDefaultGemm(node: OnnxNode | undefined): boolean {
  return node?.operator === 'Gemm' && node.attributes.size === 0;
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
