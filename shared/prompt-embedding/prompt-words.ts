/**
 * Only this many characters (UTF-16 units) of each end are read, so that a huge prompt costs no
 * more than a long one: what a prompt asks for nearly always stands at its beginning or its end.
 */
const MAX_CHARACTERS_PER_END = 3_000;

/** A text without a space is still cut into words. */
const MAX_WORD_CHARACTERS = 40;

/**
 * A run of Chinese characters or Japanese syllables; or letters and digits of any script, with the
 * apostrophes and hyphens inside a word.
 */
const WORD = new RegExp(
  [
    `[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}]{1,${MAX_WORD_CHARACTERS}}`,
    `[\\p{L}\\p{M}\\p{N}](?:[\\p{L}\\p{M}\\p{N}]|['’-](?=\\p{L})){0,${MAX_WORD_CHARACTERS - 1}}`,
  ].join('|'),
  'gu',
);

const UNSPACED = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u;
/** All unspaced scripts lie above this unit, and so do surrogates. */
const FIRST_UNSPACED_UNIT = 0x2e80;

/** The end of an example that a prompt shows before what it asks, as benchmarks write them. */
const EXAMPLE_ANSWER = /Answer:|\nA:/g;
/** From the sign of an answer to the empty line behind it. */
const MAX_EXAMPLE_ANSWER = 60;

/** The part of a prompt that is embedded: without solved examples before it, and of bounded length. */
export function readPrompt(text: string): string {
  return cut(withoutExamples(text)).trim();
}

/**
 * What comes after the last solved example (`Answer: B`, an empty line): examples are the same in
 * all prompts of a series and say nothing of this one. They are looked for as far from the end as
 * anything is read.
 */
function withoutExamples(text: string): string {
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
 * The words of a text in lower case. Scripts without spaces give every two neighbouring characters
 * (UTF-16 units), which most of their words are made of.
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
