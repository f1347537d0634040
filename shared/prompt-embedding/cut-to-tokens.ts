import {
  characterEnd,
  copyText,
  MAX_KEPT_PIECES,
  MAX_UNITS_AT_ONCE,
  PLAIN_TEXT,
} from '../base/token-slices.ts';

/**
 * Returns the beginning of a text, at most `maxTokens` tokens of cl100k_base (the encoding of the
 * text-embedding-3 models and ada-002). The rest is dropped on purpose: an embedder refuses a
 * longer text, and a prompt's first thousands of words nearly always make clear what it asks for.
 */
export async function cutToTokens(text: string, maxTokens: number): Promise<string> {
  // A token has at least one byte of UTF-8, and a UTF-16 unit at most three.
  if (text.length * 3 <= maxTokens) return text;
  if (text.length <= maxTokens && Buffer.byteLength(text) <= maxTokens) return text;
  const { encode, setMergeCacheSize } = await import('gpt-tokenizer/encoding/cl100k_base');
  setMergeCacheSize(MAX_KEPT_PIECES);
  const count = (part: string): number => encode(copyText(part), PLAIN_TEXT).length;
  const whole = text.toWellFormed();
  let end = 0;
  for (let left = maxTokens; end < whole.length && left > 0; ) {
    const next = characterEnd(whole, end + MAX_UNITS_AT_ONCE);
    const tokens = count(whole.slice(end, next));
    if (tokens > left) {
      const fits = (part: string) => count(part) <= left;
      return whole.slice(0, fittingEnd(whole, { from: end, to: next }, fits));
    }
    end = next;
    left -= tokens;
  }
  return whole.slice(0, end);
}

/**
 * Returns the end of the longest part from `from` that fits and ends before `to`, found by halving.
 */
function fittingEnd(
  text: string,
  { from, to }: { readonly from: number; readonly to: number },
  fits: (part: string) => boolean,
): number {
  let [fitting, tooFar] = [from, to];
  while (tooFar - fitting > 1) {
    const middle = Math.ceil((fitting + tooFar) / 2);
    if (fits(text.slice(from, characterEnd(text, middle)))) fitting = middle;
    else tooFar = middle;
  }
  return characterEnd(text, fitting);
}
