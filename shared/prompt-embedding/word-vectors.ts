import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '../base/errors.ts';

/** Numbers a word. */
export const VECTOR_DIMENSIONS = 100;

/** Where the vectors are in the folder of the registry. */
export const WORD_VECTORS_FILE = 'local/word-vectors.bin';

/**
 * The file, all of it little-endian, the words in ascending order of their hashes (as unsigned):
 *
 *   header   uint32 [4]                   magic, version, number of words, dimensions
 *   hashes   uint32 [words]               `hashWord` of the word in lower case
 *   scales   float32 [words]              what 1 stands for in the vector of the word
 *   ranks    uint16 [words]               0 for the most frequent word
 *   vectors  int8 [words, dimensions]
 */
export const WORD_VECTORS_FORMAT = {
  /** `SRWV`. */
  magic: 0x56575253,
  version: 1,
  headerBytes: 16,
  bytesPerWord: 4 + 4 + 2 + VECTOR_DIMENSIONS,
} as const;

export type WordVectors = {
  /** The position of a word by its hash; -1 when it is not among them. */
  find(hash: number): number;
  /** What 1 stands for in the vector at a position. */
  readonly scales: Float32Array;
  /** 0 for the most frequent word. */
  readonly ranks: Uint16Array;
  /** [words, VECTOR_DIMENSIONS] */
  readonly vectors: Int8Array;
};

/** Reads the vectors in the folder of the registry. Throws a ConfigError that says how to get them. */
export async function loadWordVectors(modelsFolder: string): Promise<WordVectors> {
  const path = join(modelsFolder, WORD_VECTORS_FILE);
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new ConfigError([`The word vectors ${path} cannot be read: ${String(error)}. ${REMEDY}`]);
  });
  try {
    return parseWordVectors(bytes);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError([`${path} does not hold word vectors: ${reason}. ${REMEDY}`]);
  }
}

const REMEDY =
  'It comes with the project (models/local/word-vectors.bin); npm run embedder:build makes it again.';

/** Throws an Error with the reason, a clause, when these are not the bytes of such a file. */
export function parseWordVectors(file: Uint8Array): WordVectors {
  const { magic, version, headerBytes, bytesPerWord } = WORD_VECTORS_FORMAT;
  if (file.length < headerBytes) throw new Error('it is too short');
  // A view of four-byte numbers must begin at a multiple of four.
  const aligned = file.byteOffset % 4 === 0 ? file : new Uint8Array(file);
  const { buffer, byteOffset } = aligned;
  const header = new Uint32Array(buffer, byteOffset, 4);
  const [foundMagic, foundVersion, words = 0, dimensions] = header;
  if (foundMagic !== magic) throw new Error('it does not begin like one');
  if (foundVersion !== version || dimensions !== VECTOR_DIMENSIONS) {
    throw new Error(
      `it has version ${foundVersion} and ${dimensions} dimensions, not ${version} and ${VECTOR_DIMENSIONS}`,
    );
  }
  const expected = headerBytes + words * bytesPerWord;
  if (file.length !== expected) {
    throw new Error(`it has ${file.length} bytes and should have ${expected}`);
  }
  const hashes = new Uint32Array(buffer, byteOffset + headerBytes, words);
  const scales = new Float32Array(buffer, hashes.byteOffset + hashes.byteLength, words);
  const ranks = new Uint16Array(buffer, scales.byteOffset + scales.byteLength, words);
  const vectors = new Int8Array(buffer, ranks.byteOffset + ranks.byteLength);
  return { find: createFind(hashes), scales, ranks, vectors };
}

/**
 * Hashes are spread evenly, so that their number says about where one is: two guesses come within a
 * dozen places of it, and nothing has to be built at the start.
 */
function createFind(hashes: Uint32Array): WordVectors['find'] {
  const { length } = hashes;
  const wordsPerHash = length / 2 ** 32;
  return (hash) => {
    const wanted = hash >>> 0;
    const guess = Math.floor(wanted * wordsPerHash);
    const offBy = wanted - (hashes[guess] ?? 0);
    let position = Math.min(length, Math.max(0, guess + Math.floor(offBy * wordsPerHash)));
    while (position < length && (hashes[position] ?? 0) < wanted) position += 1;
    while (position > 0 && (hashes[position - 1] ?? 0) >= wanted) position -= 1;
    return hashes[position] === wanted ? position : -1;
  };
}
