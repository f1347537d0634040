import { hashWord } from '../../shared/prompt-embedding/word-hash.ts';
import {
  VECTOR_DIMENSIONS,
  WORD_VECTORS_FORMAT,
} from '../../shared/prompt-embedding/word-vectors.ts';
import type { WordVector } from './read-wink-embeddings.ts';

/** The largest value of a signed byte. */
const FULL_SCALE = 127;
/**
 * The number of words is a multiple of this, so that each part of the file begins at a multiple of
 * 4 bytes.
 */
const WORDS_MULTIPLE = 4;

/**
 * Returns the bytes of a file in `WORD_VECTORS_FORMAT` with the words that have a letter or a
 * digit. Each number becomes a byte, relative to the largest number of its word. If two words have
 * the same hash, the more frequent one stays. The last words by hash are dropped until the number
 * of words is a multiple of four.
 */
export function packWordVectors(vectors: readonly WordVector[]): Uint8Array {
  const byHash = new Map<number, WordVector>();
  for (const one of vectors) {
    const hash = hashWord(one.word) >>> 0;
    if (/[\p{L}\p{N}]/u.test(one.word) && !byHash.has(hash)) byHash.set(hash, one);
  }
  const sorted = [...byHash].sort(([a], [b]) => a - b);
  return writeFile(sorted.slice(0, sorted.length - (sorted.length % WORDS_MULTIPLE)));
}

function writeFile(words: readonly (readonly [hash: number, vector: WordVector])[]): Uint8Array {
  const { magic, version, headerBytes, bytesPerWord } = WORD_VECTORS_FORMAT;
  const { length } = words;
  const file = Buffer.alloc(headerBytes + length * bytesPerWord);
  for (const [index, number] of [magic, version, length, VECTOR_DIMENSIONS].entries()) {
    file.writeUInt32LE(number, 4 * index);
  }
  const scalesAt = headerBytes + 4 * length;
  const ranksAt = scalesAt + 4 * length;
  const vectorsAt = ranksAt + 2 * length;
  for (const [position, [hash, { rank, vector }]] of words.entries()) {
    const numbers = Float32Array.from(vector);
    const largest = numbers.reduce((most, number) => Math.max(most, Math.abs(number)), 0);
    file.writeUInt32LE(hash, headerBytes + 4 * position);
    file.writeFloatLE(largest / FULL_SCALE, scalesAt + 4 * position);
    file.writeUInt16LE(rank, ranksAt + 2 * position);
    for (const [index, number] of numbers.entries()) {
      // A word whose numbers are all 0 keeps them.
      const byte = largest === 0 ? 0 : Math.round((number / largest) * FULL_SCALE);
      file.writeInt8(byte, vectorsAt + VECTOR_DIMENSIONS * position + index);
    }
  }
  return file;
}
