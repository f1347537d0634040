import { HttpError } from './errors.ts';

/** The part of the memory that one request holds. */
export type MemoryHold = {
  /** Returns false, and takes nothing, if the requests under way would hold more than the budget. */
  take(bytes: number): boolean;
  /** Gives everything back. Nothing can be taken afterwards. */
  release(): void;
};

export type MemoryBudget = { readonly hold: () => MemoryHold };

/**
 * Bounds the memory of all requests together, since many of them can each be within their own limit: bodies, the
 * conversations that they continue, and answers that are read whole. Bytes count when they arrive and not by
 * `content-length`, which is a promise that costs the sender nothing.
 */
export function createMemoryBudget(maxBytes: number): MemoryBudget {
  let inHand = 0;
  return {
    hold: () => {
      let held = 0;
      let isReleased = false;
      return {
        take: (bytes) => {
          // A size that is no number, as a damaged row has, must not spoil the sum.
          if (isReleased || !(bytes >= 0 && inHand + bytes <= maxBytes)) return false;
          inHand += bytes;
          held += bytes;
          return true;
        },
        release: () => {
          inHand -= held;
          held = 0;
          isReleased = true;
        },
      };
    },
  };
}

/** Takes memory for a request. Throws a TooManyBytesError. */
export function takeMemory(hold: Pick<MemoryHold, 'take'>, bytes: number): void {
  if (!hold.take(bytes)) throw new TooManyBytesError();
}

/** Answers a request that would exceed the memory of all requests together (429). */
export class TooManyBytesError extends HttpError {
  constructor() {
    super(
      'The requests under way hold as many bytes as MAX_BODY_BYTES_IN_FLIGHT allows. Send the request again in a second.',
      {
        status: 429,
        type: 'rate_limit_error',
        code: 'too_many_bytes',
        headers: { 'retry-after': '1' },
      },
    );
  }
}
