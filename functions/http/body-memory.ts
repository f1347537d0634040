import { HttpError } from '../../shared/base/errors.ts';

/** The part of the memory that one request holds. */
export type BodyHold = {
  /** Returns false, and takes nothing, if the bodies in memory would exceed the limit. */
  take(bytes: number): boolean;
  /** Gives everything back. Nothing can be taken afterwards. */
  release(): void;
};

export type BodyMemory = { readonly hold: () => BodyHold };

/**
 * Bounds the memory of all bodies together, since many requests can each be within their own limit.
 * Bytes count when they arrive and not by `content-length`, which is a promise that costs the sender
 * nothing.
 */
export function createBodyMemory(maxBytes: number): BodyMemory {
  let inHand = 0;
  return {
    hold: () => {
      let held = 0;
      let isReleased = false;
      return {
        take: (bytes) => {
          if (isReleased || inHand + bytes > maxBytes) return false;
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

/** Answers a request whose body would exceed the limit of all bodies together. */
export class TooManyBytesError extends HttpError {
  constructor() {
    super(
      'The bodies of the requests under way have as many bytes as MAX_BODY_BYTES_IN_FLIGHT allows. Send the request again in a second.',
      {
        status: 429,
        type: 'rate_limit_error',
        code: 'too_many_bytes',
        headers: { 'retry-after': '1' },
      },
    );
  }
}
