/** Characters that are dropped: control characters other than white space, and the like. */
const DROPPED = /[^\P{C}\t\n\r]|\uFFFD/gu;
/** The accents of letters, once these are decomposed. */
const ACCENTS = /\p{Mn}/gu;
/** Chinese characters, each of which is a word. */
const CHINESE =
  '\\u{3400}-\\u{4DBF}\\u{4E00}-\\u{9FFF}\\u{F900}-\\u{FAFF}\\u{20000}-\\u{2CEAF}\\u{2F800}-\\u{2FA1F}';
/** The ASCII characters that are neither letters, digits nor spaces, and all other punctuation. */
const PUNCTUATION = '!-\\/:-@\\[-`{-~\\p{P}';
const WORD = new RegExp(`[${CHINESE}${PUNCTUATION}]|[^\\s${CHINESE}${PUNCTUATION}]+`, 'gu');

/**
 * Splits a text into the words of the uncased BERT models: in lower case and without accents, and
 * each punctuation mark by itself.
 */
export function splitText(text: string): readonly string[] {
  const plain = text.replace(DROPPED, '').toLowerCase().normalize('NFD').replace(ACCENTS, '');
  return plain.match(WORD) ?? [];
}
