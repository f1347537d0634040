import { roleOfName } from './ask-words.ts';

/** Texts that JSON carries. */
export type JsonReading = {
  /** The text under a key that names an ask; the last one, since what comes later is newer. */
  readonly ask: string | undefined;
  /** The messages of a conversation, if it holds one. */
  readonly messages: readonly { role: string; content: unknown }[] | undefined;
};

/** Longer JSON is data: its ask would be a small part of it, and parsing it takes time. */
const MAX_CHARACTERS = 64_000;
const MAX_NODES = 2_000;

/** Reads a text that is JSON as a whole; undefined for any other text. */
export function readJson(text: string): JsonReading | undefined {
  const value = parse(text);
  if (value === undefined) return undefined;
  let reading: JsonReading = { ask: undefined, messages: undefined };
  const left: unknown[] = [value];
  for (let nodes = 0; nodes < MAX_NODES && left.length > 0; nodes += 1) {
    const node = left.pop();
    if (isConversation(node)) reading = { ...reading, messages: node };
    else if (Array.isArray(node)) left.push(...node.slice(0, MAX_NODES));
    else if (typeof node === 'object' && node !== null) {
      left.push(...Object.values(node));
      reading = { ...reading, ask: askIn(node) ?? reading.ask };
    }
  }
  return reading;
}

function parse(text: string): unknown {
  if (!/^[{[]/.test(text) || text.length > MAX_CHARACTERS) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function askIn(node: object): string | undefined {
  const isAsk = ([key, value]: [string, unknown]) =>
    typeof value === 'string' && value.trim() !== '' && roleOfName(key) === 'ask';
  return Object.entries(node).findLast(isAsk)?.[1];
}

function isConversation(value: unknown): value is JsonReading['messages'] {
  return Array.isArray(value) && value.length > 0 && value.every(isMessage);
}

function isMessage(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    'role' in value &&
    'content' in value &&
    typeof value.role === 'string'
  );
}
