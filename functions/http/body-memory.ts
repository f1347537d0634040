/** What one request holds of the budget. */
export type BodyHold = {
  /** False when the bodies in hand would become too much; nothing is taken then. */
  take(bytes: number): boolean;
  /** Gives everything back, for good: nothing can be taken afterwards. */
  release(): void;
};

export type BodyMemory = { readonly hold: () => BodyHold };

/**
 * Bounds the memory of all bodies in hand together: each of many requests may be within its own
 * limit. Bytes count as they arrive and not by `content-length`, which is a promise that costs its
 * sender nothing.
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
