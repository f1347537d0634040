// This is enough to make the vectors of two different words nearly orthogonal.
const POSITIONS_PER_WORD = 32;
// Long words tend to be rarer and say more; the cap keeps one odd word from drowning the rest.
const MAX_WORD_WEIGHT = 8;

/**
 * Returns a unit vector made of the text's words. Equal texts get equal vectors; texts with common
 * words are near.
 */
export function embeddingVector(text: string, dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions);
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [text];
  for (const word of words) addWord(vector, word);
  return vector;
}

/** Returns the vector's first elements as a unit vector, which is how the service shortens embeddings. */
export function shortenedUnitVector(vector: Float32Array, dimensions: number): Float32Array {
  const shortened = vector.slice(0, dimensions);
  const norm = Math.hypot(...shortened);
  // A short vector can miss every position of a short text; a zero vector has no direction.
  if (norm === 0) shortened[0] = 1;
  return norm === 0 ? shortened : shortened.map((element) => element / norm);
}

function addWord(vector: Float32Array, word: string): void {
  const weight = Math.min(word.length, MAX_WORD_WEIGHT);
  let state = hash(word);
  for (let count = 0; count < POSITIONS_PER_WORD; count += 1) {
    state = nextRandom(state);
    const position = state % vector.length;
    // The low bits decide the position; the top bit is hardly related to it.
    vector[position] = (vector[position] ?? 0) + (state >= 0x80000000 ? weight : -weight);
  }
}

/** FNV-1a hash of 32 bits. */
function hash(word: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < word.length; index += 1) {
    value = Math.imul(value ^ word.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}

/** Marsaglia's xorshift of 32 bits. A state of zero would stay zero. */
function nextRandom(state: number): number {
  let value = state === 0 ? 1 : state;
  value ^= value << 13;
  value ^= value >>> 17;
  value ^= value << 5;
  return value >>> 0;
}
