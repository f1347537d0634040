/** Counts of values by bucket, whose bounds grow by a ninth; a percentile is off by at most 5%. */
export type Histogram = Record<string, number>;

/** Buckets per doubling of the value. */
const STEPS = 6;

function bucketOf(value: number): number {
  return Math.floor(STEPS * Math.log2(Math.max(value, 0) + 1));
}

/** Returns the value in the middle of a bucket. */
function middleOf(bucket: number): number {
  return 2 ** ((bucket + 0.5) / STEPS) - 1;
}

/** Counts a value, which is at least 0. */
export function addTo(histogram: Histogram, value: number): void {
  const bucket = bucketOf(value);
  histogram[bucket] = (histogram[bucket] ?? 0) + 1;
}

export function mergeInto(histogram: Histogram, other: Histogram): void {
  for (const [bucket, count] of Object.entries(other)) {
    histogram[bucket] = (histogram[bucket] ?? 0) + count;
  }
}

/** Returns the value that a share (0 to 1) of all values does not exceed; undefined without values. */
export function percentile(histogram: Histogram, share: number): number | undefined {
  const buckets = Object.entries(histogram)
    .map(([bucket, count]) => [Number(bucket), count] as const)
    .toSorted(([a], [b]) => a - b);
  const total = buckets.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  for (const [bucket, count] of buckets) {
    seen += count;
    if (seen >= share * total) return middleOf(bucket);
  }
  return undefined;
}
