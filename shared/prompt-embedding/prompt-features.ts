import { type CharacterCounts, countCharacters, SCRIPT_NAMES } from './character-counts.ts';
import type { MeanWordVectors } from './mean-word-vectors.ts';
import type { WordCounts } from './word-counts.ts';
import { LIST_NAMES } from './word-lists.ts';

/** The parts of a prompt from which its features are computed. */
type PromptReading = {
  /** The counts of all words of `text`. */
  readonly words: WordCounts;
  readonly meaning: MeanWordVectors;
  /** The text as it is embedded, without space at its ends. */
  readonly text: string;
};

type Reading = PromptReading & {
  readonly characters: CharacterCounts;
  readonly longestLine: number;
  readonly sentences: number;
};

/** A number of the embedding, which is clamped to [-1, 1]. */
type Feature = readonly [name: string, value: (reading: Reading) => number];

/** Lengths (in characters) at the peaks of overlapping triangles on the logarithm of the length. */
const LENGTH_KNOTS = [10, 30, 80, 200, 500, 1200, 3000];

/**
 * Signs of a prompt's form. Each must take linear time at most, since anybody can send a prompt.
 */
const PATTERNS: Readonly<Record<string, RegExp>> = {
  codeFence: /```/,
  listItem: /\n[ \t]{0,8}(?:[-*•]|\d{1,3}[.)])\s/,
  letteredOption: /(?:^|[\n\s(])[A-Da-d][.)]\s/,
  blank: /_{2,}|\[blank\]/,
  latex: /\\[a-z]+|\$[^$\n]+\$/,
  codeOrFormula: /[=<>]=|=>|->|\w\([^()\n]{0,80}\)/,
  address: /https?:\/\//,
  quotation: /"[^"\n]{3,}"|“/,
  questionAtEnd: /[?？؟]$/,
  stopAtEnd: /[.:!。]$/,
  exclamation: /!/,
  thoroughness: /\b(?:step by step|in detail|show your work|be specific)\b/i,
  dollars: /\$\s?\d/,
  percentage: /\d\s?%/,
  fraction: /\d\/\d/,
  decimal: /\d\.\d/,
  colonAtLineEnd: /:\n/,
  paragraphs: /\n\s*\n/,
  smallFirstLetter: /^[a-z]/,
  howMany: /\bhow (?:many|much)\b/i,
  role: /^(?:you are|act as|as an?)\b/i,
};

/**
 * Added to the number of words, so that one word of a two-word prompt does not count as half of it.
 */
const MORE_WORDS = 5;

/** All features, in the order of the embedding. */
const FEATURES: readonly Feature[] = [
  ...LENGTH_KNOTS.map(
    (knot, index): Feature => [`length ~${knot}`, ({ text }) => lengthFeature(text.length, index)],
  ),
  ...LIST_NAMES.map(
    (list, index): Feature => [
      `words of ${list}`,
      ({ words }) => (5 * (words.inList[index] ?? 0)) / (words.words + MORE_WORDS),
    ],
  ),
  ...LIST_NAMES.map(
    (list, index): Feature => [
      `words of ${list} at the ends`,
      ({ words }) => (5 * (words.inListAtEnds[index] ?? 0)) / (words.wordsAtEnds + MORE_WORDS),
    ],
  ),
  ...LIST_NAMES.map(
    (list, index): Feature => [
      `first word of ${list}`,
      ({ words }) => Number(words.firstLists.includes(index)),
    ],
  ),
  ...Object.entries(PATTERNS).map(
    ([name, pattern]): Feature => [`has ${name}`, ({ text }) => Number(pattern.test(text))],
  ),
  ['digits', ({ text, characters }) => share(5 * characters.digits, text)],
  ['capitals', ({ text, characters }) => share(5 * characters.capitals, text)],
  ['spaces', ({ text, characters }) => share(3 * characters.spaces, text)],
  ['line ends', ({ text, characters }) => share(10 * characters.lineEnds, text)],
  ['brackets', ({ text, characters }) => share(10 * characters.brackets, text)],
  ['mathematical signs', ({ text, characters }) => share(10 * characters.signs, text)],
  ['beyond ASCII', ({ text, characters }) => share(characters.beyondAscii, text)],
  ...SCRIPT_NAMES.map(
    (script): Feature => [script, ({ text, characters }) => share(2 * characters[script], text)],
  ),
  ['mean word length', ({ words }) => words.letters / atLeastOne(words.words) / 10],
  ['long words', ({ words }) => (3 * words.long) / (atLeastOne(words.words) + MORE_WORDS)],
  ['very long words', ({ words }) => (8 * words.veryLong) / (atLeastOne(words.words) + MORE_WORDS)],
  ['numbers', ({ words }) => (5 * words.numbers) / (atLeastOne(words.words) + MORE_WORDS)],
  // The number of distinct words grows about with the square root of a text's length.
  ['variety', ({ words }) => words.distinct / (4 * Math.sqrt(atLeastOne(words.words))) - 0.5],
  ['many words', ({ words }) => saturate(words.words, 1000)],
  ['many lines', ({ characters }) => saturate(characters.lineEnds, 100)],
  ['words a sentence', ({ words, sentences }) => words.words / sentences / 40],
  ['many sentences', ({ sentences }) => saturate(sentences, 50)],
  ['many numbers', ({ words }) => saturate(words.numbers, 50)],
  ['many different numbers', ({ words }) => saturate(words.distinctNumbers, 30)],
  ['many questions', ({ text }) => saturate(count(text, /[?？]/g), 10)],
  ['many names', ({ text }) => saturate(count(text, /[a-z,;] [A-Z][a-z]/g), 20)],
  ['many commas', ({ text }) => saturate(count(text, /[,;]/g), 50)],
  ['many options', ({ text }) => saturate(count(text, OPTION), 10)],
  ['long lines', ({ longestLine }) => saturate(longestLine, 2000)],
  ['mean rarity', ({ meaning }) => meaning.logRankSum / atLeastOne(meaning.known) / 10],
  ['uncommon words', ({ words, meaning }) => (meaning.uncommon / atLeastOne(words.words)) * 3],
  ['rare words', ({ words, meaning }) => (meaning.rare / atLeastOne(words.words)) * 5],
  ['unknown words', ({ words, meaning }) => unknownShare(words.words - words.numbers, meaning)],
  ['rarest word', ({ meaning }) => meaning.highestLogRank / 11],
];

const OPTION = /(?:^|\n)\s{0,3}\(?[A-Ea-e1-5][.)]\s/g;
const SENTENCE_END = /[.!?。！？](?:\s|$)/g;

/** The names of the dense features, in their order. */
export const FEATURE_NAMES: readonly string[] = FEATURES.map(([name]) => name);

/** Writes the dense features of a prompt to `target` from `offset`, each within [-1, 1]. */
export function writePromptFeatures(
  prompt: PromptReading,
  target: Float32Array,
  offset: number,
): void {
  const { text } = prompt;
  const reading = {
    ...prompt,
    characters: countCharacters(text),
    longestLine: longestLine(text),
    sentences: atLeastOne(count(text, SENTENCE_END)),
  };
  for (const [index, [, value]] of FEATURES.entries()) {
    target[offset + index] = Math.max(-1, Math.min(1, value(reading)));
  }
}

/** Returns 1 at the knot, 0 at its neighbours, and 1 beyond the first and the last knot. */
function lengthFeature(length: number, index: number): number {
  const position = Math.log(atLeastOne(length));
  const knot = logKnot(index);
  const neighbour = logKnot(position < knot ? index - 1 : index + 1);
  if (Number.isNaN(neighbour)) return 1;
  return Math.max(0, 1 - Math.abs(position - knot) / Math.abs(neighbour - knot));
}

function logKnot(index: number): number {
  return Math.log(LENGTH_KNOTS[index] ?? Number.NaN);
}

function share(weighted: number, text: string): number {
  return weighted / atLeastOne(text.length);
}

/** Returns 0 for none and 1 for `full`, and grows more slowly with each one more. */
function saturate(number: number, full: number): number {
  return Math.log1p(number) / Math.log1p(full);
}

function unknownShare(words: number, { known }: MeanWordVectors): number {
  return words === 0 ? 0 : 1 - known / words;
}

function atLeastOne(number: number): number {
  return Math.max(number, 1);
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}

function longestLine(text: string): number {
  let longest = 0;
  for (let start = 0; start <= text.length; ) {
    const end = text.indexOf('\n', start);
    const next = end === -1 ? text.length : end;
    longest = Math.max(longest, next - start);
    start = next + 1;
  }
  return longest;
}
