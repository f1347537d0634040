import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from './api.ts';

export type Polled<T> = {
  /** The newest data. It stays while newer data is loaded, so that nothing flickers. */
  readonly data?: T | undefined;
  /** The error of the last attempt; absent if it succeeded. */
  readonly error?: ApiError | undefined;
  /** Time when the data arrived, in ms since 1970. */
  readonly at?: number | undefined;
  /** Whether the data belongs to an earlier `key`. */
  readonly isOld: boolean;
  readonly refresh: () => void;
};

type State<T> = Pick<Polled<T>, 'data' | 'error' | 'at'> & { readonly key?: string };

/**
 * Loads again and again while the page is visible, and immediately when `key` changes. With an
 * `everyMs` of Infinity it loads again only when told to.
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
      // Data of another view, or of another user, is not shown here.
      (problem: unknown) =>
        settle((old) => ({ ...(old.key === key && old), key, error: toApiError(problem) })),
    );
    return () => aborter.abort();
  }, [key, round]);
  useEffect(() => {
    if (!Number.isFinite(everyMs)) return undefined;
    const next = () => {
      // A load that takes longer than the interval is not repeated until it ends.
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
