import { createHash, createHmac } from 'node:crypto';

/**
 * 64 hex digits for a text as one embedder sees it. The text cannot be read back; with a secret it
 * cannot be guessed either. Another embedder or version gives another key: a natural miss.
 */
export function cacheKey(embedder: string, text: string, secret?: string): string {
  const hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret);
  // No embedder's name holds a zero byte, so that name and text cannot run into each other.
  return hash.update(embedder).update('\0').update(text).digest('hex');
}
