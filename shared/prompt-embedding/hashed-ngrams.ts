/** Numbers that word and character n-grams are hashed to. Powers of two. */
export const WORD_SLOTS = 8192;
export const CHARACTER_SLOTS = 2048;

/** Words that say little about a prompt count this much; others 1. */
const COMMON_WORD_WEIGHT = 0.3;
const BIGRAM_WEIGHT = 0.6;

const COMMON_WORDS = new Set(
  'a an and are as at be been but by did do does for from had has have he her his i if in into is it its me my of on or she so some such than that the their them then there these they this to was we were which will with would you your'.split(
    ' ',
  ),
);

/** FNV-1a, 32 bits. */
const HASH_START = 0x811c9dc5;
const HASH_PRIME = 0x01000193;

/**
 * Adds the word uni- and bigrams of `words` and the character trigrams and 4-grams within each
 * word to `target` from `offset`: first the word slots, then the character slots. Each part counts
 * with the square root and has the length 1 (or 0 without words).
 */
export function addHashedNgrams(
  words: readonly string[],
  target: Float32Array,
  offset: number,
): void {
  const wordPart = target.subarray(offset, offset + WORD_SLOTS);
  const characterPart = target.subarray(offset + WORD_SLOTS, offset + WORD_SLOTS + CHARACTER_SLOTS);
  let previous = 0;
  for (const word of words) {
    const hash = hashRange(word, 0, word.length, HASH_START);
    addSigned(wordPart, hash, COMMON_WORDS.has(word) ? COMMON_WORD_WEIGHT : 1);
    addSigned(wordPart, Math.imul(previous ^ hash, HASH_PRIME) ^ (hash >>> 13), BIGRAM_WEIGHT);
    previous = Math.imul(hash, HASH_PRIME);
    addCharacterNgrams(` ${word} `, characterPart);
  }
  scale(wordPart);
  scale(characterPart);
}

function addCharacterNgrams(word: string, target: Float32Array): void {
  for (let start = 0; start + 3 <= word.length; start += 1) {
    const trigram = hashRange(word, start, start + 3, HASH_START);
    addSigned(target, trigram, 1);
    if (start + 4 <= word.length) {
      addSigned(target, hashRange(word, start + 3, start + 4, trigram), 1);
    }
  }
}

function hashRange(text: string, start: number, end: number, seed: number): number {
  let hash = seed;
  for (let index = start; index < end; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), HASH_PRIME);
  }
  return hash;
}

/** The top bit gives the sign, so that n-grams in one slot cancel out rather than add up. */
function addSigned(target: Float32Array, hash: number, weight: number): void {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  const slot = (mixed ^ (mixed >>> 12)) & (target.length - 1);
  target[slot] = (target[slot] ?? 0) + (mixed < 0 ? -weight : weight);
}

function scale(values: Float32Array): void {
  let total = 0;
  for (let index = 0; index < values.length; index += 1) total += Math.abs(values[index] ?? 0);
  if (total === 0) return;
  // The squares of the square roots add up to the total of the counts.
  const factor = 1 / Math.sqrt(total);
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] ?? 0;
    if (value !== 0) values[index] = Math.sign(value) * Math.sqrt(Math.abs(value)) * factor;
  }
}
