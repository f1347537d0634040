import { addToHash, HASH_START } from './word-hash.ts';

/** How many numbers word and character n-grams are hashed to. Both are powers of two. */
const WORD_SLOTS = 8192;
const CHARACTER_SLOTS = 4096;
export const NGRAM_SLOTS = WORD_SLOTS + CHARACTER_SLOTS;

/** The weight of words that say little about a prompt; other words have the weight 1. */
const COMMON_WORD_WEIGHT = 0.3;
const BIGRAM_WEIGHT = 0.6;

const COMMON_WORDS = new Set(
  'a an and are as at be been but by did do does for from had has have he her his i if in into is it its me my of on or she so some such than that the their them then there these they this to was we were which will with would you your'.split(
    ' ',
  ),
);

/** The character before and after each word. */
const SPACE = 0x20;

/**
 * Writes word uni- and bigrams, and the character trigrams and 4-grams within each word, to
 * `NGRAM_SLOTS` numbers of `target` from `offset`: first the word slots, then the character slots.
 */
export class HashedNgrams {
  readonly #words: Slots;
  readonly #characters: Slots;
  #previous = 0;

  constructor(target: Float32Array, offset: number) {
    const characters = offset + WORD_SLOTS;
    this.#words = new Slots(target.subarray(offset, characters));
    this.#characters = new Slots(target.subarray(characters, characters + CHARACTER_SLOTS));
  }

  /** Adds a word; `hash` is its `hashWord`. */
  add(word: string, hash: number): void {
    this.#words.add(hash, COMMON_WORDS.has(word) ? COMMON_WORD_WEIGHT : 1);
    this.#words.add(addToHash(this.#previous, hash) ^ (hash >>> 13), BIGRAM_WEIGHT);
    this.#previous = addToHash(hash, 0);
    addCharacterNgrams(this.#characters, word);
  }

  /**
   * Replaces each count by its square root and gives each part the length 1 (or 0 without words).
   */
  finish(): void {
    this.#words.takeSquareRoots();
    this.#characters.takeSquareRoots();
  }
}

function addCharacterNgrams(slots: Slots, word: string): void {
  const { length } = word;
  let first = SPACE;
  let second = word.charCodeAt(0);
  for (let place = 1; place <= length; place += 1) {
    const third = place < length ? word.charCodeAt(place) : SPACE;
    const trigram = addToHash(addToHash(addToHash(HASH_START, first), second), third);
    slots.add(trigram, 1);
    if (place < length) {
      const fourth = place + 1 < length ? word.charCodeAt(place + 1) : SPACE;
      slots.add(addToHash(trigram, fourth), 1);
    }
    first = second;
    second = third;
  }
}

/** Numbers to which hashes are added; nearly all of them stay 0. */
class Slots {
  readonly #values: Float32Array;
  /** The slots that may differ from 0; some are listed twice. */
  readonly #touched: number[] = [];

  constructor(values: Float32Array) {
    this.#values = values;
  }

  /**
   * Adds a weight with the sign of the top bit, so n-grams in one slot cancel out rather than add
   * up.
   */
  add(hash: number, weight: number): void {
    const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    const slot = (mixed ^ (mixed >>> 12)) & (this.#values.length - 1);
    const value = this.#values[slot] ?? 0;
    if (value === 0) this.#touched.push(slot);
    this.#values[slot] = value + (mixed < 0 ? -weight : weight);
  }

  takeSquareRoots(): void {
    const values = this.#values;
    // In the order of the slots, so that the sum does not depend on the order of the words.
    const slots = new Set(Uint32Array.from(this.#touched).sort());
    let total = 0;
    for (const slot of slots) total += Math.abs(values[slot] ?? 0);
    if (total === 0) return;
    // The squares of the square roots add up to the total of the counts.
    const factor = 1 / Math.sqrt(total);
    for (const slot of slots) {
      const value = values[slot] ?? 0;
      if (value !== 0) values[slot] = Math.sign(value) * Math.sqrt(Math.abs(value)) * factor;
    }
  }
}
