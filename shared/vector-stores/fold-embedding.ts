import { LOCAL_EMBEDDER } from '../prompt-embedding/local-embedding.ts';

// The local embedder's numbers are made for scorers: twelve thousand, nearly all of them 0. What is near
// to what is found as well by few numbers: the word vectors as they are, and the counts of words and of
// groups of letters folded together (the hashing trick once more: Weinberger et al., arXiv 0902.2206).

const FOLDS = 312;

const { denseDimensions, meaning } = LOCAL_EMBEDDER;
const VECTORS = denseDimensions - meaning.from;

export const FOLDED_DIMENSIONS = VECTORS + FOLDS;

/** What the words mean counts so much more than which they are. */
const MEANING_WEIGHT = 1.5;

/**
 * 512 numbers of the local embedder's 12,601: first the 200 of the word vectors, of length 1.5, then the
 * n-grams in 312, of length 1. Never a zero vector: an empty text has a direction of its own.
 */
export function foldEmbedding(embedding: Float32Array): Float32Array {
  const folded = new Float32Array(FOLDED_DIMENSIONS);
  folded.set(embedding.subarray(meaning.from, denseDimensions));
  scale(folded.subarray(0, VECTORS), MEANING_WEIGHT);
  for (let slot = denseDimensions; slot < embedding.length; slot += 1) {
    const value = embedding[slot] ?? 0;
    if (value === 0) continue;
    const index = slot - denseDimensions;
    // Half of them count against the others, so that those that fall together do not add up.
    const sign = Math.floor(index / FOLDS) % 2 === 0 ? 1 : -1;
    const place = VECTORS + (index % FOLDS);
    folded[place] = (folded[place] ?? 0) + sign * value;
  }
  const ngrams = folded.subarray(VECTORS);
  scale(ngrams, 1);
  if (folded.every((value) => value === 0)) folded[0] = 1;
  return folded;
}

/** To a length; a zero vector stays what it is. */
function scale(vector: Float32Array, length: number): void {
  let squares = 0;
  for (const value of vector) squares += value * value;
  if (squares === 0) return;
  const factor = length / Math.sqrt(squares);
  for (const [index, value] of vector.entries()) vector[index] = value * factor;
}
