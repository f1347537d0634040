import { floatsAttribute, integersAttribute, type OnnxNode, textsAttribute } from './onnx-nodes.ts';

/** Adds the sum of the trees' leaves for an input to `sums`, which has a number for each target. */
export type TreeEnsemble = (input: Float32Array, sums: Float64Array) => void;

/** A node without a feature is a leaf. */
const LEAF = -1;

/**
 * Compiles ONNX's TreeEnsembleRegressor to flat arrays; undefined for one that compares otherwise than by
 * `<=`, or whose lists do not fit together. Inputs have `width` numbers, and each leaf has a value for each
 * of the targets.
 */
export function compileTrees(
  node: OnnxNode,
  { width, targets }: { readonly width: number; readonly targets: number },
): TreeEnsemble | undefined {
  const nodes = readNodes(node);
  const values = leafValues(node, nodes, targets);
  if (!fitTogether(nodes, width) || values === undefined) return undefined;
  const { features, thresholds, left, right, ids } = nodes;
  const roots = Int32Array.from(ids.keys()).filter((place) => ids[place] === 0);
  const findLeaf = (input: Float32Array, root: number): number => {
    let place = root;
    for (;;) {
      const feature = features[place] ?? LEAF;
      if (feature === LEAF) return place;
      const isLess = (input[feature] ?? 0) <= (thresholds[place] ?? 0);
      place = (isLess ? left[place] : right[place]) ?? 0;
    }
  };
  return (input, sums) => {
    for (const root of roots) {
      const first = findLeaf(input, root) * targets;
      for (let target = 0; target < targets; target += 1) {
        sums[target] = (sums[target] ?? 0) + (values[first + target] ?? 0);
      }
    }
  };
}

/** The nodes of all trees, each in its place; `left`, `right` are places. */
type Nodes = {
  readonly trees: Int32Array;
  readonly ids: Int32Array;
  readonly modes: readonly string[];
  readonly features: Int32Array;
  readonly thresholds: Float32Array;
  readonly left: Int32Array;
  readonly right: Int32Array;
  /** The place of the first node of each tree. */
  readonly starts: ReadonlyMap<number, number>;
};

function readNodes(node: OnnxNode): Nodes {
  const trees = integersAttribute(node, 'nodes_treeids');
  const modes = textsAttribute(node, 'nodes_modes');
  const starts = new Map<number, number>();
  for (const [place, tree] of trees.entries()) if (!starts.has(tree)) starts.set(tree, place);
  const placesOf = (name: string) =>
    integersAttribute(node, name).map((id, place) => (starts.get(trees[place] ?? 0) ?? 0) + id);
  return {
    trees,
    ids: integersAttribute(node, 'nodes_nodeids'),
    modes,
    features: integersAttribute(node, 'nodes_featureids').map((feature, place) =>
      modes[place] === 'LEAF' ? LEAF : feature,
    ),
    thresholds: floatsAttribute(node, 'nodes_values'),
    left: placesOf('nodes_truenodeids'),
    right: placesOf('nodes_falsenodeids'),
    starts,
  };
}

/**
 * Whether each node stands where its number says, and its children after it in the same tree, so that each
 * walk ends.
 */
function fitTogether({ trees, ids, modes, starts, ...lists }: Nodes, width: number): boolean {
  const { features, thresholds, left, right } = lists;
  const all = [ids, modes, features, thresholds, left, right];
  if (all.some(({ length }) => length !== trees.length)) return false;
  const isChild = (place: number, child = 0) => child > place && trees[child] === trees[place];
  return modes.every((mode, place) => {
    if (ids[place] !== place - (starts.get(trees[place] ?? 0) ?? 0)) return false;
    if (mode === 'LEAF') return true;
    const isKnown = mode === 'BRANCH_LEQ' && (features[place] ?? width) < width;
    return isKnown && isChild(place, left[place]) && isChild(place, right[place]);
  });
}

/** Returns the values [nodes, targets], row by row: zeros for nodes that are no leaves. */
function leafValues(
  node: OnnxNode,
  { trees, starts }: Nodes,
  targets: number,
): Float32Array | undefined {
  const [leafTrees, leaves] = [
    integersAttribute(node, 'target_treeids'),
    integersAttribute(node, 'target_nodeids'),
  ];
  const ids = integersAttribute(node, 'target_ids');
  const weights = floatsAttribute(node, 'target_weights');
  const values = new Float32Array(trees.length * targets);
  for (const [index, tree] of leafTrees.entries()) {
    const place = (starts.get(tree) ?? trees.length) + (leaves[index] ?? trees.length);
    const target = ids[index] ?? targets;
    if (place >= trees.length || target >= targets) return undefined;
    values[place * targets + target] = weights[index] ?? Number.NaN;
  }
  return values;
}
