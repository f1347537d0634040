import type { Background } from '../base/background.ts';
import type { Log } from '../base/log.ts';

/** The purge of one kind of records, which has its own retention. */
export type PurgeJob = {
  /** The kind of records, for the log. */
  readonly what: string;
  readonly retentionDays: number;
  /** Removes the records that expired before this moment; returns how many. */
  readonly purge: (before: Date) => Promise<number>;
};

const DAY_MS = 86_400_000;

type PurgeOptions = {
  readonly background: Background;
  readonly log: Log;
  readonly now?: () => number;
};

/**
 * Creates the work of the timer `purge-expired`, which removes records past their retention, and returns
 * the kinds of which it could not. A job that fails does not stop the others.
 */
export function createPurgeExpired(
  jobs: readonly PurgeJob[],
  { background, log, now = Date.now }: PurgeOptions,
): () => Promise<readonly string[]> {
  return async () => {
    const failed: string[] = [];
    for (const { what, retentionDays, purge } of jobs) {
      const isDone = await background.run(`purge of ${what}`, async () => {
        const removed = await purge(new Date(now() - retentionDays * DAY_MS));
        log('info', 'purged', { what, removed });
      });
      if (!isDone) failed.push(what);
    }
    return failed;
  };
}
