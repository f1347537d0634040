import { errorKind, type Log } from '../base/log.ts';

/** The purge of one kind of records, which has its own retention. */
export type PurgeJob = {
  /** The kind of records, for the log. */
  readonly what: string;
  readonly retentionDays: number;
  /** Removes the records that expired before this moment; returns how many. */
  readonly purge: (before: Date) => Promise<number>;
};

const DAY_MS = 86_400_000;

/**
 * Creates the work of the timer `purge-expired`, which removes records past their retention. A job
 * that fails does not stop the others; the work throws at the end, so that the host sees the failure.
 */
export function createPurgeExpired(
  jobs: readonly PurgeJob[],
  log: Log,
  now: () => number = Date.now,
): () => Promise<void> {
  return async () => {
    const failed: string[] = [];
    for (const { what, retentionDays, purge } of jobs) {
      try {
        const removed = await purge(new Date(now() - retentionDays * DAY_MS));
        log('info', 'purged', { what, removed });
      } catch (error) {
        failed.push(what);
        log('error', 'purge-failed', { what, error: errorKind(error) });
      }
    }
    if (failed.length > 0) throw new Error(`Could not purge ${failed.join(', ')}.`);
  };
}
