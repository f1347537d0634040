import {
  RouterConnectionError,
  RouterError,
  RouterResponseError,
  RouterTimeoutError,
  toResponseError,
} from './errors.ts';

/** The part of `fetch` that the client needs; any `fetch` fits. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export type Call = {
  readonly url: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly body?: string;
  /** Called before each attempt, so that a token is fresh. */
  readonly createHeaders: () => Promise<Headers>;
  readonly fetch: Fetch;
  readonly maxRetries: number;
  readonly clock: CallClock;
};

/** The longest wait of a timer; with a longer one it overflows and fires immediately. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const FIRST_RETRY_DELAY_MS = 500;
const MAX_RETRY_DELAY_MS = 8_000;

/**
 * Ends a call before its answer, by the caller's signal or by the time limit. Either one becomes
 * the reason of `signal`, which every wait then throws.
 */
export class CallClock {
  readonly #controller = new AbortController();
  readonly #release: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** In `performance.now()`: setting the time of day changes no limit. */
  #endsAt = Number.POSITIVE_INFINITY;

  constructor(callerSignal?: AbortSignal) {
    const abort = () => this.#controller.abort(callerSignal?.reason);
    if (callerSignal?.aborted) abort();
    callerSignal?.addEventListener('abort', abort, { once: true });
    this.#release = () => callerSignal?.removeEventListener('abort', abort);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get remainingMs(): number {
    return this.#endsAt - performance.now();
  }

  /** Restarts the time limit; `Infinity` is no limit. */
  start(limitMs: number, message: string): void {
    this.stop();
    if (!Number.isFinite(limitMs)) return;
    this.#endsAt = performance.now() + limitMs;
    const expire = () => this.#controller.abort(new RouterTimeoutError(message, limitMs));
    this.#timer = setTimeout(expire, Math.min(limitMs, MAX_TIMER_MS));
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#endsAt = Number.POSITIVE_INFINITY;
  }

  /** Must be called at the end of the call, so that the caller's signal keeps no reference. */
  close(): void {
    this.stop();
    this.#release();
  }

  /** Waits for the work or an abort, whichever comes first: not every fetch heeds its signal. */
  wait<T>(work: Promise<T>): Promise<T> {
    const { signal } = this;
    return new Promise((resolve, reject) => {
      const abort = () => reject(signal.reason);
      if (signal.aborted) abort();
      signal.addEventListener('abort', abort, { once: true });
      work
        .finally(() => signal.removeEventListener('abort', abort))
        .then(resolve, (error: unknown) => reject(signal.aborted ? signal.reason : error));
    });
  }

  async sleep(delayMs: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const elapsed = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, delayMs);
    });
    try {
      await this.wait(elapsed);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Resolves with a 2xx answer whose body is unread; otherwise throws. */
export async function send(call: Call): Promise<Response> {
  for (let retry = 0; ; retry += 1) {
    const outcome = await attempt(call);
    if (!(outcome instanceof RouterError)) return outcome;
    const delayMs = findRetryDelayMs(outcome, retry);
    const worthWaiting =
      delayMs !== undefined && retry < call.maxRetries && delayMs < call.clock.remainingMs;
    if (!worthWaiting) throw outcome;
    await call.clock.sleep(delayMs);
  }
}

/** Reads the text of a 2xx answer. A broken answer is not retried, since it has been paid for. */
export async function readText(response: Response, clock: CallClock): Promise<string> {
  try {
    return await clock.wait(response.text());
  } catch (cause) {
    clock.signal.throwIfAborted();
    throw new RouterConnectionError(
      'The connection broke during the answer, so the answer is incomplete: ask again.',
      { requestId: response.headers.get('x-smart-router-request-id') ?? undefined, cause },
    );
  }
}

async function attempt(call: Call): Promise<Response | RouterError> {
  const { url, method, body, clock } = call;
  const headers = await clock.wait(call.createHeaders());
  // Redirects are not followed: that would send the api-key header to another address.
  const init = { method, headers, redirect: 'manual', signal: clock.signal } as const;
  let response: Response;
  try {
    response = await clock.wait(call.fetch(url, body === undefined ? init : { ...init, body }));
  } catch (cause) {
    clock.signal.throwIfAborted();
    return new RouterConnectionError(
      `The router at ${new URL(url).origin} could not be reached${describeCode(cause)}: check baseUrl and the network, and whether the router runs.`,
      { cause },
    );
  }
  return response.ok ? response : toResponseError(response, await readErrorText(response, clock));
}

/** Reads the text of an error; a status is worth reporting even without it. */
async function readErrorText(response: Response, clock: CallClock): Promise<string> {
  try {
    return await clock.wait(response.text());
  } catch {
    clock.signal.throwIfAborted();
    return '';
  }
}

/** Returns the wait before the next attempt; undefined when another one would not help. */
function findRetryDelayMs(error: RouterError, retry: number): number | undefined {
  if (error instanceof RouterResponseError) {
    const { status, code, retryAfterMs } = error;
    // With a conflict, others were adding to the thread, and nothing of this request was added.
    const isBusy = status === 408 || status === 429 || code === 'thread_conflict';
    if (!isBusy && status < 500) return undefined;
    if (retryAfterMs !== undefined) return retryAfterMs;
  }
  const delayMs = Math.min(FIRST_RETRY_DELAY_MS * 2 ** retry, MAX_RETRY_DELAY_MS);
  // Up to a quarter less, so that clients that failed together do not come back together.
  return delayMs * (1 - Math.random() / 4);
}

/** Returns the platform's code, such as ` (ECONNREFUSED)`, if there is one. */
function describeCode(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' ? ` (${code})` : '';
}
