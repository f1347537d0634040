/**
 * Returns 101 quantiles, the p-th percentiles for p = 0 to 100, interpolated linearly between the
 * sorted values. Values count by their weights; default: all alike.
 */
export function percentiles(values: readonly number[], weights?: readonly number[]): number[] {
  const sorted = values
    .map((value, index) => ({ value, weight: weights?.[index] ?? 1 }))
    .sort((a, b) => a.value - b.value);
  const total = sorted.reduce((sum, { weight }) => sum + weight, 0) - (sorted.at(-1)?.weight ?? 0);
  let [below, before] = [0, 0];
  return Array.from({ length: 101 }, (_, percent) => {
    const position = (percent / 100) * total;
    // `before` is the total weight of the values before the one at `below`.
    while (below + 1 < sorted.length && before + (sorted[below]?.weight ?? 0) <= position) {
      before += sorted[below]?.weight ?? 0;
      below += 1;
    }
    const { value: low = 0, weight = 1 } = sorted[below] ?? {};
    const high = sorted[below + 1]?.value ?? low;
    return low + (high - low) * Math.min(1, (position - before) / weight);
  });
}
