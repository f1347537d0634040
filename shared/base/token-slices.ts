/**
 * The longest text that the tokenizer is given in one call, in UTF-16 units: it takes quadratic time
 * on a run without a space (seconds for 65,000 Chinese characters).
 */
export const MAX_UNITS_AT_ONCE = 400;

/** Options of the tokenizer with which text that looks like a control token is ordinary text. */
export const PLAIN_TEXT = {
  allowedSpecial: new Set<string>(),
  disallowedSpecial: new Set<string>(),
};

/**
 * The number of pieces whose tokens the tokenizer keeps. Its own default, ten times as many, may take
 * a hundred megabytes if the pieces are long.
 */
export const MAX_KEPT_PIECES = 10_000;

/**
 * Copies a text into its own memory, with lone surrogates replaced. A piece of a text keeps the whole
 * text alive, and the tokenizer keeps pieces: each would keep the prompt that it came from.
 */
export function copyText(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}

/** Returns this place, or the one before it if it is inside a surrogate pair. */
export function characterEnd(text: string, place: number): number {
  return /[\uD800-\uDBFF]/.test(text[place - 1] ?? '') ? place - 1 : place;
}

/** Where a slice from `start` ends: before a space if there is one, because tokens begin with spaces. */
export function sliceEnd(text: string, start: number): number {
  const end = start + MAX_UNITS_AT_ONCE;
  if (end >= text.length) return text.length;
  const space = text.slice(start + 1, end).lastIndexOf(' ');
  return space === -1 ? characterEnd(text, end) : start + 1 + space;
}
