import type { Background } from '../../shared/base/background.ts';
import { flushLog, type Log } from '../../shared/base/log.ts';
import type { Calls } from './calls.ts';

/** The host ends the process 5 s after it has asked for the end; this leaves it half a second. */
const TOTAL_MS = 4_500;
/** For calls under way to finish by themselves. */
const GRACE_MS = 3_000;
/** For those that do not to say so to their clients. */
const ENDING_MS = 750;
const FLUSH_MS = 250;

type ShutDownOptions = {
  readonly calls: Calls;
  readonly background: Background;
  /** Keeps what must not be lost, once nothing is under way. */
  readonly finish: () => Promise<void>;
  readonly log: Log;
};

/** Ends what is under way, within the time that the host leaves. Resolves when the process may end. */
export async function shutDown({ calls, background, finish, log }: ShutDownOptions): Promise<void> {
  const startedAt = performance.now();
  const elapsedMs = () => Math.round(performance.now() - startedAt);
  log('info', 'shutdown-begun');
  const callsEnded = await calls.shutDown({ graceMs: GRACE_MS, endingMs: ENDING_MS });
  background.run(finish());
  // What calls leave to be done afterwards is known only now.
  await background.drain(TOTAL_MS - FLUSH_MS - elapsedMs());
  log('info', 'shutdown-done', { callsEnded, totalMs: elapsedMs() });
  await flushLog(FLUSH_MS);
}
