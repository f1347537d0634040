import { errorKind, type Log } from '../base/log.ts';

/** The pause between log lines: a table that is down would otherwise cause one for each request. */
const LOG_EVERY_MS = 10_000;

/** Counts every failure, and logs the first and then one every ten seconds, with the count. */
export function createFailureCounter(
  log: Log,
  now: () => number = () => performance.now(),
): (error: unknown) => void {
  let failures = 0;
  let nextLogAt = Number.NEGATIVE_INFINITY;
  return (error) => {
    failures += 1;
    if (now() < nextLogAt) return;
    nextLogAt = now() + LOG_EVERY_MS;
    log('warning', 'embedding-cache-failed', { error: errorKind(error), failures });
  };
}
