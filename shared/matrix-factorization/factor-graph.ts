import type { Graph, Row } from './graph.ts';
import {
  constantFloats,
  constantInteger,
  constantLength,
  integerAttribute,
  type OnnxNode,
  type OnnxParts,
} from './onnx-nodes.ts';
import type { ScorerEntry } from './scorer-registry.ts';
import { compileTrees, type TreeEnsemble } from './tree-ensemble.ts';

type Compiled = {
  /** The number of numbers at the beginning of an embedding that the trees read. */
  readonly dense: number;
  /** The numbers of a prompt that its linear heads give. */
  readonly width: number;
  /** The weights of the heads [dimensions, width], row by row. */
  readonly headWeights: Float32Array;
  readonly headBiases: Float32Array;
  readonly trees: TreeEnsemble;
  /** The number of factors that the trees give. */
  readonly rank: number;
  /** The models' factors [models, rank + width], row by row. */
  readonly modelFactors: Float32Array;
  readonly modelConstants: Float32Array;
};

/**
 * Opens a graph of linear heads and trees, as `model:train` writes it, and runs it here; undefined for any
 * other graph, and for one that does not fit its entry. Nearly all of an embedding's n-grams are 0 and are
 * skipped, where onnxruntime multiplies all of them, and only the logits of the models that are asked for
 * are computed. Sums run in float64.
 */
export function openFactorGraph(parts: OnnxParts, entry: ScorerEntry): Graph | undefined {
  const compiled = compile(parts, entry);
  return compiled && ((embeddings) => embeddings.map((embedding) => run(compiled, embedding)));
}

function run(compiled: Compiled, embedding: Float32Array): Row {
  const { dense, width, rank, trees, modelFactors, modelConstants } = compiled;
  const numbers = applyHeads(compiled, embedding);
  const input = new Float32Array(dense + width);
  input.set(embedding.subarray(0, dense));
  input.set(numbers, dense);
  const factors = new Float64Array(rank + width);
  trees(input, factors);
  factors.set(numbers, rank);
  return {
    logit: (model) => {
      let logit = modelConstants[model] ?? Number.NaN;
      for (const [index, factor] of factors.entries()) {
        logit += factor * (modelFactors[model * factors.length + index] ?? Number.NaN);
      }
      return logit;
    },
  };
}

function applyHeads({ width, headWeights, headBiases }: Compiled, embedding: Float32Array) {
  const numbers = Float64Array.from(headBiases);
  for (let row = 0; row < embedding.length; row += 1) {
    const value = embedding[row] ?? 0;
    if (value === 0) continue;
    const start = row * width;
    for (let column = 0; column < width; column += 1) {
      numbers[column] = (numbers[column] ?? 0) + value * (headWeights[start + column] ?? 0);
    }
  }
  return numbers;
}

/**
 * Follows the graph from its scores back to the embedding: the operators and sizes must be those that are
 * known.
 */
function compile(parts: OnnxParts, { dimensions, models }: ScorerEntry): Compiled | undefined {
  const scores = find(parts, 'scores', 'Gemm');
  const all = find(parts, scores?.inputs[0], 'Concat');
  const forest = find(parts, all?.inputs[0], 'TreeEnsembleRegressor');
  const heads = find(parts, all?.inputs[1], 'Gemm');
  const treeInput = find(parts, forest?.inputs[0], 'Concat');
  const slice = find(parts, treeInput?.inputs[0], 'Slice');
  if (!scores || !all || !forest || !heads || !treeInput || !slice) return undefined;
  const dense = readSlice(parts, slice);
  const width = constantLength(parts, heads.inputs[2] ?? '');
  const rank = integerAttribute(forest, 'n_targets') ?? 0;
  const columns = rank + width;
  const isKnown =
    [all, treeInput].every(
      (node) => integerAttribute(node, 'axis') === 1 && node.inputs.length === 2,
    ) &&
    treeInput.inputs[1] === all.inputs[1] &&
    [heads, slice].every(({ inputs }) => inputs[0] === 'embedding') &&
    heads.attributes.size === 0 &&
    scores.attributes.size === 1 &&
    integerAttribute(scores, 'transB') === 1 &&
    dense !== undefined;
  if (!isKnown) return undefined;
  const headWeights = constantFloats(parts, heads.inputs[1] ?? '', [dimensions, width]);
  const headBiases = constantFloats(parts, heads.inputs[2] ?? '', [width]);
  const modelFactors = constantFloats(parts, scores.inputs[1] ?? '', [models.length, columns]);
  const modelConstants = constantFloats(parts, scores.inputs[2] ?? '', [models.length]);
  const trees = compileTrees(forest, { width: dense + width, targets: rank });
  if (!headWeights || !headBiases || !modelFactors || !modelConstants || !trees) return undefined;
  return { dense, width, rank, headWeights, headBiases, trees, modelFactors, modelConstants };
}

function find(
  { nodes }: OnnxParts,
  output: string | undefined,
  operator: string,
): OnnxNode | undefined {
  const node = nodes.get(output ?? '');
  return node?.operator === operator ? node : undefined;
}

/** Returns how many numbers a slice takes from the beginning of each row; undefined for another slice. */
function readSlice(parts: OnnxParts, { inputs }: OnnxNode): number | undefined {
  const [from, to, axis] = inputs.slice(1).map((name) => constantInteger(parts, name));
  return inputs.length === 4 && from === 0 && axis === 1 ? to : undefined;
}
