import { ATTRIBUTE_TYPE, createModelMessage, ELEMENT_TYPE } from './onnx-schema.ts';

/** The scorer's metadata, as its file states it. */
export type ScorerHeader = {
  readonly id: string;
  readonly version: string;
  readonly embedder: string;
  readonly models: readonly string[];
  readonly dimensions: number;
};

type Values = Float32Array | Float64Array | BigInt64Array;
type Attribute = number | string | readonly string[] | Int32Array | Float32Array;

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
 * Builds a scorer that fulfils the contract: input `embedding` float32 [batch, dimensions], output
 * `scores` float32 [batch, models]. The same calls
 * give the same bytes.
 */
export class OnnxGraph {
  readonly #header: ScorerHeader;
  readonly #initializers: object[] = [];
  readonly #nodes: object[] = [];

  constructor(header: ScorerHeader) {
    this.#header = header;
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
    const {
      name: opType,
      attributes = {},
      domain = '',
    } = typeof operator === 'string' ? { name: operator } : operator;
    this.#nodes.push({
      opType,
      name: output,
      input: inputs,
      output: [output],
      attribute: Object.entries(attributes).map(([name, value]) => ({ name, ...encode(value) })),
      ...(domain !== '' && { domain }),
    });
    return output;
  }

  finish(): Uint8Array {
    const { models, dimensions, id, version, embedder } = this.#header;
    const entries = { id, version, embedder, models: JSON.stringify(models) };
    const message = createModelMessage();
    const model = message.create({
      irVersion: IR_VERSION,
      producerName: 'smart-router',
      opsetImport: [
        { domain: '', version: OPERATOR_SET },
        { domain: ML_DOMAIN, version: ML_OPERATOR_SET },
      ],
      metadataProps: Object.entries(entries).map(([key, value]) => ({ key, value })),
      graph: {
        name: 'scorer',
        input: [valueInfo('embedding', dimensions)],
        output: [valueInfo('scores', models.length)],
        initializer: this.#initializers,
        node: this.#nodes,
      },
    });
    return message.encode(model).finish();
  }
}

function elementType(values: Values): number {
  if (values instanceof Float32Array) return ELEMENT_TYPE.float32;
  return values instanceof Float64Array ? ELEMENT_TYPE.float64 : ELEMENT_TYPE.int64;
}

function encode(value: Attribute): object {
  if (typeof value === 'number') return { i: value, type: ATTRIBUTE_TYPE.int };
  if (typeof value === 'string') return { s: value, type: ATTRIBUTE_TYPE.string };
  if (value instanceof Int32Array) return { ints: [...value], type: ATTRIBUTE_TYPE.ints };
  if (value instanceof Float32Array) return { floats: [...value], type: ATTRIBUTE_TYPE.floats };
  return { strings: value, type: ATTRIBUTE_TYPE.strings };
}

function valueInfo(name: string, width: number): object {
  const shape = { dim: [{ dimParam: 'batch' }, { dimValue: width }] };
  return { name, type: { tensorType: { elemType: ELEMENT_TYPE.float32, shape } } };
}
