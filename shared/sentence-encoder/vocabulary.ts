/** The marks that begin and end a text, and the piece of a word that no pieces make up. */
const MARKS = { start: '[CLS]', end: '[SEP]', unknown: '[UNK]' } as const;
/** The sign of a piece that continues a word. */
const CONTINUED = '##';
/** The longest word, in UTF-16 units, that is cut into pieces. */
const MAX_WORD = 100;

export type Vocabulary = {
  readonly size: number;
  /** The numbers of the marks. */
  readonly marks: Readonly<Record<keyof typeof MARKS, number>>;
  /**
   * Cuts a word into the longest pieces from its start, and returns their numbers; the unknown piece
   * alone when the vocabulary lacks a part of it.
   */
  cut(word: string): readonly number[];
};

/**
 * Creates the vocabulary of a file with one piece a line; a piece's number is that of its line. Throws an
 * Error whose message is a clause with the reason when a mark is missing.
 */
export function parseVocabulary(file: string): Vocabulary {
  const pieces = file.trimEnd().split('\n');
  const numbers = new Map(pieces.map((piece, index) => [piece, index]));
  const longest = pieces.reduce((most, { length }) => Math.max(most, length), 0);
  const numberOf = (mark: string): number => {
    const number = numbers.get(mark);
    if (number === undefined) throw new Error(`it has no line ${mark}`);
    return number;
  };
  const marks = {
    start: numberOf(MARKS.start),
    end: numberOf(MARKS.end),
    unknown: numberOf(MARKS.unknown),
  };
  /** Returns the longest piece of a word from a position; undefined when there is none. */
  function findPiece(word: string, start: number) {
    const prefix = start === 0 ? '' : CONTINUED;
    for (let end = Math.min(word.length, start + longest); end > start; end -= 1) {
      const number = numbers.get(prefix + word.slice(start, end));
      if (number !== undefined) return { number, end };
    }
    return undefined;
  }

  function cut(word: string): readonly number[] {
    if (word.length > MAX_WORD) return [marks.unknown];
    const found: number[] = [];
    for (let start = 0; start < word.length; ) {
      const piece = findPiece(word, start);
      if (piece === undefined) return [marks.unknown];
      found.push(piece.number);
      start = piece.end;
    }
    return found;
  }

  return { size: pieces.length, marks, cut };
}
