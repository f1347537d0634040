/** The fractional part of the golden ratio, whose multiples spread most evenly (Weyl's sequence). */
const STEP = (Math.sqrt(5) - 1) / 2;

/**
 * Returns draws from 0 to 1, below 1, that are spread evenly: after n of them, the part below any number x differs
 * from n x by about log n at most, where independent draws differ by the root of n. `start` is the first one.
 */
export function createEvenDraws(start: number): () => number {
  let next = start;
  return () => {
    const draw = next;
    next = (next + STEP) % 1;
    return draw;
  };
}
