/**
 * Estimates tokens without a tokenizer: the larger of the number of words and a quarter of the
 * characters.
 */
export function estimateTokens(text: string): number {
  const words = text.match(/\S+/g)?.length ?? 0;
  return Math.max(words, Math.ceil(text.length / 4));
}
