import { UpstreamError } from '../base/errors.ts';
import { parseRetryAfter, retryAfterHeaders } from './retry-after.ts';

/** Whoever asks for more is asked again after this time, and can say so again. */
const MAX_REST_MS = 60_000;

/** The time in which a deployment wants no calls, because it said so. */
export type Rest = {
  /** What is left of it in ms; undefined when it does not rest. */
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
  let until = 0;

  function leftMs(): number | undefined {
    const left = until - Date.now();
    return left > 0 ? left : undefined;
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
      const now = Date.now();
      const waitMs = Math.min(parseRetryAfter(headers, now) ?? 0, MAX_REST_MS);
      until = Math.max(until, now + waitMs);
    },
  };
}
