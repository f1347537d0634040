import type { CallEndedError } from './errors.ts';

/** A limit in time that can be lifted. Unlike AbortSignal.timeout, it leaves no timer. */
type Deadline = {
  /** Its reason is a CallEndedError if `end` was called, and not an HttpError if the time ran out. */
  readonly signal: AbortSignal;
  /** Aborts the signal before the time is over. */
  end(reason: CallEndedError): void;
  /** Begins a new time, in ms, if the old one is not over; undefined: there is no limit any more. */
  renew(timeoutMs: number | undefined): void;
  clear(): void;
};

export function createDeadline(timeoutMs: number): Deadline {
  const controller = new AbortController();
  const expire = () => controller.abort();
  let timer: NodeJS.Timeout | undefined = setTimeout(expire, timeoutMs);
  return {
    signal: controller.signal,
    end: (reason) => {
      clearTimeout(timer);
      controller.abort(reason);
    },
    renew: (newMs) => {
      clearTimeout(timer);
      timer = newMs === undefined ? undefined : setTimeout(expire, newMs);
    },
    clear: () => clearTimeout(timer),
  };
}

/** Waits for work that ignores the signal. Throws the signal's reason if it is aborted. */
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
