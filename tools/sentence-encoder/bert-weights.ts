import { createModelMessage, ELEMENT_TYPE } from '../model/onnx-schema.ts';

/** The part of a decoded ONNX model that is read here. */
type Graph = {
  readonly node: readonly {
    readonly opType: string;
    readonly input?: string[];
    readonly output?: string[];
  }[];
  readonly initializer: readonly {
    readonly name: string;
    readonly dataType: number;
    readonly rawData: Uint8Array;
  }[];
};

/** The weights of a product x · matrix + bias. */
export type Product = {
  /** [inputs, outputs] */
  readonly matrix: Float32Array;
  readonly bias: Float32Array;
};

/** A layer normalization's factors and offsets. */
export type Normalization = { readonly scale: Float32Array; readonly offset: Float32Array };

export type BertLayer = {
  readonly query: Product;
  readonly key: Product;
  readonly value: Product;
  readonly attention: Product;
  readonly attentionNormalization: Normalization;
  readonly widening: Product;
  readonly narrowing: Product;
  readonly normalization: Normalization;
};

export type BertWeights = {
  /** [pieces, hidden] */
  readonly words: Float32Array;
  /** [positions, hidden] */
  readonly positions: Float32Array;
  /** [hidden]: that of the only kind of sentence which the encoder is given. */
  readonly sentence: Float32Array;
  readonly normalization: Normalization;
  readonly layers: readonly BertLayer[];
};

/**
 * Reads the embeddings and the first layers of a BERT model from an ONNX file as PyTorch exports it.
 * Throws an Error when a weight is missing.
 */
export function readBertWeights(file: Uint8Array, hidden: number, layerCount: number): BertWeights {
  const graph = decode(file);
  const tensors = new Map(graph.initializer.map((one) => [one.name, one]));
  const tensor = (name: string): Float32Array => {
    const found = tensors.get(name);
    if (found?.dataType !== ELEMENT_TYPE.float32)
      throw new Error(`The model has no weights ${name}.`);
    return new Float32Array(new Uint8Array(found.rawData).buffer);
  };
  /** A matrix has no name of its own: its product is what the named bias is added to. */
  const product = (name: string): Product => {
    const bias = `${name}.bias`;
    const sum = graph.node.find(({ opType, input }) => opType === 'Add' && input?.includes(bias));
    const addend = sum?.input?.find((one) => one !== bias);
    const source = graph.node.find(
      ({ output }) => addend !== undefined && output?.includes(addend),
    );
    return { matrix: tensor(source?.input?.[1] ?? name), bias: tensor(bias) };
  };
  const normalization = (name: string): Normalization => ({
    scale: tensor(`${name}.LayerNorm.weight`),
    offset: tensor(`${name}.LayerNorm.bias`),
  });
  const layer = (index: number): BertLayer => {
    const name = `encoder.layer.${index}`;
    return {
      query: product(`${name}.attention.self.query`),
      key: product(`${name}.attention.self.key`),
      value: product(`${name}.attention.self.value`),
      attention: product(`${name}.attention.output.dense`),
      attentionNormalization: normalization(`${name}.attention.output`),
      widening: product(`${name}.intermediate.dense`),
      narrowing: product(`${name}.output.dense`),
      normalization: normalization(`${name}.output`),
    };
  };
  return {
    words: tensor('embeddings.word_embeddings.weight'),
    positions: tensor('embeddings.position_embeddings.weight'),
    sentence: tensor('embeddings.token_type_embeddings.weight').slice(0, hidden),
    normalization: normalization('embeddings'),
    layers: Array.from({ length: layerCount }, (_, index) => layer(index)),
  };
}

function decode(file: Uint8Array): Graph {
  const message = createModelMessage();
  const { graph } = message.toObject(message.decode(file)) as { readonly graph: Graph };
  return graph;
}
