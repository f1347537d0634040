/**
 * The start of FNV-1a with 32 bits, here over UTF-16 units
 * (http://www.isthe.com/chongo/tech/comp/fnv).
 */
export const HASH_START = 0x811c9dc5;
const HASH_PRIME = 0x01000193;

/** Extends a hash by one number. The result is a signed 32-bit integer, like all hashes here. */
export function addToHash(hash: number, value: number): number {
  return Math.imul(hash ^ value, HASH_PRIME);
}

export function hashWord(word: string): number {
  let hash = HASH_START;
  for (let index = 0; index < word.length; index += 1) {
    hash = addToHash(hash, word.charCodeAt(index));
  }
  return hash;
}
