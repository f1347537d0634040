import type { CallEndedError } from './errors.ts';

/** A limit in time that can be lifted: unlike AbortSignal.timeout it leaves no timer behind. */
export type Deadline = {
  /** Its reason is a CallEndedError when it was ended, and no HttpError when the time was over. */
  readonly signal: AbortSignal;
  /** Ends it before its time. */
  end(reason: CallEndedError): void;
  clear(): void;
};

export function createDeadline(timeoutMs: number): Deadline {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), timeoutMs);
  return {
    signal: controller.signal,
    end: (reason) => {
      clearTimeout(timer);
      controller.abort(reason);
    },
    clear: () => clearTimeout(timer),
  };
}

/** Waits for work that knows nothing of the signal. Throws the signal's reason when it is aborted. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
