import { createReadStream } from 'node:fs';
import * as z from 'zod';
import { InputError } from '../command-line/input-error.ts';

/** The first line of an embeddings file; `docs/data-format.md` describes the format. */
export type EmbeddingsHeader = { readonly embedder: string; readonly dimensions: number };

/** A line of a file, with its start in bytes. */
export type FileLine = {
  readonly start: number;
  readonly bytes: Buffer;
  /** False for a last line that is not terminated. */
  readonly hasLineBreak: boolean;
};

type NamedEmbedding = {
  /** The embedding's name: the key of its prompt, or `idName` of its row. */
  readonly name: string;
  readonly isId: boolean;
  readonly embedding: Float32Array;
};

const headerSchema = z.object({ embedder: z.string().min(1), dimensions: z.int().positive() });

const embedding = z.union([z.string(), z.array(z.number())]);
const lineSchema = z.union([
  z.object({ key: z.string().regex(/^[0-9a-f]{64}$/), embedding }),
  z.object({ id: z.string().min(1), embedding }),
]);

/** Largest length of a line in bytes. A line of 3,072 written-out numbers has 70 KB. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;
const LINE_BREAK = 0x0a;

/** Parses the header. Throws an InputError when the line is not one. */
export function parseHeader(line: Buffer, path: string): EmbeddingsHeader {
  const header = headerSchema.safeParse(parseJson(line));
  if (header.success) return header.data;
  throw new InputError(
    `${path} is not an embeddings file: its first line must be {"embedder": "<id>", "dimensions": <n>}.`,
  );
}

/** Returns the name of an id, which differs from all keys. */
export function idName(id: string): string {
  return `id ${id}`;
}

/** Parses an embedding. Throws an InputError with the place when the line or a number in it is wrong. */
export function parseEmbedding(line: Buffer, dimensions: number, place: string): NamedEmbedding {
  const json = parseJson(line);
  if (json === undefined) throw new InputError(`${place}: not JSON (NaN is not JSON either).`);
  const parsed = lineSchema.safeParse(json);
  if (!parsed.success) {
    throw new InputError(
      `${place}: {"key": "<SHA-256>" or "id": "<row>", "embedding": [<numbers>] or "<base64>"} was expected.`,
    );
  }
  const { data } = parsed;
  const embedding = toNumbers(data.embedding);
  if (embedding?.length !== dimensions) {
    throw new InputError(
      `${place}: the embedding does not have the ${dimensions} numbers that the first line states.`,
    );
  }
  if (!embedding.every(Number.isFinite)) {
    throw new InputError(`${place}: the embedding has a value that is not a finite number.`);
  }
  const isId = 'id' in data;
  return { name: isId ? idName(data.id) : data.key, isId, embedding };
}

/**
 * Formats an embedding. `key` is the SHA-256 of the prompt; the numbers become base64 of
 * little-endian float32.
 */
export function formatEmbedding(key: string, embedding: Float32Array): string {
  const bytes = Buffer.from(embedding.buffer, embedding.byteOffset, embedding.byteLength);
  return `${JSON.stringify({ key, embedding: bytes.toString('base64') })}\n`;
}

/** Reads a file line by line. Throws an InputError when the file cannot be read. */
export async function* readLines(path: string): AsyncGenerator<FileLine> {
  let start = 0;
  let rest: Buffer = Buffer.alloc(0);
  const chunks: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  try {
    for await (const chunk of chunks) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      for (let end = rest.indexOf(LINE_BREAK); end !== -1; end = rest.indexOf(LINE_BREAK)) {
        yield { start, bytes: rest.subarray(0, end), hasLineBreak: true };
        start += end + 1;
        rest = rest.subarray(end + 1);
      }
      if (rest.length > MAX_LINE_BYTES) throw new InputError(`${path} is not an embeddings file.`);
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`The embeddings file ${path} cannot be read: ${String(error)}`);
  }
  if (rest.length > 0) yield { start, bytes: rest, hasLineBreak: false };
}

function toNumbers(embedding: string | readonly number[]): Float32Array | undefined {
  if (typeof embedding !== 'string') return Float32Array.from(embedding);
  // The bytes are copied, since a buffer need not begin where a number may begin.
  const { buffer } = new Uint8Array(Buffer.from(embedding, 'base64'));
  return buffer.byteLength % 4 === 0 ? new Float32Array(buffer) : undefined;
}

/** Returns `undefined` when the line is not JSON. */
export function parseJson(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString());
  } catch {
    return undefined;
  }
}
