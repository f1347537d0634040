/**
 * Tokenizing costs most on long runs without a space, so the text is first cut to this many UTF-16
 * units a token. English has about four.
 */
const MAX_UNITS_PER_TOKEN = 8;

/**
 * The beginning of a text, at most `maxTokens` tokens of cl100k_base (the encoding of the
 * text-embedding-3 models and ada-002). On purpose: an embedder refuses a longer text, and what a
 * prompt asks for is nearly always clear from its first thousands of words.
 */
export async function cutToTokens(text: string, maxTokens: number): Promise<string> {
  // A token is at least one byte of UTF-8, and a UTF-16 unit at most three.
  if (text.length * 3 <= maxTokens) return text;
  if (text.length <= maxTokens && Buffer.byteLength(text) <= maxTokens) return text;
  const { encode, decode } = await import('gpt-tokenizer/encoding/cl100k_base');
  const head = text.slice(0, maxTokens * MAX_UNITS_PER_TOKEN);
  const tokens = encode(head, { allowedSpecial: new Set(), disallowedSpecial: new Set() });
  if (tokens.length <= maxTokens) return head;
  // The last token may be half a character; its replacement sign says nothing.
  return decode(tokens.slice(0, maxTokens)).replace(/\uFFFD+$/, '');
}
