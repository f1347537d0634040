import { LOCAL_EMBEDDER } from '../prompt-embedding/local-embedder.ts';

// The local embedder's twelve thousand numbers, nearly all of them 0, are made for scorers. A search finds
// neighbours as well with few numbers: the word vectors unchanged, and the counts of words and n-grams
// folded together (the hashing trick applied again: Weinberger et al., arXiv 0902.2206).

const FOLDS = 312;

const { denseDimensions, meaning } = LOCAL_EMBEDDER;
const VECTORS = denseDimensions - meaning.from;

export const FOLDED_DIMENSIONS = VECTORS + FOLDS;

/** The weight of the words' meaning relative to their spelling. */
const MEANING_WEIGHT = 1.5;

/**
 * Folds the local embedder's 12,601 numbers into 512: first the 200 of the word vectors, scaled to length
 * 1.5, then 312 of the n-grams, scaled to length 1. An empty text gets its own direction, never zeros.
 */
export function foldEmbedding(embedding: Float32Array): Float32Array {
  const folded = new Float32Array(FOLDED_DIMENSIONS);
  folded.set(embedding.subarray(meaning.from, denseDimensions));
  scale(folded.subarray(0, VECTORS), MEANING_WEIGHT);
  for (let slot = denseDimensions; slot < embedding.length; slot += 1) {
    const value = embedding[slot] ?? 0;
    if (value === 0) continue;
    const index = slot - denseDimensions;
    // Alternating signs keep n-grams that share a place from adding up.
    const sign = Math.floor(index / FOLDS) % 2 === 0 ? 1 : -1;
    const place = VECTORS + (index % FOLDS);
    folded[place] = (folded[place] ?? 0) + sign * value;
  }
  const ngrams = folded.subarray(VECTORS);
  scale(ngrams, 1);
  if (folded.every((value) => value === 0)) folded[0] = 1;
  return folded;
}

/** Scales a vector to a length, in place; a zero vector stays zero. */
function scale(vector: Float32Array, length: number): void {
  let squares = 0;
  for (const value of vector) squares += value * value;
  if (squares === 0) return;
  const factor = length / Math.sqrt(squares);
  for (const [index, value] of vector.entries()) vector[index] = value * factor;
}
