import { randomUUID } from 'node:crypto';
import { InvalidRequestError } from './errors.ts';

/** The part of JSON that TypeScript's es2024 library does not declare; Node has it since 22. */
const { isRawJSON, parse, rawJSON } = JSON as unknown as {
  isRawJSON(value: unknown): boolean;
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
};

/** A text without a match has no whole number that parsing would change. */
const LONG_NUMBER = /\d{16}|\d[eE]\+?\d{3}/;

/**
 * In characters. Checking each value takes many times as long as parsing: in longer texts, numbers are
 * searched for.
 */
const MAX_CHECKED_LENGTH = 256 * 1024;

/**
 * Reads JSON that will be sent on. Numbers beyond 2^53, such as a 64-bit seed, are kept as they were
 * written. Throws a SyntaxError, or a RangeError for a text that is nested too deeply.
 */
export function fromJson(text: string): unknown {
  if (!LONG_NUMBER.test(text)) return JSON.parse(text);
  if (text.length > MAX_CHECKED_LENGTH) return fromLongJson(text);
  return parse(text, (_key, value, { source }) => {
    const isChanged = typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER;
    return isChanged && source !== undefined ? rawJSON(source) : value;
  });
}

const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/**
 * Puts a text in place of each number that parsing would change, and the number in place of the text
 * afterwards.
 */
function fromLongJson(text: string): unknown {
  const mark = `${randomUUID()} `;
  const parts: string[] = [];
  let end = 0;
  for (const { at, number } of changedNumbers(text)) {
    parts.push(text.slice(end, at), JSON.stringify(mark + number));
    end = at + number.length;
  }
  if (parts.length === 0) return JSON.parse(text);
  return restore(JSON.parse(parts.join('') + text.slice(end)), mark);
}

/** Finds the numbers beyond 2^53 outside strings. Looks at each character a constant number of times. */
function* changedNumbers(text: string): Generator<{ at: number; number: string }> {
  const long = new RegExp(LONG_NUMBER, 'g');
  /** All before this place is done with; the place is outside strings. */
  let at = 0;
  let quote = text.indexOf('"');
  for (let found = long.exec(text); found !== null; found = long.exec(text)) {
    while (quote !== -1 && quote < found.index) {
      at = endOfString(text, quote);
      quote = text.indexOf('"', at);
    }
    if (at > found.index) {
      long.lastIndex = at;
      continue;
    }
    const { start, number } = numberAround(text, at, found.index);
    at = Math.max(start + number.length, long.lastIndex);
    long.lastIndex = at;
    if (Math.abs(Number(number)) > Number.MAX_SAFE_INTEGER) yield { at: start, number };
  }
}

/** The number that has a digit at `index` and begins at `from` or later. */
function numberAround(text: string, from: number, index: number) {
  let start = index;
  while (start > from && /[\d.eE+-]/.test(text[start - 1] ?? '')) start -= 1;
  NUMBER.lastIndex = start;
  const [number = ''] = NUMBER.exec(text) ?? [];
  return { start, number };
}

/** The place after a string; the text's end for one without an end, which is the parser's to refuse. */
function endOfString(text: string, start: number): number {
  let close = text.indexOf('"', start + 1);
  while (close !== -1 && isEscaped(text, close)) close = text.indexOf('"', close + 1);
  return close === -1 ? text.length : close + 1;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === '\\') backslashes += 1;
  return backslashes % 2 === 1;
}

function restore(value: unknown, mark: string): unknown {
  if (typeof value === 'string') {
    return value.startsWith(mark) ? rawJSON(value.slice(mark.length)) : value;
  }
  if (Array.isArray(value)) return value.map((one) => restore(one, mark));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, restore(one, mark)]));
}

/** Returns true for a number that was kept as it was written, which otherwise looks like an object. */
export function isRawNumber(value: unknown): boolean {
  return isRawJSON(value);
}

/** Writes JSON to send. Throws an InvalidRequestError for a body that is nested too deeply. */
export function toJson(body: unknown): string {
  try {
    return JSON.stringify(body);
  } catch (cause) {
    throw new InvalidRequestError('The body is nested too deeply: send fewer levels.', {
      param: 'body',
      cause,
    });
  }
}
