import { openFactorGraph } from '../../shared/matrix-factorization/factor-graph.ts';
import {
  constantFloats,
  constantLength,
  integerAttribute,
  readOnnxParts,
} from '../../shared/matrix-factorization/onnx-nodes.ts';
import type { ScorerEntry } from '../../shared/matrix-factorization/scorer-registry.ts';
import { InputError } from '../command-line/input-error.ts';
import type { LinearHead } from './linear-head.ts';
import type { ScorerHeader } from './onnx-graph.ts';
import { createModelMessage } from './onnx-schema.ts';
import { RANK } from './strength-basis.ts';

/** What a factorization knows of its models: the score of one is factors · a prompt's numbers + constant. */
export type ModelBasis = {
  /** Factors, [models, columns], in logits. */
  readonly factors: Float64Array;
  /** Constants, [models], in logits. */
  readonly constants: Float64Array;
};

/** A factorization by `model:train`, taken apart so that it can be written with more in it. */
export type FactorFile = {
  /** The numbers of a prompt that its score is made of: RANK by the trees, then those by the heads. */
  readonly columns: number;
  readonly basis: ModelBasis;
  /** Returns these numbers for the embedding of a prompt. */
  numbersOf(embedding: Float32Array): Float64Array;
  /**
   * Writes the same trees and heads for other models, with the head added after the others if
   * there is one: then each model has RANK more factors.
   */
  write(header: ScorerHeader, basis: ModelBasis, head?: LinearHead): Uint8Array;
};

type Tensor = { name: string; dims: number[]; rawData: Uint8Array };
type OnnxModel = {
  metadataProps: { key: string; value: string }[];
  graph: {
    initializer: Tensor[];
    output: { type: { tensorType: { shape: { dim: { dimValue?: number }[] } } } }[];
  };
};

/** Takes a scorer's file apart. Throws an InputError for a graph of any other form. */
export function readFactorFile(bytes: Uint8Array, entry: ScorerEntry): FactorFile {
  const { id, dimensions, models } = entry;
  const parts = readOnnxParts(bytes);
  const forest = parts.nodes.get('factors');
  const width = constantLength(parts, 'head_biases');
  const columns = RANK + width;
  const factors = constantFloats(parts, 'model_factors', [models.length, columns]);
  const constants = constantFloats(parts, 'model_constants', [models.length]);
  const isKnown =
    openFactorGraph(parts, entry) !== undefined &&
    forest !== undefined &&
    integerAttribute(forest, 'n_targets') === RANK;
  if (!isKnown || !factors || !constants) {
    throw new InputError(
      `--from needs a scorer that model:train made by factorization, and ${id} is none: name another, such as local.`,
    );
  }
  const write: FactorFile['write'] = (header, basis, head) => {
    const message = createModelMessage();
    const model = message.toObject(message.decode(bytes), { longs: Number }) as OnnxModel;
    describe(model, header);
    replaceModels(model.graph.initializer, header.models.length, basis);
    if (head !== undefined) addHead(model.graph.initializer, dimensions, head);
    return message.encode(message.fromObject(model)).finish();
  };
  return {
    columns,
    basis: { factors: Float64Array.from(factors), constants: Float64Array.from(constants) },
    numbersOf: openNumbers(write, columns, entry),
    write,
  };
}

/** Opens the graph with models of which each is one of the numbers, so that it gives them instead of scores. */
function openNumbers(
  write: FactorFile['write'],
  columns: number,
  entry: ScorerEntry,
): FactorFile['numbersOf'] {
  const models = Array.from({ length: columns }, (_, column) => `number ${column}`);
  const factors = new Float64Array(columns * columns);
  for (let column = 0; column < columns; column += 1) factors[column * columns + column] = 1;
  const bytes = write({ ...entry, models }, { factors, constants: new Float64Array(columns) });
  const graph = openFactorGraph(readOnnxParts(bytes), { ...entry, models });
  return (embedding) => {
    const rows = graph?.([embedding]);
    const row = Array.isArray(rows) ? rows[0] : undefined;
    return Float64Array.from(models, (_, column) => row?.logit(column) ?? Number.NaN);
  };
}

function describe(model: OnnxModel, { id, version, embedder, models }: ScorerHeader): void {
  const entries = { id, version, embedder, models: JSON.stringify(models) };
  model.metadataProps = Object.entries(entries).map(([key, value]) => ({ key, value }));
  const dim = model.graph.output[0]?.type.tensorType.shape.dim.at(-1);
  if (dim !== undefined) dim.dimValue = models.length;
}

function replaceModels(tensors: Tensor[], count: number, { factors, constants }: ModelBasis): void {
  replace(tensors, 'model_factors', [count, factors.length / count], factors);
  replace(tensors, 'model_constants', [count], constants);
}

function addHead(tensors: Tensor[], dimensions: number, { weights, bias }: LinearHead): void {
  const earlier = numbersIn(tensors, 'head_weights');
  const biases = [...numbersIn(tensors, 'head_biases'), ...bias];
  const width = biases.length;
  const wider = new Float64Array(dimensions * width);
  for (let row = 0; row < dimensions; row += 1) {
    wider.set(earlier.subarray(row * (width - RANK), (row + 1) * (width - RANK)), row * width);
    wider.set(weights.subarray(row * RANK, (row + 1) * RANK), (row + 1) * width - RANK);
  }
  replace(tensors, 'head_weights', [dimensions, width], wider);
  replace(tensors, 'head_biases', [width], biases);
}

function numbersIn(tensors: readonly Tensor[], name: string): Float32Array {
  const { rawData = new Uint8Array() } = tensors.find((tensor) => tensor.name === name) ?? {};
  return new Float32Array(Uint8Array.from(rawData).buffer);
}

function replace(tensors: Tensor[], name: string, dims: number[], values: ArrayLike<number>): void {
  const tensor = tensors.find((one) => one.name === name);
  if (tensor === undefined) return;
  tensor.dims = dims;
  tensor.rawData = new Uint8Array(Float32Array.from(values).buffer);
}
