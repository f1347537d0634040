import { OnnxGraph } from '../model/onnx-graph.ts';
import type { BertLayer, BertWeights, Normalization, Product } from './bert-weights.ts';
import { quantizeColumns, quantizeRows } from './quantize.ts';

/** The domain of onnxruntime's own operators. */
const RUNTIME_DOMAIN = 'com.microsoft';
const EPSILON = { float: 1e-12 };

type EncoderParts = {
  readonly weights: BertWeights;
  readonly hidden: number;
  readonly heads: number;
  /** The most pieces of a text. */
  readonly maxPieces: number;
};

/**
 * Writes a graph from the pieces of one text, int64 [1, pieces], to the mean of their last layer,
 * float32 [1, hidden]. Products are of bytes: the weights are quantized here, the numbers between
 * them when the graph runs.
 */
export function writeEncoderGraph({ weights, hidden, heads, maxPieces }: EncoderParts): Uint8Array {
  const graph = new OnnxGraph({
    name: 'encoder',
    metadata: {},
    inputs: [{ name: 'pieces', type: 'int64', dims: [1, 'pieces'] }],
    outputs: [{ name: 'embedding', type: 'float32', dims: [1, hidden] }],
    domains: { [RUNTIME_DOMAIN]: 1 },
  });
  let numbers = addEmbeddings(graph, weights, { hidden, maxPieces });
  for (const [index, layer] of weights.layers.entries()) {
    numbers = addLayer(graph, { layer, name: `layer_${index}`, heads }, numbers);
  }
  const mean = { name: 'ReduceMean', attributes: { axes: Int32Array.of(1), keepdims: 0 } };
  graph.node(mean, [numbers], 'embedding');
  return graph.finish();
}

function addEmbeddings(
  graph: OnnxGraph,
  { words, positions, sentence, normalization }: BertWeights,
  { hidden, maxPieces }: Pick<EncoderParts, 'hidden' | 'maxPieces'>,
): string {
  const { values, scales } = quantizeRows(words, hidden);
  graph.constant('words', [scales.length, hidden], values);
  graph.constant('word_scales', [scales.length, 1], scales);
  graph.node('Gather', ['words', 'pieces'], 'word_bytes');
  graph.node('Gather', ['word_scales', 'pieces'], 'word_scale');
  graph.node({ name: 'Cast', attributes: { to: 1 } }, ['word_bytes'], 'word_numbers');
  graph.node('Mul', ['word_numbers', 'word_scale'], 'word');
  // Every text is of the first kind of sentence, so that its numbers can be added beforehand.
  const places = positions
    .slice(0, maxPieces * hidden)
    .map((value, index) => value + (sentence[index % hidden] ?? 0));
  graph.constant('positions', [1, maxPieces, hidden], places);
  graph.node('Shape', ['pieces'], 'shape');
  graph.integers('zero', 0);
  graph.integers('one', 1);
  graph.integers('two', 2);
  graph.node('Slice', ['shape', 'one', 'two'], 'length');
  graph.node('Slice', ['positions', 'zero', 'length', 'one'], 'position');
  return addNormalizedSum(graph, { name: 'embeddings', normalization }, ['word', 'position']);
}

type NamedLayer = { readonly layer: BertLayer; readonly name: string; readonly heads: number };

function addLayer(graph: OnnxGraph, { layer, name, heads }: NamedLayer, input: string): string {
  const { query, key, value, attention, widening, narrowing } = layer;
  const three = besideEachOther([query, key, value]);
  const projected = addProduct(graph, `${name}_projections`, three, input);
  const [q, k, v] = ['query', 'key', 'value'].map((part) => `${name}_${part}`) as [
    string,
    string,
    string,
  ];
  graph.nodes({ name: 'Split', attributes: { axis: 2 } }, [projected], [q, k, v]);
  const multiHead = {
    name: 'MultiHeadAttention',
    domain: RUNTIME_DOMAIN,
    attributes: { num_heads: heads },
  };
  const context = graph.node(multiHead, [q, k, v], `${name}_context`);
  const attended = addProduct(graph, `${name}_attention`, attention, context);
  const middle = addNormalizedSum(
    graph,
    { name: `${name}_middle`, normalization: layer.attentionNormalization },
    [attended, input],
  );
  const wide = addProduct(graph, `${name}_widening`, widening, middle);
  const active = graph.node({ name: 'Gelu', domain: RUNTIME_DOMAIN }, [wide], `${name}_active`);
  const narrow = addProduct(graph, `${name}_narrowing`, narrowing, active);
  return addNormalizedSum(graph, { name: `${name}_output`, normalization: layer.normalization }, [
    narrow,
    middle,
  ]);
}

function addProduct(graph: OnnxGraph, name: string, { matrix, bias }: Product, input: string) {
  const columns = bias.length;
  const { values, scales } = quantizeColumns(matrix, columns);
  const inputs = [
    graph.constant(`${name}_matrix`, [matrix.length / columns, columns], values),
    graph.constant(`${name}_scales`, [columns], scales),
    graph.constant(`${name}_bias`, [columns], bias),
  ] as const;
  const product = { name: 'DynamicQuantizeMatMul', domain: RUNTIME_DOMAIN };
  return graph.node(product, [input, inputs[0], inputs[1], '', inputs[2]], name);
}

function addNormalizedSum(
  graph: OnnxGraph,
  { name, normalization }: { readonly name: string; readonly normalization: Normalization },
  addends: readonly [string, string],
): string {
  const { scale, offset } = normalization;
  graph.constant(`${name}_scale`, [scale.length], scale);
  graph.constant(`${name}_offset`, [offset.length], offset);
  const operator = {
    name: 'SkipLayerNormalization',
    domain: RUNTIME_DOMAIN,
    attributes: { epsilon: EPSILON },
  };
  return graph.node(operator, [...addends, `${name}_scale`, `${name}_offset`], name);
}

/** Joins products of one input to one with the outputs of all. */
function besideEachOther(products: readonly Product[]): Product {
  const rows = (products[0]?.matrix.length ?? 0) / (products[0]?.bias.length ?? 1);
  const width = products.reduce((sum, { bias }) => sum + bias.length, 0);
  const matrix = new Float32Array(rows * width);
  const bias = new Float32Array(width);
  let from = 0;
  for (const one of products) {
    const columns = one.bias.length;
    bias.set(one.bias, from);
    for (let row = 0; row < rows; row += 1) {
      matrix.set(one.matrix.subarray(row * columns, (row + 1) * columns), row * width + from);
    }
    from += columns;
  }
  return { matrix, bias };
}
