import { InvalidRequestError } from './errors.ts';

/** The part of JSON that TypeScript's es2024 library does not know; Node has it from 22 on. */
const { parse, rawJSON } = JSON as unknown as {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
};

/** Without one of these in it, no number of a text is changed by being read. */
const LONG_NUMBER = /\d{16}|\d[eE]\+?\d{3}/;

/**
 * Reads JSON that is to be sent on. Whole numbers that a double cannot hold, such as a 64-bit
 * seed, are kept as they were written. Throws a SyntaxError.
 */
export function fromJson(text: string): unknown {
  if (!LONG_NUMBER.test(text)) return JSON.parse(text);
  return parse(text, (_key, value, { source }) => {
    const isChanged = typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER;
    return isChanged && source !== undefined ? rawJSON(source) : value;
  });
}

/** Writes JSON to be sent. Throws an InvalidRequestError for what is nested too deeply to write. */
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
