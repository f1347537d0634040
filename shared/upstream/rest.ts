import { UpstreamError } from '../base/errors.ts';
import { parseRetryAfter, retryAfterHeaders } from './retry-after.ts';

/** Whoever asks for more is asked again after this time, and can say so again. */
const MAX_REST_MS = 60_000;

/** The time in which a deployment wants no calls, because it said so. */
export type Rest = {
  /** What is left of it, in whole ms; undefined when the deployment does not rest. */
  leftMs(): number | undefined;
  /** Throws an UpstreamError (429 `deployment_resting`) while it rests. */
  check(): void;
  /** Takes the wish from an answer, if it has one. */
  observe(answer: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
  }): void;
};

export function createRest(deployment: string): Rest {
  /** By a clock that nobody sets: were the time of day set back, the rest would last longer. */
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
