import { ENCODING_DIMENSIONS } from '../sentence-encoder/read-pieces.ts';
import { LOCAL_EMBEDDER } from './local-embedder.ts';

/** A text's sentence: 1 and its encoding, or only zeros if the encoder does not understand it. */
export const SENTENCE_DIMENSIONS = 1 + ENCODING_DIMENSIONS;

const SENTENCE_AT = LOCAL_EMBEDDER.denseDimensions;

/**
 * The embedder whose embeddings have, in this order:
 *
 *   313    the dense numbers of the local embedder
 *   1      whether the sentence encoder understands the prompt
 *   384    the encoding of the prompt, or zeros
 *   12288  the other numbers of the local embedder
 */
export const ENCODER_EMBEDDER = {
  /**
   * Identifies the numbers, those of the local embedder included: a change of any number needs a new
   * id.
   */
  id: 'encoder/1',
  dimensions: LOCAL_EMBEDDER.dimensions + SENTENCE_DIMENSIONS,
  denseDimensions: SENTENCE_AT + SENTENCE_DIMENSIONS,
  meaning: LOCAL_EMBEDDER.meaning,
} as const;

/** Inserts a prompt's sentence into its local embedding. */
export function insertSentence(local: Float32Array, sentence: Float32Array): Float32Array {
  const embedding = new Float32Array(ENCODER_EMBEDDER.dimensions);
  embedding.set(local.subarray(0, SENTENCE_AT));
  embedding.set(sentence, SENTENCE_AT);
  embedding.set(local.subarray(SENTENCE_AT), SENTENCE_AT + SENTENCE_DIMENSIONS);
  return embedding;
}

/** Returns the local embedding in which a sentence was inserted. */
export function withoutSentence(embedding: Float32Array): Float32Array {
  const local = new Float32Array(LOCAL_EMBEDDER.dimensions);
  local.set(embedding.subarray(0, SENTENCE_AT));
  local.set(embedding.subarray(SENTENCE_AT + SENTENCE_DIMENSIONS), SENTENCE_AT);
  return local;
}
