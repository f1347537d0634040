import { type Centroids, SMALLEST_NORM } from './centroids.ts';
import type { ClusterFactors } from './cluster-factors.ts';
import type { LinearHead } from './linear-head.ts';
import { constantsOf, type Deviations } from './model-deviations.ts';
import {
  createScorerGraph,
  ML_DOMAIN,
  type OnnxGraph,
  type OnnxOperator,
  type ScorerHeader,
} from './onnx-graph.ts';
import type { PromptFactors } from './prompt-factors.ts';
import type { RegressionTree } from './regression-tree.ts';
import { RANK, strengthFactors } from './strength-basis.ts';

/**
 * Logits per unit of score difference. A score difference of d is a logit difference of 2 d:
 * sigmoid(2 d) is close to (1 + d) / 2, the win rate when equal answers count half.
 */
export const LOGITS_PER_SCORE = 2;

type SharedParts = {
  readonly header: ScorerHeader;
  /** Strengths of the header's models. */
  readonly strengths: Float64Array;
  readonly deviations: Deviations;
  readonly centroids: Centroids;
};

/** Writes the graph of the heads and the trees. */
export function writeFactorGraph(
  parts: SharedParts,
  { heads, trees }: Pick<PromptFactors, 'heads' | 'trees'>,
  denseColumns: number,
): Uint8Array {
  const graph = createScorerGraph(parts.header);
  addHeads(graph, heads, parts.header.dimensions);
  const dense = sliceEmbedding(graph, 'dense', [0, denseColumns]);
  graph.node({ name: 'Concat', attributes: { axis: 1 } }, [dense, 'head_factors'], 'tree_input');
  addTrees(graph, trees);
  addScores(graph, parts, 'head_factors');
  return graph.finish();
}

/** Writes the graph of the clusters of prompts. */
export function writeClusterGraph(
  parts: SharedParts,
  { sharpness, clusters }: Pick<ClusterFactors, 'sharpness' | 'clusters'>,
): Uint8Array {
  const graph = createScorerGraph(parts.header);
  addCosines(graph, parts.centroids);
  graph.constant('sharpness', [1], Float32Array.of(sharpness));
  graph.constant('clusters', [parts.centroids.count, RANK], Float32Array.from(clusters));
  graph.node('Mul', ['cosines', 'sharpness'], 'sharp_cosines');
  graph.node({ name: 'Softmax', attributes: { axis: 1 } }, ['sharp_cosines'], 'shares');
  graph.node('MatMul', ['shares', 'clusters'], 'factors');
  addScores(graph, parts, 'shares');
  return graph.finish();
}

function addHeads(graph: OnnxGraph, heads: readonly LinearHead[], dimensions: number): void {
  const width = heads.reduce((sum, { bias }) => sum + bias.length, 0);
  const weights = new Float32Array(dimensions * width);
  let from = 0;
  for (const head of heads) {
    const own = head.bias.length;
    for (let index = 0; index < dimensions * own; index += 1) {
      weights[Math.floor(index / own) * width + from + (index % own)] = head.weights[index] ?? 0;
    }
    from += own;
  }
  graph.constant('head_weights', [dimensions, width], weights);
  graph.constant('head_biases', [width], Float32Array.from(heads.flatMap(({ bias }) => [...bias])));
  graph.node('Gemm', ['embedding', 'head_weights', 'head_biases'], 'head_factors');
}

function sliceEmbedding(
  graph: OnnxGraph,
  name: string,
  [from, to]: readonly [number, number],
): string {
  return graph.node(
    'Slice',
    [
      'embedding',
      graph.integers(`${name}_from`, from),
      graph.integers(`${name}_to`, to),
      graph.integers(`${name}_axis`, 1),
    ],
    name,
  );
}

/** Adds the trees' nodes as the flat lists of TreeEnsembleRegressor. */
function addTrees(graph: OnnxGraph, trees: readonly RegressionTree[]): void {
  const nodes = trees.flatMap((tree, treeId) =>
    tree.left.map((left, nodeId) => ({ tree, treeId, nodeId, left, isLeaf: left < 0 })),
  );
  const leaves = nodes
    .filter(({ isLeaf }) => isLeaf)
    .flatMap(({ tree, treeId, nodeId }) =>
      (tree.values[nodeId] ?? []).map((value, factor) => ({ treeId, nodeId, factor, value })),
    );
  const integers = (pick: (node: (typeof nodes)[number]) => number): Int32Array =>
    Int32Array.from(nodes, pick);
  const operator = {
    name: 'TreeEnsembleRegressor',
    domain: ML_DOMAIN,
    attributes: {
      n_targets: RANK,
      aggregate_function: 'SUM',
      post_transform: 'NONE',
      nodes_treeids: integers(({ treeId }) => treeId),
      nodes_nodeids: integers(({ nodeId }) => nodeId),
      nodes_featureids: integers(({ tree, nodeId }) => tree.columns[nodeId] ?? 0),
      nodes_values: Float32Array.from(nodes, ({ tree, nodeId }) => tree.thresholds[nodeId] ?? 0),
      nodes_modes: nodes.map(({ isLeaf }) => (isLeaf ? 'LEAF' : 'BRANCH_LEQ')),
      nodes_truenodeids: integers(({ left, isLeaf }) => (isLeaf ? 0 : left)),
      nodes_falsenodeids: integers(({ tree, nodeId, isLeaf }) =>
        isLeaf ? 0 : (tree.right[nodeId] ?? 0),
      ),
      target_treeids: Int32Array.from(leaves, ({ treeId }) => treeId),
      target_nodeids: Int32Array.from(leaves, ({ nodeId }) => nodeId),
      target_ids: Int32Array.from(leaves, ({ factor }) => factor),
      target_weights: Float32Array.from(leaves, ({ value }) => value),
    },
  };
  graph.node(operator, ['tree_input'], 'factors');
}

/** Adds scores from the models' strengths and their deviations by the named numbers of the prompt. */
function addScores(
  graph: OnnxGraph,
  { strengths, deviations }: SharedParts,
  numbers: string,
): void {
  const { width, values } = deviations;
  const factors = [...strengths].flatMap((strength, model) => {
    const own = values.subarray(model * (width + 1), model * (width + 1) + width);
    return [...strengthFactors(strength), ...own].map((factor) => LOGITS_PER_SCORE * factor);
  });
  const constants = constantsOf(deviations).map((constant) => LOGITS_PER_SCORE * constant);
  graph.constant('model_factors', [strengths.length, RANK + width], Float32Array.from(factors));
  graph.constant('model_constants', [strengths.length], Float32Array.from(constants));
  graph.node({ name: 'Concat', attributes: { axis: 1 } }, ['factors', numbers], 'all_factors');
  graph.node(
    { name: 'Gemm', attributes: { transB: 1 } },
    ['all_factors', 'model_factors', 'model_constants'],
    'scores',
  );
}

function addCosines(graph: OnnxGraph, { from, to, mean, directions, count }: Centroids): void {
  graph.constant('meaning_mean', [1, to - from], mean);
  graph.constant('centroids', [count, to - from], directions);
  graph.constant('smallest_norm', [1], Float32Array.of(SMALLEST_NORM));
  graph.node('Sub', [sliceEmbedding(graph, 'meaning', [from, to]), 'meaning_mean'], 'centred');
  graph.node(alongRow('ReduceL2'), ['centred'], 'norm');
  graph.node('Add', ['norm', 'smallest_norm'], 'safe_norm');
  graph.node('Div', ['centred', 'safe_norm'], 'direction');
  graph.node({ name: 'Gemm', attributes: { transB: 1 } }, ['direction', 'centroids'], 'cosines');
}

function alongRow(name: string): OnnxOperator {
  return { name, attributes: { axes: Int32Array.of(1), keepdims: 1 } };
}
