import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from './api.ts';

export type Polled<T> = {
  /** What came last; it stays while it is asked anew, so that nothing flickers. */
  readonly data?: T | undefined;
  /** Why the last time failed; absent when it did not. */
  readonly error?: ApiError | undefined;
  /** When the data came; since 1970, in ms. */
  readonly at?: number | undefined;
  /** The data is of what was asked for before. */
  readonly isOld: boolean;
  readonly refresh: () => void;
};

type State<T> = Pick<Polled<T>, 'data' | 'error' | 'at'> & { readonly key?: string };

/**
 * Loads again and again while the page is seen, and at once when `key` changes. `everyMs` of
 * Infinity: only when it is told to.
 */
export function usePolled<T>(
  key: string,
  everyMs: number,
  load: (signal: AbortSignal) => Promise<T>,
): Polled<T> {
  const [state, setState] = useState<State<T>>({});
  const [round, setRound] = useState(0);
  const isBusy = useRef(false);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    const aborter = new AbortController();
    const { signal } = aborter;
    const settle = (change: (old: State<T>) => State<T>) => {
      if (signal.aborted) return;
      isBusy.current = false;
      setState(change);
    };
    isBusy.current = true;
    latest.current(signal).then(
      (data) => settle(() => ({ data, at: Date.now(), key })),
      // What is of another view, or of somebody else, is not shown for this one.
      (problem: unknown) =>
        settle((old) => ({ ...(old.key === key && old), key, error: toApiError(problem) })),
    );
    return () => aborter.abort();
  }, [key, round]);
  useEffect(() => {
    if (!Number.isFinite(everyMs)) return undefined;
    const next = () => {
      // What takes longer than that is waited for.
      if (document.visibilityState === 'visible' && !isBusy.current) setRound((old) => old + 1);
    };
    const timer = setInterval(next, everyMs);
    addEventListener('visibilitychange', next);
    return () => {
      clearInterval(timer);
      removeEventListener('visibilitychange', next);
    };
  }, [everyMs]);
  const { data, error, at } = state;
  const isOld = state.key !== undefined && state.key !== key;
  return { data, error, at, isOld, refresh: () => setRound((old) => old + 1) };
}

function toApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(String(error), 0, 'unknown');
}
