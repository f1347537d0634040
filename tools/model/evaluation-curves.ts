import { Ranking } from './apgr.ts';
import { createRouters, type ScoredPrompts, winRatesIn } from './evaluation.ts';
import {
  type CostBasis,
  createScopes,
  type GradedPrompt,
  type Prices,
  type Scope,
} from './evaluation-scopes.ts';

export type CurvePoint = {
  readonly strongShare: number;
  /** Mean score, from 0 to 1. */
  readonly quality: number;
  /** US dollars for 1,000 requests; absent if costs are unknown. */
  readonly costPer1000?: number;
};

export type Curve = {
  readonly router: string;
  readonly isScorer: boolean;
  readonly points: readonly CurvePoint[];
};

/** The curves of all routers on the same prompts. */
export type CurveFamily = {
  readonly source: string;
  readonly prompts: number;
  readonly costBasis: CostBasis;
  readonly curves: readonly Curve[];
};

/** The largest number of points of a curve that can be distinguished on a screen. */
const MAX_POINTS = 150;

/** Traces curves over all prompts and, if only some prompts have costs, also over those. */
export function traceCurves(
  prompts: readonly GradedPrompt[],
  scorers: readonly ScoredPrompts[],
  prices?: Prices,
): CurveFamily[] {
  const routers = createRouters(prompts, scorers);
  return createScopes(prompts, prices)
    .filter(({ isPooled }) => isPooled)
    .map((scope) => ({
      source: scope.source,
      prompts: scope.positions.length,
      costBasis: scope.costBasis,
      curves: routers.map((router) => ({
        router: router.router,
        isScorer: router.isScorer,
        points: tracePoints(scope, router),
      })),
    }));
}

function tracePoints(scope: Scope, router: ScoredPrompts): CurvePoint[] {
  const { outcomes, costBasis } = scope;
  const prompts = outcomes.strong.length;
  const mean = (values: Float64Array): number =>
    values.reduce((sum, value) => sum + value, 0) / prompts;
  const [weak, weakCost] = [mean(outcomes.weak), mean(outcomes.weakCost)];
  const points: CurvePoint[] = [];
  const add = (strongPrompts: number, gained: number, extraCost: number): void => {
    points.push({
      strongShare: strongPrompts / prompts,
      quality: weak + gained / prompts,
      ...(costBasis !== 'calls' && { costPer1000: 1000 * (weakCost + extraCost / prompts) }),
    });
  };
  add(0, 0, 0);
  new Ranking(winRatesIn(scope, router), outcomes).walk(new Float64Array(prompts).fill(1), add);
  return thinOut(points);
}

/** Keeps both ends, and between them one point for each step of the strong share. */
function thinOut(points: readonly CurvePoint[]): CurvePoint[] {
  let shown = Number.NEGATIVE_INFINITY;
  return points.filter(({ strongShare }) => {
    const isShown = strongShare - shown >= 1 / MAX_POINTS || strongShare === 1;
    if (isShown) shown = strongShare;
    return isShown;
  });
}
