import { errorKind, type Log } from '../base/log.ts';

/** What keeps things for a time of its own. */
export type PurgeJob = {
  /** What it removes, for the log. */
  readonly what: string;
  readonly retentionDays: number;
  /** Removes what was past its use before this moment; gives how much that was. */
  readonly purge: (before: Date) => Promise<number>;
};

const DAY_MS = 86_400_000;

/**
 * Makes the work of the timer `purge-expired`: removes what is past its retention. One that fails
 * keeps no other from its turn; throws at the end if any has, so that the host sees it.
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
