import { ATTRIBUTE_TYPE, createModelMessage, ELEMENT_TYPE } from './onnx-schema.ts';

/** The scorer's metadata, as its file states it. */
export type ScorerHeader = {
  readonly id: string;
  readonly version: string;
  readonly embedder: string;
  readonly models: readonly string[];
  readonly dimensions: number;
};

/** A tensor of a graph's input or output; a dimension with a name is of any size. */
export type GraphTensor = {
  readonly name: string;
  readonly type: keyof typeof ELEMENT_TYPE;
  readonly dims: readonly (number | string)[];
};

/** What a graph's file says about the graph. */
export type GraphShape = {
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly inputs: readonly GraphTensor[];
  readonly outputs: readonly GraphTensor[];
  /** The domains of operators other than the standard ones, with their versions. */
  readonly domains: Readonly<Record<string, number>>;
};

type Values = Float32Array | Float64Array | BigInt64Array | Int8Array | Uint8Array;
type Attribute =
  | number
  | string
  | readonly string[]
  | Int32Array
  | Float32Array
  | { readonly float: number };

/** An operator with its attributes. The default domain is that of the standard operators. */
export type OnnxOperator = {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly domain?: string;
};

/**
 * IR 8 with operator set 17 (2022) is old enough for every runtime in use, and has every operator
 * needed.
 */
const IR_VERSION = 8;
const OPERATOR_SET = 17;
/** The operator domain of classic machine learning, which includes trees. */
export const ML_DOMAIN = 'ai.onnx.ml';
const ML_OPERATOR_SET = 3;

/**
 * Begins a scorer that fulfils the contract: input `embedding` float32 [batch, dimensions], output
 * `scores` float32 [batch, models].
 */
export function createScorerGraph(header: ScorerHeader): OnnxGraph {
  const { models, dimensions, id, version, embedder } = header;
  return new OnnxGraph({
    name: 'scorer',
    metadata: { id, version, embedder, models: JSON.stringify(models) },
    inputs: [{ name: 'embedding', type: 'float32', dims: ['batch', dimensions] }],
    outputs: [{ name: 'scores', type: 'float32', dims: ['batch', models.length] }],
    domains: { [ML_DOMAIN]: ML_OPERATOR_SET },
  });
}

/** Builds the file of a graph. The same calls give the same bytes. */
export class OnnxGraph {
  readonly #shape: GraphShape;
  readonly #initializers: object[] = [];
  readonly #nodes: object[] = [];

  constructor(shape: GraphShape) {
    this.#shape = shape;
  }

  /** Adds a constant and returns its name. */
  constant(name: string, dims: readonly number[], values: Values): string {
    const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    this.#initializers.push({ name, dims, dataType: elementType(values), rawData });
    return name;
  }

  integers(name: string, ...values: readonly number[]): string {
    return this.constant(name, [values.length], BigInt64Array.from(values.map(BigInt)));
  }

  /** Adds an operation with one output and returns the output's name. */
  node(operator: string | OnnxOperator, inputs: readonly string[], output: string): string {
    this.nodes(operator, inputs, [output]);
    return output;
  }

  /** Adds an operation with several outputs, which is named after the first. */
  nodes(
    operator: string | OnnxOperator,
    inputs: readonly string[],
    outputs: readonly string[],
  ): void {
    const {
      name: opType,
      attributes = {},
      domain = '',
    } = typeof operator === 'string' ? { name: operator } : operator;
    this.#nodes.push({
      opType,
      name: outputs[0],
      input: inputs,
      output: outputs,
      attribute: Object.entries(attributes).map(([name, value]) => ({ name, ...encode(value) })),
      ...(domain !== '' && { domain }),
    });
  }

  finish(): Uint8Array {
    const { name, metadata, inputs, outputs, domains } = this.#shape;
    const message = createModelMessage();
    const model = message.create({
      irVersion: IR_VERSION,
      producerName: 'smart-router',
      opsetImport: [
        { domain: '', version: OPERATOR_SET },
        ...Object.entries(domains).map(([domain, version]) => ({ domain, version })),
      ],
      metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
      graph: {
        name,
        input: inputs.map(valueInfo),
        output: outputs.map(valueInfo),
        initializer: this.#initializers,
        node: this.#nodes,
      },
    });
    return message.encode(model).finish();
  }
}

function elementType(values: Values): number {
  if (values instanceof Float32Array) return ELEMENT_TYPE.float32;
  if (values instanceof Int8Array) return ELEMENT_TYPE.int8;
  if (values instanceof Uint8Array) return ELEMENT_TYPE.uint8;
  return values instanceof Float64Array ? ELEMENT_TYPE.float64 : ELEMENT_TYPE.int64;
}

function encode(value: Attribute): object {
  if (typeof value === 'number') return { i: value, type: ATTRIBUTE_TYPE.int };
  if (typeof value === 'string') return { s: value, type: ATTRIBUTE_TYPE.string };
  if (value instanceof Int32Array) return { ints: [...value], type: ATTRIBUTE_TYPE.ints };
  if (value instanceof Float32Array) return { floats: [...value], type: ATTRIBUTE_TYPE.floats };
  if ('float' in value) return { f: value.float, type: ATTRIBUTE_TYPE.float };
  return { strings: value, type: ATTRIBUTE_TYPE.strings };
}

function valueInfo({ name, type, dims }: GraphTensor): object {
  const dim = dims.map((size) =>
    typeof size === 'string' ? { dimParam: size } : { dimValue: size },
  );
  return { name, type: { tensorType: { elemType: ELEMENT_TYPE[type], shape: { dim } } } };
}
