import { errorKind, type Log } from '../base/log.ts';

/** A table that is down would otherwise write a line for each request. */
const LOG_EVERY_MS = 10_000;

/** Counts each failure, and logs the first and then one every ten seconds, with the count. */
export function createFailureCounter(
  log: Log,
  now: () => number = Date.now,
): (operation: string, error: unknown) => void {
  let failures = 0;
  let nextLogAt = 0;
  return (operation, error) => {
    failures += 1;
    if (now() < nextLogAt) return;
    nextLogAt = now() + LOG_EVERY_MS;
    log('warning', 'embedding-cache-failed', { operation, error: errorKind(error), failures });
  };
}
