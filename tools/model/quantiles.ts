/** 101 quantiles, p-th percentiles for p = 0 to 100, between the sorted values linearly. */
export function percentiles(values: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b);
  return Array.from({ length: 101 }, (_, percent) => {
    const position = (percent / 100) * (sorted.length - 1);
    const below = Math.floor(position);
    const low = sorted[below] ?? 0;
    const high = sorted[below + 1] ?? low;
    return low + (high - low) * (position - below);
  });
}
