import { createHmac, hash } from 'node:crypto';

/**
 * Returns 64 hex digits for a text as one embedder sees it. The text cannot be recovered from them;
 * with a secret it cannot be guessed either. Another embedder or version gives another key: a
 * natural miss.
 */
export function cacheKey(embedder: string, text: string, secret?: string): string {
  // No embedder's name contains a zero byte, so name and text cannot run into each other.
  const whole = `${embedder}\0${text}`;
  return secret === undefined
    ? hash('sha256', whole)
    : createHmac('sha256', secret).update(whole).digest('hex');
}
