/**
 * The tokenizer takes quadratic time on a run without a space (65,000 Chinese characters: seconds),
 * so it is given this many UTF-16 units at once.
 */
export const MAX_UNITS_AT_ONCE = 400;

/** For the tokenizer: what looks like one of its control tokens is text like any other. */
export const PLAIN_TEXT = {
  allowedSpecial: new Set<string>(),
  disallowedSpecial: new Set<string>(),
};

/**
 * How many pieces the tokenizer keeps the tokens of. Its own default, ten times as many, may come to
 * a hundred megabytes when the pieces are long.
 */
export const MAX_KEPT_PIECES = 10_000;

/**
 * The same text in memory of its own, with what is no character replaced. A piece of a text keeps the
 * whole of it alive, and the tokenizer keeps pieces: each would cost the prompt that it was in.
 */
export function copyText(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}

/** This place, or the one before when it is inside a surrogate pair. */
export function characterEnd(text: string, place: number): number {
  return /[\uD800-\uDBFF]/.test(text[place - 1] ?? '') ? place - 1 : place;
}

/** Where to end a slice from `start`: before a space if there is one, as tokens begin with them. */
export function sliceEnd(text: string, start: number): number {
  const end = start + MAX_UNITS_AT_ONCE;
  if (end >= text.length) return text.length;
  const space = text.slice(start + 1, end).lastIndexOf(' ');
  return space === -1 ? characterEnd(text, end) : start + 1 + space;
}
