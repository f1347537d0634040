import { measureCurve, Ranking, type RoutingQuality, sumUp } from './apgr.ts';
import {
  type Interval,
  interval95,
  intervalsOf,
  type QualityIntervals,
  type Resampled,
  resample,
} from './evaluation-bootstrap.ts';
import {
  calibrationErrorOf,
  measureReliability,
  type ReliabilityPoint,
} from './evaluation-reliability.ts';
import {
  type CostBasis,
  createScopes,
  type GradedPrompt,
  type Prices,
  type Scope,
} from './evaluation-scopes.ts';

/** The win rates that a scorer predicts, one per prompt. */
export type ScoredPrompts = { readonly router: string; readonly winRates: ArrayLike<number> };

export type EvaluationSettings = {
  /** Number of bootstrap resamples; 0 for no intervals. */
  readonly resamples: number;
  readonly seed: number;
  /** Smallest number of prompts for measuring a source; all prompts together are always measured. */
  readonly minRows: number;
  readonly prices?: Prices;
};

export const DEFAULT_SETTINGS: EvaluationSettings = { resamples: 1000, seed: 1, minRows: 30 };

/** Difference in APGR to another router on the same prompts, and in the same resamples. */
export type Comparison = {
  readonly than: string;
  readonly apgr: number;
  readonly interval?: Interval;
};

/** Figures of how well a router orders the prompts of a source, or of `all`. */
export type EvaluationLine = {
  readonly router: string;
  readonly source: string;
  readonly prompts: number;
  readonly strongMean: number;
  readonly weakMean: number;
  readonly costBasis: CostBasis;
  /** Absent if there are too few prompts, or if the strong model is not better. */
  readonly quality?: RoutingQuality;
  readonly intervals?: QualityIntervals;
  /** Given only for scorers: a baseline ranks prompts but predicts no win rate. */
  readonly reliability?: readonly ReliabilityPoint[];
  readonly calibrationError?: number;
  readonly comparisons?: readonly Comparison[];
};

export const RANDOM = 'random';
export const LENGTH = 'prompt length';
export const ORACLE = 'oracle';

/**
 * Measures scorers and the baselines, over all prompts and for each source. The baselines are a
 * random order (by definition one straight line), the longest prompt first (if `characters` is
 * known), and an oracle that knows the outcome.
 */
export function evaluate(
  prompts: readonly GradedPrompt[],
  scorers: readonly ScoredPrompts[],
  settings: Partial<EvaluationSettings> = {},
): EvaluationLine[] {
  const routers = createRouters(prompts, scorers);
  const complete = { ...DEFAULT_SETTINGS, ...settings };
  return createScopes(prompts, settings.prices).flatMap((scope) =>
    evaluateScope(scope, routers, complete),
  );
}

export type Router = ScoredPrompts & { readonly isScorer: boolean };

/** Creates the routers: the scorers among the baselines, from the worst baseline to the best. */
export function createRouters(
  prompts: readonly GradedPrompt[],
  scorers: readonly ScoredPrompts[],
): Router[] {
  const baseline = (router: string, winRates: ArrayLike<number>): Router => ({
    router,
    winRates,
    isScorer: false,
  });
  const lengths = prompts.map(({ characters = Number.NaN }) => characters);
  return [
    baseline(RANDOM, new Float64Array(prompts.length)),
    ...(lengths.some(Number.isNaN) ? [] : [baseline(LENGTH, lengths)]),
    ...scorers.map((scorer) => ({ ...scorer, isScorer: true })),
    baseline(
      ORACLE,
      prompts.map(({ strong, weak }) => strong - weak),
    ),
  ];
}

export function winRatesIn({ positions }: Scope, { winRates }: ScoredPrompts): Float64Array {
  return Float64Array.from(positions, (position) => winRates[position] ?? 0);
}

function evaluateScope(
  scope: Scope,
  routers: readonly Router[],
  settings: EvaluationSettings,
): EvaluationLine[] {
  const { outcomes, positions } = scope;
  const counts = new Float64Array(positions.length).fill(1);
  const sample = { counts, totals: sumUp(outcomes, counts) };
  const { strong, weak, prompts } = sample.totals;
  const facts = {
    source: scope.source,
    prompts,
    strongMean: strong / prompts,
    weakMean: weak / prompts,
    costBasis: scope.costBasis,
  };
  const isTooSmall = !scope.isPooled && prompts < settings.minRows;
  if (isTooSmall || !(strong > weak)) {
    return routers.map(({ router }) => ({ router, ...facts }));
  }
  const rankings = routers.map((router) => new Ranking(winRatesIn(scope, router), outcomes));
  const qualities = rankings.map((ranking) => measureCurve(ranking, sample));
  const resampled = resample(rankings, outcomes, settings);
  return routers.map((router, index) => {
    const quality = qualities[index];
    const figures = resampled?.[index];
    return {
      router: router.router,
      ...facts,
      ...(quality && { quality }),
      ...(figures && { intervals: intervalsOf(figures) }),
      ...(router.isScorer && describeScorer(router, scope)),
      ...(router.isScorer && { comparisons: compare(index, { routers, qualities, resampled }) }),
    };
  });
}

function describeScorer(
  router: Router,
  scope: Scope,
): Pick<EvaluationLine, 'reliability' | 'calibrationError'> {
  const { outcomes } = scope;
  const observed = outcomes.strong.map(
    (strong, index) => 0.5 + (strong - (outcomes.weak[index] ?? 0)) / 2,
  );
  const reliability = measureReliability(winRatesIn(scope, router), observed);
  if (reliability === undefined) return {};
  return { reliability, calibrationError: calibrationErrorOf(reliability) };
}

type Measured = {
  readonly routers: readonly Router[];
  readonly qualities: readonly (RoutingQuality | undefined)[];
  readonly resampled: Resampled | undefined;
};

/** Compares a router with the length of the prompt (or a random order), and with the first scorer. */
function compare(index: number, { routers, qualities, resampled }: Measured): Comparison[] {
  const byLength = routers.findIndex(({ router }) => router === LENGTH);
  const firstScorer = routers.findIndex(({ isScorer }) => isScorer);
  const others = [Math.max(byLength, 0), ...(firstScorer < index ? [firstScorer] : [])];
  return others.map((other) => {
    const differences = resampled?.[index]?.map(
      ({ apgr }, round) => apgr - (resampled[other]?.[round]?.apgr ?? Number.NaN),
    );
    return {
      than: routers[other]?.router ?? '',
      apgr: (qualities[index]?.apgr ?? Number.NaN) - (qualities[other]?.apgr ?? Number.NaN),
      ...(differences && { interval: interval95(differences) }),
    };
  });
}
