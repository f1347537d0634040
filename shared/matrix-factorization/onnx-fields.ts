// Parsed by hand, because it happens at each start, and protobufjs takes 30 to 50 ms to load.

/** The numbers of the fields that are read from ONNX's messages (onnx.proto). */
const FIELDS = {
  'Model.graph': 7,
  'Graph.node': 1,
  'Graph.initializer': 5,
  'Node.input': 1,
  'Node.output': 2,
  'Node.operator': 4,
  'Node.attribute': 5,
  'Tensor.dims': 1,
  'Tensor.dataType': 2,
  'Tensor.name': 8,
  'Tensor.rawData': 9,
} as const;
type FieldName = keyof typeof FIELDS;

/**
 * Returns the bytes of each occurrence of a field; none if the message is malformed or cut short.
 */
export function messagesOf(message: Uint8Array, field: FieldName): Uint8Array[] {
  return valuesOf(message, field).filter((value) => typeof value !== 'number');
}

export function textsOf(message: Uint8Array, field: FieldName): string[] {
  return messagesOf(message, field).map((bytes) => Buffer.from(bytes).toString());
}

export function textOf(message: Uint8Array, field: FieldName): string | undefined {
  return textsOf(message, field)[0];
}

/** Returns the numbers of a field, whether they were written one by one or packed. */
export function numbersOf(message: Uint8Array, field: FieldName): number[] {
  return valuesOf(message, field).flatMap((value) =>
    typeof value === 'number' ? value : varintsOf(value),
  );
}

function varintsOf(bytes: Uint8Array): number[] {
  const found: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { value, next } = readVarint(bytes, at);
    found.push(value);
    at = next;
  }
  return found;
}

/** Protobuf's wire types (https://protobuf.dev/programming-guides/encoding). */
const WIRE_TYPE = { varint: 0, eightBytes: 1, counted: 2 } as const;

function valuesOf(message: Uint8Array, field: FieldName): (number | Uint8Array)[] {
  const values: (number | Uint8Array)[] = [];
  for (let at = 0; at < message.length; ) {
    const { value: key, next } = readVarint(message, at);
    const { value, end } = readValue(message, next, key & 7);
    if (end > message.length) return [];
    if (key >>> 3 === FIELDS[field] && value !== undefined) values.push(value);
    at = end;
  }
  return values;
}

function readValue(
  message: Uint8Array,
  start: number,
  wireType: number,
): { readonly value?: number | Uint8Array; readonly end: number } {
  switch (wireType) {
    case WIRE_TYPE.varint: {
      const { value, next } = readVarint(message, start);
      return { value, end: next };
    }
    case WIRE_TYPE.counted: {
      const { value: length, next } = readVarint(message, start);
      return { value: message.subarray(next, next + length), end: next + length };
    }
    case WIRE_TYPE.eightBytes:
      return { end: start + 8 };
    default:
      return { end: start + 4 };
  }
}

/** Reads 7 bits from each byte, the lowest first; bytes after the end count as zeros. */
function readVarint(
  bytes: Uint8Array,
  start: number,
): { readonly value: number; readonly next: number } {
  let value = 0;
  for (let at = start, factor = 1; ; at += 1, factor *= 128) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return { value, next: at + 1 };
  }
}
