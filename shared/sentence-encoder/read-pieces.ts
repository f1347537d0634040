import { splitText } from './split-text.ts';
import type { Vocabulary } from './vocabulary.ts';

/** The length of an encoding. */
export const ENCODING_DIMENSIONS = 384;

/** The most pieces of a text, its two marks included. */
export const MAX_PIECES = 128;
const MAX_PIECES_PER_END = (MAX_PIECES - 2) / 2;

/**
 * The least share of words that the vocabulary has as a whole. It is 0.9 for half of the English prompts
 * and more than this for 97% of them; for prompts in 18 other languages it is less in 97%.
 */
const MIN_WHOLE_WORDS = 0.6;
const LETTER = /\p{L}/u;

export type Pieces = {
  /** The numbers of the pieces, with the marks of the start and the end. */
  readonly pieces: readonly number[];
  /** Whether the text is English, or so much like it that the encoder can tell what it means. */
  readonly isUnderstood: boolean;
};

/** Cuts a text into pieces; of a long one, those of both ends, where the question stands. */
export function readPieces(text: string, vocabulary: Vocabulary): Pieces {
  const words = splitText(text);
  const read = new Words(vocabulary);
  const start: number[] = [];
  let next = 0;
  for (; next < words.length && start.length < MAX_PIECES_PER_END; next += 1) {
    start.push(...read.cut(words[next] ?? ''));
  }
  const end: (readonly number[])[] = [];
  let left = 2 * MAX_PIECES_PER_END - start.length;
  for (let last = words.length - 1; last >= next && left > 0; last -= 1) {
    const pieces = read.cut(words[last] ?? '');
    end.unshift(pieces);
    left -= pieces.length;
  }
  const both = [...start, ...end.flat().slice(left < 0 ? -left : 0)].slice(0, MAX_PIECES - 2);
  return {
    pieces: [vocabulary.marks.start, ...both, vocabulary.marks.end],
    isUnderstood: read.words > 0 && read.whole >= MIN_WHOLE_WORDS * read.words,
  };
}

/** Cuts words, and counts those with a letter and those of them that stay whole. */
class Words {
  readonly #vocabulary: Vocabulary;
  words = 0;
  whole = 0;

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
  }

  cut(word: string): readonly number[] {
    const pieces = this.#vocabulary.cut(word);
    if (LETTER.test(word)) {
      this.words += 1;
      if (pieces.length === 1 && pieces[0] !== this.#vocabulary.marks.unknown) this.whole += 1;
    }
    return pieces;
  }
}
