import { UpstreamError } from '../base/errors.ts';
import { parseRetryAfter, retryAfterHeaders } from './retry-after.ts';

/** The longest rest. A deployment that asked for more is called again, and can ask again. */
const MAX_REST_MS = 60_000;

/** The time in which a deployment is not called, because it asked for a pause. */
type Rest = {
  /** What is left of it, in whole ms; undefined when the deployment does not rest. */
  leftMs(): number | undefined;
  /** Throws an UpstreamError (429 `deployment_resting`) while it rests. */
  check(): void;
  /** Starts a rest if the answer asks for one. */
  observe(answer: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
  }): void;
};

export function createRest(deployment: string): Rest {
  /** In `performance.now()`: if the time of day were set back, the rest would last longer. */
  let until = 0;

  function leftMs(): number | undefined {
    const left = until - performance.now();
    return left > 0 ? Math.ceil(left) : undefined;
  }

  return {
    leftMs,
    check: () => {
      const left = leftMs();
      if (left === undefined) return;
      throw new UpstreamError(
        `The deployment ${deployment} asked for a pause: it is at its limit, or overloaded. Try again after the time in retry-after.`,
        { status: 429, code: 'deployment_resting', headers: retryAfterHeaders(left) },
      );
    },
    observe: ({ status, headers }) => {
      if (status !== 429 && status !== 503) return;
      const waitMs = Math.min(parseRetryAfter(headers, Date.now()) ?? 0, MAX_REST_MS);
      until = Math.max(until, performance.now() + waitMs);
    },
  };
}
