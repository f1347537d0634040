import { errorKind, type Log } from '../log.ts';
import type { GetPromptEmbedding } from './prompt-embedding.ts';

/** What became of the lookups, and what went wrong in the tables. */
export type CacheCounts = { hits: number; misses: number; failures: number };

/** A table that is down would otherwise write a line for each request. */
const LOG_EVERY_MS = 10_000;

/** Counts the lookups of `getPromptEmbedding` into `counts`. */
export function countLookups(
  getPromptEmbedding: GetPromptEmbedding,
  counts: CacheCounts,
): GetPromptEmbedding {
  return async (text) => {
    const embedded = await getPromptEmbedding(text);
    if (embedded.cache === 'hit') counts.hits += 1;
    else counts.misses += 1;
    return embedded;
  };
}

/** Counts each failure, and logs the first and then one every ten seconds, with the count. */
export function createFailureCounter(log: Log, counts: CacheCounts, now = Date.now) {
  let nextLogAt = 0;
  return (operation: string, error: unknown): void => {
    counts.failures += 1;
    if (now() < nextLogAt) return;
    nextLogAt = now() + LOG_EVERY_MS;
    const { failures } = counts;
    log('warning', 'embedding-cache-failed', { operation, error: errorKind(error), failures });
  };
}
