import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { access, constants, type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { InputError } from '../command-line/input-error.ts';
import {
  type EmbeddingsHeader,
  type FileLine,
  formatEmbedding,
  idName,
  parseEmbedding,
  parseHeader,
  parseJson,
  readLines,
} from './embedding-lines.ts';

/** A prompt and the id of its row. */
export type PromptItem = { readonly id: string; readonly text: string };

/** A line's position and length in bytes. */
type Place = { readonly start: number; readonly length: number };

type Contents = {
  /** The header; absent if the file does not exist yet, or is empty. */
  readonly header?: EmbeddingsHeader;
  readonly places: Map<string, Place>;
  /** Position after the last whole line, which may lack its line break. */
  readonly end: number;
  readonly needsLineBreak: boolean;
};

/** Returns the SHA-256 of a prompt in hex, so that a changed prompt does not get its old embedding. */
export function promptKey(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * Computed embeddings, kept as JSON lines in a growing file, so that an interrupted run continues
 * where it stopped. Only the position of each embedding stays in memory. docs/data-format.md
 * describes the format.
 */
export class EmbeddingsFile {
  readonly #path: string;
  readonly #embedder: string;
  readonly #places: Map<string, Place>;
  /** The prompt that was given the embedding of an id. */
  readonly #promptOfId = new Map<string, string>();
  #dimensions: number | undefined;
  #end: number;
  #needsLineBreak: boolean;
  #reading: Promise<FileHandle> | undefined;
  #writing: Promise<FileHandle> | undefined;
  #appended: Promise<void> = Promise.resolve();

  private constructor(path: string, embedder: string, contents: Contents) {
    this.#path = path;
    this.#embedder = embedder;
    this.#places = contents.places;
    this.#dimensions = contents.header?.dimensions;
    this.#end = contents.end;
    this.#needsLineBreak = contents.needsLineBreak;
  }

  /**
   * Reads and checks the file once. A file that does not exist is created with its first embedding.
   * Throws an InputError that names the line when something in it is wrong, or when the file
   * belongs to another embedder.
   */
  static async open(path: string, embedder: string): Promise<EmbeddingsFile> {
    const contents = existsSync(path) ? await readContents(path) : await noContents(path);
    const { header } = contents;
    if (header !== undefined && header.embedder !== embedder) {
      throw new InputError(
        `The embeddings in ${path} are from ${header.embedder}, not from ${embedder}.`,
      );
    }
    return new EmbeddingsFile(path, embedder, contents);
  }

  /** Numbers in each embedding; undefined while the file is empty. */
  get dimensions(): number | undefined {
    return this.#dimensions;
  }

  has({ id, text }: PromptItem): boolean {
    return this.#places.has(promptKey(text)) || this.#places.has(idName(id));
  }

  /** Finds an embedding. Throws an InputError when two different prompts have the id of one embedding. */
  async find({ id, text }: PromptItem): Promise<Float32Array | undefined> {
    const key = promptKey(text);
    const place = this.#places.get(key);
    if (place !== undefined) return this.#read(place);
    const placeOfId = this.#places.get(idName(id));
    if (placeOfId === undefined) return undefined;
    const earlier = this.#promptOfId.get(id) ?? key;
    if (earlier !== key) {
      throw new InputError(
        `${this.#path}: two different prompts of the data have the id "${id}", so the embedding of that id is ambiguous.`,
      );
    }
    this.#promptOfId.set(id, key);
    return this.#read(placeOfId);
  }

  /** Appends embeddings by the keys of their prompts, after earlier calls have finished. */
  append(keys: readonly string[], embeddings: readonly Float32Array[]): Promise<void> {
    this.#appended = this.#appended
      .then(() => this.#append(keys, embeddings))
      .catch((error: unknown) => {
        if (error instanceof InputError) throw error;
        throw new InputError(
          `The embeddings file ${this.#path} cannot be written: ${String(error)}`,
        );
      });
    return this.#appended;
  }

  /** Waits for embeddings that are still being written. */
  async close(): Promise<void> {
    await this.#appended.catch(() => undefined);
    for (const opened of [this.#reading, this.#writing]) {
      await opened?.then(
        (file) => file.close(),
        () => undefined,
      );
    }
  }

  async #read({ start, length }: Place): Promise<Float32Array> {
    this.#reading ??= open(this.#path);
    const file = await this.#reading;
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, start);
    return parseEmbedding(buffer, this.#dimensions ?? 0, this.#path).embedding;
  }

  async #append(keys: readonly string[], embeddings: readonly Float32Array[]): Promise<void> {
    this.#writing ??= this.#openToAppend();
    const file = await this.#writing;
    const lines = embeddings.map((embedding, index) =>
      formatEmbedding(keys[index] ?? '', embedding),
    );
    const head = this.#head(embeddings[0]?.length ?? 0);
    await file.appendFile(head + lines.join(''));
    let start = this.#end + Buffer.byteLength(head);
    for (const [index, { length }] of lines.entries()) {
      this.#places.set(keys[index] ?? '', { start, length });
      start += length;
    }
    this.#end = start;
  }

  /** Returns the bytes that must precede the next line. */
  #head(dimensions: number): string {
    if (this.#dimensions === undefined) {
      this.#dimensions = dimensions;
      return `${JSON.stringify({ embedder: this.#embedder, dimensions })}\n`;
    }
    const head = this.#needsLineBreak ? '\n' : '';
    this.#needsLineBreak = false;
    return head;
  }

  /** Opens the file after dropping an incomplete last line that an interrupted run has left. */
  async #openToAppend(): Promise<FileHandle> {
    const file = await open(this.#path, 'a');
    await file.truncate(this.#end);
    return file;
  }
}

/** Checks that the file can be written before any embedding is computed and paid for. */
async function noContents(path: string): Promise<Contents> {
  await access(dirname(path), constants.W_OK).catch((error: unknown) => {
    throw new InputError(`The embeddings file ${path} cannot be written: ${String(error)}`);
  });
  return { places: new Map(), end: 0, needsLineBreak: false };
}

async function readContents(path: string): Promise<Contents> {
  const places = new Map<string, Place>();
  let header: EmbeddingsHeader | undefined;
  let last: FileLine | undefined;
  let number = 0;
  for await (const line of readLines(path)) {
    number += 1;
    if (header === undefined) header = parseHeader(line.bytes, path);
    else if (isBrokenOff(line)) break;
    else addPlace(places, line, { dimensions: header.dimensions, place: `${path}:${number}` });
    last = line;
  }
  return {
    ...(header && { header }),
    places,
    end: last === undefined ? 0 : last.start + last.bytes.length + Number(last.hasLineBreak),
    needsLineBreak: last?.hasLineBreak === false,
  };
}

/** Detects an incomplete line, left by a run that was interrupted while it wrote. */
function isBrokenOff({ bytes, hasLineBreak }: FileLine): boolean {
  return !hasLineBreak && parseJson(bytes) === undefined;
}

function addPlace(
  places: Map<string, Place>,
  { start, bytes }: FileLine,
  { dimensions, place }: { readonly dimensions: number; readonly place: string },
): void {
  if (bytes.toString().trim() === '') return;
  const { name, isId } = parseEmbedding(bytes, dimensions, place);
  if (isId && places.has(name)) throw new InputError(`${place}: the id occurs twice.`);
  places.set(name, { start, length: bytes.length });
}
