import { floatsOf, messagesOf, numbersOf, textOf, textsOf } from './onnx-fields.ts';

/** A node of an ONNX graph that has one output. */
export type OnnxNode = {
  readonly operator: string;
  readonly inputs: readonly string[];
  /** The attributes by name, as messages. */
  readonly attributes: ReadonlyMap<string, Uint8Array>;
};

/** A graph's nodes by their outputs, and its constants by their names. */
export type OnnxParts = {
  readonly nodes: ReadonlyMap<string, OnnxNode>;
  readonly constants: ReadonlyMap<string, Uint8Array>;
};

/** Reads the parts of an ONNX file; empty ones when the file is malformed. */
export function readOnnxParts(onnx: Uint8Array): OnnxParts {
  const [graph = new Uint8Array()] = messagesOf(onnx, 'Model.graph');
  return {
    nodes: new Map(messagesOf(graph, 'Graph.node').map(toNode)),
    constants: new Map(
      messagesOf(graph, 'Graph.initializer').map((tensor) => [
        textOf(tensor, 'Tensor.name') ?? '',
        tensor,
      ]),
    ),
  };
}

function toNode(node: Uint8Array): [string, OnnxNode] {
  const attributes = messagesOf(node, 'Node.attribute').map((attribute): [string, Uint8Array] => [
    textOf(attribute, 'Attribute.name') ?? '',
    attribute,
  ]);
  return [
    textOf(node, 'Node.output') ?? '',
    {
      operator: textOf(node, 'Node.operator') ?? '',
      inputs: textsOf(node, 'Node.input'),
      attributes: new Map(attributes),
    },
  ];
}

/** ONNX's numbers of element types (TensorProto.DataType). */
const FLOAT32 = 1;
const INT64 = 7;
const FLOAT64 = 11;

/** Returns the numbers of a constant, row by row; undefined when it is of another type or shape. */
export function constantNumbers(
  { constants }: OnnxParts,
  name: string,
  shape: readonly number[],
): Float32Array | Float64Array | undefined {
  const tensor = constants.get(name);
  if (tensor === undefined || numbersOf(tensor, 'Tensor.dims').join() !== shape.join()) {
    return undefined;
  }
  const size = shape.reduce((product, length) => product * length, 1);
  const short = rawData(tensor, FLOAT32);
  if (short?.byteLength === 4 * size) return new Float32Array(short.buffer);
  const long = rawData(tensor, FLOAT64);
  return long?.byteLength === 8 * size ? new Float64Array(long.buffer) : undefined;
}

/** Returns the values of a float32 constant; undefined when it is of another type or shape. */
export function constantFloats(
  parts: OnnxParts,
  name: string,
  shape: readonly number[],
): Float32Array | undefined {
  const numbers = constantNumbers(parts, name, shape);
  return numbers instanceof Float32Array ? numbers : undefined;
}

/** Returns the number of values of a float32 constant; 0 for anything else. */
export function constantLength({ constants }: OnnxParts, name: string): number {
  return (rawData(constants.get(name), FLOAT32)?.byteLength ?? 0) / 4;
}

/** Returns the only value of an int64 constant; undefined for anything else. */
export function constantInteger({ constants }: OnnxParts, name: string): number | undefined {
  const data = rawData(constants.get(name), INT64);
  return data?.byteLength === 8 ? Number(new BigInt64Array(data.buffer)[0]) : undefined;
}

/** Returns a copy of a constant's bytes, because they may be unaligned in the file. */
function rawData(
  tensor: Uint8Array | undefined,
  type: number,
): Uint8Array<ArrayBuffer> | undefined {
  if (tensor === undefined || numbersOf(tensor, 'Tensor.dataType')[0] !== type) return undefined;
  return new Uint8Array(messagesOf(tensor, 'Tensor.rawData')[0] ?? []);
}

export function integerAttribute({ attributes }: OnnxNode, name: string): number | undefined {
  const attribute = attributes.get(name);
  return attribute && numbersOf(attribute, 'Attribute.integer')[0];
}

export function integersAttribute({ attributes }: OnnxNode, name: string): Int32Array {
  const attribute = attributes.get(name);
  return Int32Array.from(attribute ? numbersOf(attribute, 'Attribute.integers') : []);
}

export function floatsAttribute({ attributes }: OnnxNode, name: string): Float32Array {
  const attribute = attributes.get(name);
  return attribute ? floatsOf(attribute, 'Attribute.floats') : new Float32Array();
}

export function textsAttribute({ attributes }: OnnxNode, name: string): readonly string[] {
  const attribute = attributes.get(name);
  return attribute ? textsOf(attribute, 'Attribute.texts') : [];
}
