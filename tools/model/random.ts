/**
 * Returns a source of random numbers in [0, 1) that a seed repeats on every machine: xorshift with 32
 * bits and the shifts 13, 17 and 5 (G. Marsaglia, Xorshift RNGs, Journal of Statistical Software 8, 2003).
 */
export function createRandom(seed: number): () => number {
  // Zero is the only state that xorshift cannot leave.
  let state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Shuffles the values in place (Fisher and Yates). */
export function shuffle(values: Int32Array, random: () => number): void {
  for (let last = values.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    const kept = values[last] ?? 0;
    values[last] = values[other] ?? 0;
    values[other] = kept;
  }
}
