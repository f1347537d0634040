import protobuf from 'protobufjs';

/** ONNX's numbers for element types (TensorProto.DataType). */
export const ELEMENT_TYPE = { float32: 1, uint8: 2, int8: 3, int64: 7, float64: 11 } as const;

/** ONNX's numbers for the types of attributes (AttributeProto.AttributeType). */
export const ATTRIBUTE_TYPE = {
  float: 1,
  int: 2,
  string: 3,
  floats: 6,
  ints: 7,
  strings: 8,
} as const;

type FieldList = Readonly<
  Record<string, readonly [number: number, type: string, rule?: 'repeated']>
>;

/** The part of ONNX's messages that scorers and the encoder need: field names, numbers and types. */
const MESSAGES: Readonly<Record<string, FieldList>> = {
  Model: {
    irVersion: [1, 'int64'],
    producerName: [2, 'string'],
    graph: [7, 'Graph'],
    opsetImport: [8, 'OperatorSet', 'repeated'],
    metadataProps: [14, 'Metadata', 'repeated'],
  },
  OperatorSet: { domain: [1, 'string'], version: [2, 'int64'] },
  Metadata: { key: [1, 'string'], value: [2, 'string'] },
  Graph: {
    node: [1, 'Node', 'repeated'],
    name: [2, 'string'],
    initializer: [5, 'Tensor', 'repeated'],
    input: [11, 'ValueInfo', 'repeated'],
    output: [12, 'ValueInfo', 'repeated'],
  },
  Node: {
    input: [1, 'string', 'repeated'],
    output: [2, 'string', 'repeated'],
    name: [3, 'string'],
    opType: [4, 'string'],
    attribute: [5, 'Attribute', 'repeated'],
    domain: [7, 'string'],
  },
  Attribute: {
    name: [1, 'string'],
    f: [2, 'float'],
    i: [3, 'int64'],
    s: [4, 'string'],
    floats: [7, 'float', 'repeated'],
    ints: [8, 'int64', 'repeated'],
    strings: [9, 'string', 'repeated'],
    type: [20, 'int32'],
  },
  Tensor: {
    dims: [1, 'int64', 'repeated'],
    dataType: [2, 'int32'],
    name: [8, 'string'],
    rawData: [9, 'bytes'],
  },
  ValueInfo: { name: [1, 'string'], type: [2, 'Type'] },
  Type: { tensorType: [1, 'TensorType'] },
  TensorType: { elemType: [1, 'int32'], shape: [2, 'Shape'] },
  Shape: { dim: [1, 'Dimension', 'repeated'] },
  Dimension: { dimValue: [1, 'int64'], dimParam: [2, 'string'] },
};

/** Creates ONNX's outermost message; a file contains one. */
export function createModelMessage(): protobuf.Type {
  const root = new protobuf.Root();
  for (const [name, fields] of Object.entries(MESSAGES)) {
    const message = new protobuf.Type(name);
    for (const [field, [number, type, rule]] of Object.entries(fields)) {
      message.add(new protobuf.Field(field, number, type, rule));
    }
    root.add(message);
  }
  return root.lookupType('Model');
}
