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
