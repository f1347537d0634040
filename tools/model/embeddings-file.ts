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

/** Where a line is, in bytes. */
type Place = { readonly start: number; readonly length: number };

type Contents = {
  /** Absent: the file is not there yet, or empty. */
  readonly header?: EmbeddingsHeader;
  readonly places: Map<string, Place>;
  /** Behind the last whole line, which may lack its line break. */
  readonly end: number;
  readonly needsLineBreak: boolean;
};

/** SHA-256 of a prompt, in hex: a prompt that was changed must not be given its old embedding. */
export function promptKey(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * Computed embeddings, kept as JSON lines in a file that grows, so that a run that was broken off
 * goes on where it was. Only where each of them is stays in memory. docs/data-format.md has the
 * format.
 */
export class EmbeddingsFile {
  readonly #path: string;
  readonly #embedder: string;
  readonly #places: Map<string, Place>;
  /** Which prompt was given the embedding of an id. */
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
   * Reads and checks the file once; one that does not exist is made with its first embedding.
   * Throws an InputError that names the line when something in it is wrong, or when it is of
   * another embedder.
   */
  static async open(path: string, embedder: string): Promise<EmbeddingsFile> {
    const contents = existsSync(path) ? await readContents(path) : await noContents(path);
    const { header } = contents;
    if (header !== undefined && header.embedder !== embedder) {
      throw new InputError(
        `The embeddings in ${path} are of ${header.embedder}, not of ${embedder}.`,
      );
    }
    return new EmbeddingsFile(path, embedder, contents);
  }

  /** Numbers in each embedding; undefined as long as there is none. */
  get dimensions(): number | undefined {
    return this.#dimensions;
  }

  has({ id, text }: PromptItem): boolean {
    return this.#places.has(promptKey(text)) || this.#places.has(idName(id));
  }

  /** Throws an InputError when two different prompts have the id of one embedding. */
  async find({ id, text }: PromptItem): Promise<Float32Array | undefined> {
    const key = promptKey(text);
    const place = this.#places.get(key);
    if (place !== undefined) return this.#read(place);
    const placeOfId = this.#places.get(idName(id));
    if (placeOfId === undefined) return undefined;
    const earlier = this.#promptOfId.get(id) ?? key;
    if (earlier !== key) {
      throw new InputError(
        `${this.#path}: two different prompts of the data have the id "${id}", so that the embedding of that id cannot be told to be theirs.`,
      );
    }
    this.#promptOfId.set(id, key);
    return this.#read(placeOfId);
  }

  /** Adds embeddings by the keys of their prompts, after those that are being added. */
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

  /** Waits for what is being added. */
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

  /** What has to stand before the next line. */
  #head(dimensions: number): string {
    if (this.#dimensions === undefined) {
      this.#dimensions = dimensions;
      return `${JSON.stringify({ embedder: this.#embedder, dimensions })}\n`;
    }
    const head = this.#needsLineBreak ? '\n' : '';
    this.#needsLineBreak = false;
    return head;
  }

  /** Drops the beginning of a line, which a run that was broken off has left. */
  async #openToAppend(): Promise<FileHandle> {
    const file = await open(this.#path, 'a');
    await file.truncate(this.#end);
    return file;
  }
}

/** Before anything is computed and paid for. */
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

/** The beginning of a line, left by a run that was broken off while it wrote. */
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
  if (isId && places.has(name)) throw new InputError(`${place}: the id is there twice.`);
  places.set(name, { start, length: bytes.length });
}
