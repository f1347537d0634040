/** The values of `performance.now()` at the start and the end. */
export type Interval = readonly [from: number, to: number];

/** When a prompt was embedded and scored; absent if it was not. */
export type ScoringTimes = { readonly embedding?: Interval; readonly scoring?: Interval };
