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
  'Attribute.name': 1,
  'Attribute.integer': 3,
  'Attribute.floats': 7,
  'Attribute.integers': 8,
  'Attribute.texts': 9,
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
  const found: Uint8Array[] = [];
  const isWhole = readFields(message, field, {
    onBytes: (bytes) => found.push(bytes),
  });
  return isWhole ? found : [];
}

export function textsOf(message: Uint8Array, field: FieldName): string[] {
  return messagesOf(message, field).map((bytes) => Buffer.from(bytes).toString());
}

export function textOf(message: Uint8Array, field: FieldName): string | undefined {
  return textsOf(message, field)[0];
}

/** Returns the integers of a field, whether they were written one by one or packed. */
export function numbersOf(message: Uint8Array, field: FieldName): number[] {
  const found: number[] = [];
  const isWhole = readFields(message, field, {
    onInteger: (value) => found.push(value),
    onBytes: (bytes) => {
      const packed = new Reader(bytes);
      while (packed.at < bytes.length) found.push(packed.varint());
    },
  });
  return isWhole ? found : [];
}

/** Returns the float32 numbers of a field, whether they were written one by one or packed. */
export function floatsOf(message: Uint8Array, field: FieldName): Float32Array {
  const found: number[] = [];
  const isWhole = readFields(message, field, {
    onBytes: (bytes) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let at = 0; at + 4 <= bytes.length; at += 4) found.push(view.getFloat32(at, true));
    },
  });
  return Float32Array.from(isWhole ? found : []);
}

/** Protobuf's wire types (https://protobuf.dev/programming-guides/encoding). */
const WIRE_TYPE = { varint: 0, eightBytes: 1, counted: 2 } as const;

type OnValue = {
  readonly onInteger?: (value: number) => void;
  /** Takes the bytes of a message, a text or packed numbers, or the four of a float32. */
  readonly onBytes?: (bytes: Uint8Array) => void;
};

/** Gives each value of a field; returns whether the message ends where a field does. */
function readFields(
  message: Uint8Array,
  field: FieldName,
  { onInteger, onBytes }: OnValue,
): boolean {
  const reader = new Reader(message);
  while (reader.at < message.length) {
    const key = reader.varint();
    const isWanted = key >>> 3 === FIELDS[field];
    const wireType = key & 7;
    if (wireType === WIRE_TYPE.varint) {
      const value = reader.varint();
      if (isWanted) onInteger?.(value);
      continue;
    }
    const length = lengthOf(wireType, reader);
    const start = reader.at;
    reader.at += length;
    if (reader.at > message.length) return false;
    if (isWanted) onBytes?.(message.subarray(start, reader.at));
  }
  return reader.at === message.length;
}

function lengthOf(wireType: number, reader: Reader): number {
  if (wireType === WIRE_TYPE.counted) return reader.varint();
  return wireType === WIRE_TYPE.eightBytes ? 8 : 4;
}

class Reader {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Reads 7 bits from each byte, the lowest first; bytes after the end count as zeros. */
  varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#bytes[this.at] ?? 0;
      this.at += 1;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }
}
