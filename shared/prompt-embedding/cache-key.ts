import { createHmac, hash } from 'node:crypto';

/**
 * 64 hex digits for a text as one embedder sees it. The text cannot be read back; with a secret it
 * cannot be guessed either. Another embedder or version gives another key: a natural miss.
 */
export function cacheKey(embedder: string, text: string, secret?: string): string {
  // No embedder's name holds a zero byte, so that name and text cannot run into each other.
  const whole = `${embedder}\0${text}`;
  return secret === undefined
    ? hash('sha256', whole)
    : createHmac('sha256', secret).update(whole).digest('hex');
}
