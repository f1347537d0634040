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

/** In characters. Checking each value takes many times as long as parsing: longer texts are only parsed. */
const MAX_KEPT_LENGTH = 256 * 1024;

/**
 * Reads JSON that will be sent on. In a text of up to 256 Ki characters, numbers beyond 2^53, such
 * as a 64-bit seed, are kept as they were written. Throws a SyntaxError, or a RangeError for a text
 * that is nested too deeply.
 */
export function fromJson(text: string): unknown {
  if (text.length > MAX_KEPT_LENGTH || !LONG_NUMBER.test(text)) return JSON.parse(text);
  return parse(text, (_key, value, { source }) => {
    const isChanged = typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER;
    return isChanged && source !== undefined ? rawJSON(source) : value;
  });
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
