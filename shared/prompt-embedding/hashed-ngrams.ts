import { addToHash, HASH_START } from './word-hash.ts';

/** Numbers that word and character n-grams are hashed to. Powers of two. */
const WORD_SLOTS = 8192;
const CHARACTER_SLOTS = 4096;
export const NGRAM_SLOTS = WORD_SLOTS + CHARACTER_SLOTS;

/** Words that say little about a prompt count this much; others 1. */
const COMMON_WORD_WEIGHT = 0.3;
const BIGRAM_WEIGHT = 0.6;

const COMMON_WORDS = new Set(
  'a an and are as at be been but by did do does for from had has have he her his i if in into is it its me my of on or she so some such than that the their them then there these they this to was we were which will with would you your'.split(
    ' ',
  ),
);

/** Stands before and behind each word. */
const SPACE = 0x20;

/**
 * Word uni- and bigrams and the character trigrams and 4-grams within each word, in `NGRAM_SLOTS`
 * numbers of `target` from `offset`: first the word slots, then the character slots.
 */
export class HashedNgrams {
  readonly #words: Float32Array;
  readonly #characters: Float32Array;
  #previous = 0;

  constructor(target: Float32Array, offset: number) {
    const characters = offset + WORD_SLOTS;
    this.#words = target.subarray(offset, characters);
    this.#characters = target.subarray(characters, characters + CHARACTER_SLOTS);
  }

  /** `hash` is the word's `hashWord`. */
  add(word: string, hash: number): void {
    addSigned(this.#words, hash, COMMON_WORDS.has(word) ? COMMON_WORD_WEIGHT : 1);
    addSigned(this.#words, addToHash(this.#previous, hash) ^ (hash >>> 13), BIGRAM_WEIGHT);
    this.#previous = addToHash(hash, 0);
    addCharacterNgrams(this.#characters, word);
  }

  /** Each part then counts with the square root and has the length 1 (or 0 without words). */
  finish(): void {
    takeSquareRoots(this.#words);
    takeSquareRoots(this.#characters);
  }
}

function addCharacterNgrams(target: Float32Array, word: string): void {
  const { length } = word;
  let first = SPACE;
  let second = word.charCodeAt(0);
  for (let place = 1; place <= length; place += 1) {
    const third = place < length ? word.charCodeAt(place) : SPACE;
    const trigram = addToHash(addToHash(addToHash(HASH_START, first), second), third);
    addSigned(target, trigram, 1);
    if (place < length) {
      const fourth = place + 1 < length ? word.charCodeAt(place + 1) : SPACE;
      addSigned(target, addToHash(trigram, fourth), 1);
    }
    first = second;
    second = third;
  }
}

/** The top bit gives the sign, so that n-grams in one slot cancel out rather than add up. */
function addSigned(target: Float32Array, hash: number, weight: number): void {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  const slot = (mixed ^ (mixed >>> 12)) & (target.length - 1);
  target[slot] = (target[slot] ?? 0) + (mixed < 0 ? -weight : weight);
}

function takeSquareRoots(values: Float32Array): void {
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
