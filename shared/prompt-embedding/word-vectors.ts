import { join } from 'node:path';
import { ConfigError } from '../base/errors.ts';
import { readModelFile } from '../base/read-model-file.ts';

/** The length of each word's vector. */
export const VECTOR_DIMENSIONS = 100;

/** The file of the vectors, relative to the folder of the registry. */
export const WORD_VECTORS_FILE = 'local/word-vectors.bin';

/**
 * The format of the file: little-endian, with words in ascending order of their unsigned hashes.
 *
 *   header   uint32 [4]                   magic, version, number of words, dimensions
 *   hashes   uint32 [words]               `hashWord` of the word in lower case
 *   scales   float32 [words]              the factor of the numbers in the word's vector
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
  /** Returns the position of a word by its hash; -1 when the file does not have it. */
  find(hash: number): number;
  /** The factor of the numbers in the vector at each position. */
  readonly scales: Float32Array;
  /** The words' ranks by frequency; 0 is the most frequent word. */
  readonly ranks: Uint16Array;
  /** The vectors, [words, VECTOR_DIMENSIONS]. */
  readonly vectors: Int8Array;
};

/**
 * Reads the vectors in the folder of the registry; with a SHA-256, only the file that has it. Throws a
 * ConfigError that says how to restore them.
 */
export async function loadWordVectors(modelsFolder: string, sha256?: string): Promise<WordVectors> {
  const path = join(modelsFolder, WORD_VECTORS_FILE);
  const what = 'The file of the word vectors';
  const bytes = await readModelFile({ path, what, sha256, remedy: REMEDY });
  try {
    return parseWordVectors(bytes);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError([`${path} does not hold word vectors: ${reason}. ${REMEDY}`]);
  }
}

const REMEDY =
  'It comes with the project (models/local/word-vectors.bin); npm run embedder:build -- words builds it again.';

/**
 * Parses the bytes of the file. Throws an Error whose message is a clause with the reason when they
 * do not fit.
 */
export function parseWordVectors(file: Uint8Array): WordVectors {
  const { magic, version, headerBytes, bytesPerWord } = WORD_VECTORS_FORMAT;
  if (file.length < headerBytes) throw new Error('it is too short');
  // A view of four-byte numbers must begin at a multiple of four.
  const aligned = file.byteOffset % 4 === 0 ? file : new Uint8Array(file);
  const { buffer, byteOffset } = aligned;
  const header = new Uint32Array(buffer, byteOffset, 4);
  const [foundMagic, foundVersion, words = 0, dimensions] = header;
  if (foundMagic !== magic) throw new Error('it does not begin with their signature');
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
 * Creates a search by interpolation. Hashes are spread evenly, so a hash's value tells about where
 * it stands: two guesses come within a dozen places of it, and no index has to be built at the
 * start.
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
