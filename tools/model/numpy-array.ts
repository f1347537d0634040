import { type FileHandle, open } from 'node:fs/promises';
import { InputError } from '../command-line/input-error.ts';

/** A matrix of a NumPy file, read row by row. */
export type NumpyArray = {
  readonly rows: number;
  readonly columns: number;
  /** Reads one row. Throws an InputError when a value in it is not a finite number. */
  readRow(row: number): Promise<Float32Array>;
  close(): Promise<void>;
};

/** The magic bytes; two bytes of version and a length of 2 bytes (version 1) or 4 bytes follow. */
const MAGIC = Buffer.from('\x93NUMPY', 'latin1');
const MAX_HEADER_BYTES = 65_536;

/**
 * Opens a `.npy` file of a little-endian float32 or float64 matrix in C order, as `numpy.save`
 * writes it. Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 * Throws an InputError for anything else.
 */
export async function openNumpyArray(path: string): Promise<NumpyArray> {
  const file = await open(path).catch((error: unknown) => {
    throw new InputError(`The embeddings file ${path} cannot be read: ${String(error)}`);
  });
  try {
    const { start, width, rows, columns } = await readLayout(file, path);
    return {
      rows,
      columns,
      async readRow(row) {
        const bytes = await readBytes(file, start + row * columns * width, columns * width);
        const values = new Float32Array(
          width === 4 ? new Float32Array(bytes.buffer) : new Float64Array(bytes.buffer),
        );
        if (values.every(Number.isFinite)) return values;
        throw new InputError(`${path}: row ${row} has a value that is not a finite number.`);
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

type Layout = {
  /** Position of the first number in bytes. */
  readonly start: number;
  /** Bytes per number. */
  readonly width: 4 | 8;
  readonly rows: number;
  readonly columns: number;
};

async function readLayout(file: FileHandle, path: string): Promise<Layout> {
  const bytes = Buffer.from(await readBytes(file, 0, MAX_HEADER_BYTES));
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC))
    throw new InputError(`${path}: no .npy file.`);
  const isFirstVersion = bytes[6] === 1;
  const headerStart = isFirstVersion ? 10 : 12;
  const start = headerStart + (isFirstVersion ? bytes.readUInt16LE(8) : bytes.readUInt32LE(8));
  // The header is a dictionary in Python's notation.
  const header = bytes.toString('latin1', headerStart, start);
  const type = /'descr': *'<f([48])'/.exec(header)?.[1];
  const shape = /'shape': *\((\d+), *(\d+),? *\)/.exec(header);
  if (type === undefined || shape === null || !/'fortran_order': *False/.test(header)) {
    throw new InputError(
      `${path}: a float32 matrix with one row per prompt was expected: save it with numpy.save(path, numpy.ascontiguousarray(embeddings, dtype="<f4")).`,
    );
  }
  const layout = {
    start,
    width: type === '4' ? 4 : 8,
    rows: Number(shape[1]),
    columns: Number(shape[2]),
  } as const;
  const { size } = await file.stat();
  if (size < start + layout.rows * layout.columns * layout.width) {
    throw new InputError(`${path}: the file is cut off: its header states ${layout.rows} rows.`);
  }
  return layout;
}

/** Reads bytes into newly allocated memory, so that numbers are aligned. */
async function readBytes(
  file: FileHandle,
  position: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  await file.read(bytes, 0, length, position);
  return bytes;
}
