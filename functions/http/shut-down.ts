import type { Background } from '../../shared/base/background.ts';
import { flushLog, type Log } from '../../shared/base/log.ts';
import type { Calls } from './calls.ts';

/** The host ends the process 5 s after it has asked it to end; this leaves half a second. */
const TOTAL_MS = 4_500;
/** The time that calls under way have to finish by themselves. */
const GRACE_MS = 3_000;
/** The time that calls which were ended have to tell their clients. */
const ENDING_MS = 750;
const FLUSH_MS = 250;

type ShutDownOptions = {
  readonly calls: Calls;
  readonly background: Background;
  /** Writes everything that must not be lost, after the last call has ended. */
  readonly finish: () => Promise<void>;
  readonly log: Log;
};

/** Ends the calls under way, within the time that the host leaves. Resolves when the process may end. */
export async function shutDown({ calls, background, finish, log }: ShutDownOptions): Promise<void> {
  const startedAt = performance.now();
  const elapsedMs = () => Math.round(performance.now() - startedAt);
  log('info', 'shutdown-begun');
  const callsEnded = await calls.shutDown({ graceMs: GRACE_MS, endingMs: ENDING_MS });
  void background.run('shutdown', finish);
  // The background work that calls have left is known only now.
  await background.drain(TOTAL_MS - FLUSH_MS - elapsedMs());
  log('info', 'shutdown-done', { callsEnded, totalMs: elapsedMs() });
  await flushLog(FLUSH_MS);
}
