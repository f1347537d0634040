/** Rounds a time in ms to whole microseconds. */
export function roundMs(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
