import { measureCurve, type Outcomes, type Ranking, type RoutingQuality, sumUp } from './apgr.ts';
import { createRandom } from './random.ts';

export type Interval = readonly [low: number, high: number];

type Measure = 'apgr' | 'cpt50' | 'cpt80' | 'saved';

/** 95% intervals of the measures. */
export type QualityIntervals = Readonly<Record<Measure, Interval>>;

export type BootstrapSettings = { readonly resamples: number; readonly seed: number };

/** Each router's figures in the same resamples, so that differences can be computed. */
export type Resampled = readonly (readonly RoutingQuality[])[];

/** If more of the resamples than this have no gap, an interval of the others would mislead. */
const MAX_WITHOUT_GAP = 0.05;

/**
 * Percentile bootstrap (Efron 1979) over the prompts: draws as many as there are, with replacement.
 * Returns undefined when the gap is so uncertain that too many resamples have none.
 */
export function resample(
  rankings: readonly Ranking[],
  outcomes: Outcomes,
  { resamples, seed }: BootstrapSettings,
): Resampled | undefined {
  const random = createRandom(seed);
  const counts = new Float64Array(outcomes.strong.length);
  const figures = rankings.map((): RoutingQuality[] => []);
  let withoutGap = 0;
  for (let round = 0; round < resamples; round += 1) {
    draw(counts, random);
    const sample = { counts, totals: sumUp(outcomes, counts) };
    if (!(sample.totals.strong > sample.totals.weak)) withoutGap += 1;
    for (const [index, ranking] of rankings.entries()) {
      const quality = measureCurve(ranking, sample);
      if (quality !== undefined) figures[index]?.push(quality);
    }
  }
  const isUsable = resamples > 0 && withoutGap <= MAX_WITHOUT_GAP * resamples;
  return isUsable ? figures : undefined;
}

function draw(counts: Float64Array, random: () => number): void {
  counts.fill(0);
  for (let drawn = 0; drawn < counts.length; drawn += 1) {
    const index = Math.floor(random() * counts.length);
    counts[index] = (counts[index] ?? 0) + 1;
  }
}

export function intervalsOf(figures: readonly RoutingQuality[]): QualityIntervals {
  const of = (measure: Measure): Interval => interval95(figures.map((quality) => quality[measure]));
  return { apgr: of('apgr'), cpt50: of('cpt50'), cpt80: of('cpt80'), saved: of('saved') };
}

/** Returns the 2.5th and the 97.5th percentile, interpolated linearly between the sorted values. */
export function interval95(values: readonly number[]): Interval {
  const sorted = Float64Array.from(values).sort();
  return [quantile(sorted, 0.025), quantile(sorted, 0.975)];
}

function quantile(sorted: Float64Array, part: number): number {
  const position = part * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] ?? 0;
  return low + ((sorted[below + 1] ?? low) - low) * (position - below);
}
