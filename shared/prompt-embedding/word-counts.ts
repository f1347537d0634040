import { findLists, findListsByStem, LIST_NAMES } from './word-lists.ts';

/** Counts the words of a prompt, which are added one by one. */
export class WordCounts {
  words = 0;
  wordsAtEnds = 0;
  letters = 0;
  /** Words of 8 letters or more (`long`), and of 12 or more (`veryLong`). */
  long = 0;
  veryLong = 0;
  numbers = 0;
  /** Words in each list, by the list's position: all words, and those at the ends. */
  readonly inList = new Float64Array(LIST_NAMES.length);
  readonly inListAtEnds = new Float64Array(LIST_NAMES.length);
  /** The positions of the lists that contain the first word. */
  firstLists: readonly number[] = [];
  readonly #distinct = new Set<string>();
  readonly #distinctNumbers = new Set<string>();

  get distinct(): number {
    return this.#distinct.size;
  }

  get distinctNumbers(): number {
    return this.#distinctNumbers.size;
  }

  add(word: string, isAtEnd: boolean): void {
    if (this.words === 0) this.firstLists = findLists(word);
    this.words += 1;
    if (isAtEnd) this.wordsAtEnds += 1;
    this.letters += word.length;
    if (word.length >= 8) this.long += 1;
    if (word.length >= 12) this.veryLong += 1;
    this.#distinct.add(word);
    if (isNumber(word)) {
      this.numbers += 1;
      this.#distinctNumbers.add(word);
    }
    for (const list of findListsByStem(word)) {
      increment(this.inList, list);
      if (isAtEnd) increment(this.inListAtEnds, list);
    }
  }
}

/** Whether a word begins with a digit: `12`, `3rd`, `1990s`. */
export function isNumber(word: string): boolean {
  const unit = word.charCodeAt(0);
  return unit >= 0x30 && unit <= 0x39;
}

function increment(counts: Float64Array, index: number): void {
  counts[index] = (counts[index] ?? 0) + 1;
}
