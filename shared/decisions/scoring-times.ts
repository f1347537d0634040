/** `performance.now()` at the beginning and at the end. */
export type Interval = readonly [from: number, to: number];

/** When a prompt was embedded and scored; absent: it was not. */
export type ScoringTimes = { readonly embedding?: Interval; readonly scoring?: Interval };
