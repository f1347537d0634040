/**
 * The characters (UTF-16 units) that are read at each end, so that a huge prompt costs no more than
 * a long one: a prompt's question nearly always stands at its beginning or its end.
 */
const MAX_CHARACTERS_PER_END = 3_000;

/** The longest word: a text without a space is still cut into words. */
const MAX_WORD_CHARACTERS = 40;

/**
 * A word: a run of Chinese characters or Japanese syllables, or letters and digits of any script
 * with the apostrophes and hyphens between them.
 */
const WORD = new RegExp(
  [
    `[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}]{1,${MAX_WORD_CHARACTERS}}`,
    `[\\p{L}\\p{M}\\p{N}](?:[\\p{L}\\p{M}\\p{N}]|['’-](?=\\p{L})){0,${MAX_WORD_CHARACTERS - 1}}`,
  ].join('|'),
  'gu',
);

const UNSPACED = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u;
/** The UTF-16 unit above which all unspaced scripts lie, and surrogates as well. */
const FIRST_UNSPACED_UNIT = 0x2e80;

/**
 * The start of an example's answer, as benchmarks write the examples before a prompt's question.
 */
const EXAMPLE_ANSWER = /Answer:|\nA:/g;
/** The most characters from the start of an answer to the empty line after it. */
const MAX_EXAMPLE_ANSWER = 60;

/**
 * Returns the part of a prompt that is embedded: without leading solved examples, and of bounded
 * length.
 */
export function readPrompt(text: string): string {
  return cut(withoutExamples(text)).trim();
}

/**
 * Returns the text after the last solved example (`Answer: B`, an empty line): examples are the
 * same in all prompts of a series and say nothing about this one. The search goes back from the end
 * only as far as the text can be read.
 */
export function withoutExamples(text: string): string {
  const tail = text.slice(-2 * MAX_CHARACTERS_PER_END);
  const end = tail.trimEnd().length;
  let start = 0;
  for (const { 0: sign, index } of tail.matchAll(EXAMPLE_ANSWER)) {
    const answerStart = index + sign.length;
    const emptyLine = tail.slice(index, index + MAX_EXAMPLE_ANSWER + 2).indexOf('\n\n');
    const answerEnd = index + emptyLine;
    if (emptyLine === -1 || answerEnd >= end) continue;
    if (tail.slice(answerStart, answerEnd).trim() !== '') start = answerEnd;
  }
  return start === 0 ? text : tail.slice(start).trim();
}

function cut(text: string): string {
  if (text.length <= 2 * MAX_CHARACTERS_PER_END) return text;
  return `${text.slice(0, MAX_CHARACTERS_PER_END)}\n${text.slice(-MAX_CHARACTERS_PER_END)}`;
}

/**
 * Splits a text into words in lower case. Scripts without spaces give every pair of neighbouring
 * characters (UTF-16 units), since most of their words have two.
 */
export function splitWords(text: string): readonly string[] {
  const found = text.toLowerCase().match(WORD) ?? [];
  if (!found.some(isUnspaced)) return found;
  return found.flatMap((word) => (isUnspaced(word) ? neighbours(word) : [word]));
}

function isUnspaced(word: string): boolean {
  return word.charCodeAt(0) > FIRST_UNSPACED_UNIT && UNSPACED.test(word);
}

function neighbours(run: string): string[] {
  if (run.length === 1) return [run];
  return Array.from({ length: run.length - 1 }, (_, index) => run.slice(index, index + 2));
}
