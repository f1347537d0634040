import { InvalidRequestError } from '../../shared/base/errors.ts';

export type BodyShape = {
  /** The most levels of nested lists and objects. */
  readonly maxBodyDepth: number;
  /** The most items of lists; a key of an object counts as five. */
  readonly maxBodyValues: number;
};

/**
 * The most keys of one object. No request needs as many, and with many more, parsing and checking take
 * seconds: each new key costs a multiple of one that other objects have as well.
 */
const MAX_KEYS = 2_048;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

/** The values that a character outside strings adds. A key costs as much as five items. */
const COST = byCharacter({ '[': 1, '{': 1, ',': 1, ':': 4 });

/** The levels that a character outside strings adds to the depth. */
const STEP = byCharacter({ '[': 1, '{': 1, ']': -1, '}': -1 });

/** The characters outside strings that begin a list or an object, or follow a key. */
const COUNTED = byCharacter({ '[': 1, '{': 1, ':': 1 });

/**
 * Refuses JSON that costs far more than its size suggests, before it is parsed: 32 MiB of list items
 * can take all memory, and 32 MiB of keys half a minute. Looks at each byte once. Invalid JSON may
 * pass, since the parser finds it. Throws an InvalidRequestError.
 */
export function checkShape(json: Uint8Array, { maxBodyDepth, maxBodyValues }: BodyShape): void {
  const countKeys = createKeyCounter(maxBodyDepth);
  let depth = 0;
  let values = 0;
  for (let index = 0; index < json.length; index += 1) {
    const byte = json[index] ?? 0;
    if (byte === QUOTE) index = endOfString(json, index);
    depth += STEP[byte] ?? 0;
    values += COST[byte] ?? 0;
    if (depth > maxBodyDepth) {
      throw wrongShape(
        `is nested too deeply: MAX_BODY_DEPTH allows ${maxBodyDepth} levels. Send fewer`,
      );
    }
    if (COUNTED[byte] === 1) countKeys(byte, depth);
    if (values > maxBodyValues) {
      throw wrongShape(
        `has too many values: MAX_BODY_VALUES allows ${maxBodyValues} items of lists, or a fifth of that in keys. Send fewer`,
      );
    }
  }
}

/**
 * Returns the function that is told of each counted character, and throws an InvalidRequestError for too
 * many keys.
 */
function createKeyCounter(maxDepth: number): (byte: number, depth: number) => void {
  /** The keys so far of what is open at each depth. */
  const keys = new Uint16Array(maxDepth + 1);
  return (byte, depth) => {
    const count = byte === COLON ? (keys[depth] ?? 0) + 1 : 0;
    keys[depth] = count;
    if (count <= MAX_KEYS) return;
    throw new InvalidRequestError(
      `The body has an object with more than ${MAX_KEYS} keys. Send fewer.`,
      { param: 'body' },
    );
  };
}

/** The index of the closing quote, or the length when there is none. */
function endOfString(json: Uint8Array, start: number): number {
  let index = start + 1;
  while (index < json.length && json[index] !== QUOTE) index += json[index] === BACKSLASH ? 2 : 1;
  return index;
}

function wrongShape(what: string): InvalidRequestError {
  return new InvalidRequestError(`The body ${what}, or raise it.`, { param: 'body' });
}

function byCharacter(values: Readonly<Record<string, number>>): Int8Array {
  const table = new Int8Array(256);
  for (const [character, value] of Object.entries(values)) table[character.charCodeAt(0)] = value;
  return table;
}
