import * as z from 'zod';
import { InputError } from '../command-line/input-error.ts';

/** A matrix of a weights file, row by row. */
export type Matrix = {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array;
};

/** Limit of the format itself for its JSON header, in bytes. */
const MAX_HEADER_BYTES = 100_000_000;
const LENGTH_BYTES = 8;

const wholeNumber = z.int().min(0);
const tensorSchema = z.strictObject({
  dtype: z.literal('F32'),
  shape: z.tuple([wholeNumber, wholeNumber]),
  data_offsets: z.tuple([wholeNumber, wholeNumber]),
});
type TensorHeader = Readonly<z.infer<typeof tensorSchema>>;

/**
 * Reads the float32 matrices of a file in the safetensors format: eight bytes with the length of a
 * JSON header (little endian), the header, the data. Throws an InputError for anything else,
 * including holes and overlaps in the data, as the format demands.
 */
export function parseSafetensors(bytes: Uint8Array): Map<string, Matrix> {
  const headerEnd = LENGTH_BYTES + readHeaderLength(bytes);
  const header = parseHeader(bytes.subarray(LENGTH_BYTES, headerEnd));
  const data = bytes.subarray(headerEnd);
  checkLayout(header, data.length);
  return new Map([...header].map(([name, tensor]) => [name, readMatrix(name, tensor, data)]));
}

function readHeaderLength(bytes: Uint8Array): number {
  if (bytes.length < LENGTH_BYTES) {
    throw new InputError(`The weights file is too short (${bytes.length} bytes) to have a header.`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  const available = bytes.length - LENGTH_BYTES;
  if (length > BigInt(Math.min(available, MAX_HEADER_BYTES))) {
    throw new InputError(
      `The weights file says that its header has ${length} bytes, but only ${available} follow: it is truncated or not a safetensors file.`,
    );
  }
  return Number(length);
}

function parseHeader(bytes: Uint8Array): Map<string, TensorHeader> {
  let text: string;
  let json: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    json = JSON.parse(text);
  } catch (error) {
    throw new InputError('The header of the weights file is not JSON.', { cause: error });
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new InputError('The header of the weights file is not a JSON object.');
  }
  checkDuplicates(text);
  const tensors = new Map<string, TensorHeader>();
  for (const [name, value] of Object.entries(json)) {
    if (name === '__metadata__') continue;
    tensors.set(name, parseTensorHeader(name, value));
  }
  return tensors;
}

function parseTensorHeader(name: string, value: unknown): TensorHeader {
  const parsed = tensorSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new InputError(
    `Tensor ${JSON.stringify(name)} of the weights file must be a float32 (F32) matrix with valid offsets: ${issue?.path.join('.')}: ${issue?.message}.`,
  );
}

/**
 * Throws for duplicate keys. JSON.parse silently keeps the last of two equal keys; here duplicates
 * are an attempt to mislead.
 */
function checkDuplicates(text: string): void {
  const scopes: Set<string>[] = [];
  for (const [token, key] of text.matchAll(/("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[{}]/g)) {
    if (token === '{') scopes.push(new Set());
    else if (token === '}') scopes.pop();
    else if (key !== undefined) {
      const name = String(JSON.parse(key));
      if (scopes.at(-1)?.has(name)) {
        throw new InputError(
          `The header of the weights file has ${JSON.stringify(name)} twice (duplicate).`,
        );
      }
      scopes.at(-1)?.add(name);
    }
  }
}

function checkLayout(header: ReadonlyMap<string, TensorHeader>, dataBytes: number): void {
  for (const [name, tensor] of header) checkTensor(name, tensor, dataBytes);
  const inOrder = [...header].sort(([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0]);
  let position = 0;
  for (const [name, { data_offsets: offsets }] of inOrder) {
    if (offsets[0] !== position) {
      throw new InputError(
        `Tensor ${JSON.stringify(name)} begins at byte ${offsets[0]} instead of ${position}: the data of the weights file overlaps or has a hole.`,
      );
    }
    position = offsets[1];
  }
  if (position !== dataBytes) {
    throw new InputError(
      `The weights file has ${dataBytes - position} bytes of data after its last tensor.`,
    );
  }
}

function checkTensor(name: string, tensor: TensorHeader, dataBytes: number): void {
  const { shape, data_offsets: offsets } = tensor;
  const size = shape[0] * shape[1] * Float32Array.BYTES_PER_ELEMENT;
  if (offsets[1] > dataBytes) {
    throw new InputError(
      `Tensor ${JSON.stringify(name)} ends at byte ${offsets[1]}, but the file has ${dataBytes} bytes of data: it is truncated or damaged.`,
    );
  }
  if (offsets[1] - offsets[0] !== size) {
    throw new InputError(
      `Tensor ${JSON.stringify(name)} of shape [${shape.join(', ')}] needs ${size} bytes, but its offsets give ${offsets[1] - offsets[0]}.`,
    );
  }
}

function readMatrix(name: string, tensor: TensorHeader, data: Uint8Array): Matrix {
  const [begin, end] = tensor.data_offsets;
  // The data is copied, since it may begin at an address that float32 cannot be read from.
  const values = new Float32Array(new Uint8Array(data.subarray(begin, end)).buffer);
  if (!values.every(Number.isFinite)) {
    throw new InputError(
      `Tensor ${JSON.stringify(name)} has a weight that is not a finite number.`,
    );
  }
  return { rows: tensor.shape[0], columns: tensor.shape[1], values };
}
