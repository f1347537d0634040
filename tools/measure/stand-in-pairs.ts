import type { LeftOutPair } from './left-out-pairs.ts';
import { meanOf } from './left-out-pairs.ts';

/** Two of the scorer's models, and how well they rank prompts for other models and by what is asked. */
export type Candidate = {
  readonly strong: string;
  readonly weak: string;
  /** The APGR of each left-out pair. */
  readonly apgrs: Float64Array;
  /** The AUC of hard asks above easy ones, by the set of asks. */
  readonly aucs: Readonly<Record<string, number>>;
};

/** How much of an AUC a better APGR may cost: less than these sets of asks can tell. */
const AUC_TOLERANCE = 0.005;
/**
 * How much less APGR a pair may have to count as good as the best: less than two choices of left-out models
 * differ by.
 */
const APGR_TOLERANCE = 0.005;

const FOLDS = 4;

/** Returns the APGRs of the left-out pairs that have neither of the candidate's models. */
export function unknownTo(
  { strong, weak, apgrs }: Candidate,
  pairs: readonly LeftOutPair[],
  isCounted: (pair: LeftOutPair) => boolean = () => true,
): number[] {
  const own = [strong, weak];
  return [...apgrs].filter((_, index) => {
    const pair = pairs[index];
    return pair && !own.includes(pair.strong) && !own.includes(pair.weak) && isCounted(pair);
  });
}

/**
 * Sorts the candidates that tell hard from easy asks as well as the scorer's default pair. The first
 * ones have the best mean APGR, and of those that are as good as the best, the one that tells hard
 * from easy asks best is before the others.
 */
export function rankCandidates(
  candidates: readonly Candidate[],
  byDefault: Candidate,
  apgrOf: (one: Candidate) => number,
): Candidate[] {
  const means = new Map(candidates.map((one) => [one, apgrOf(one)]));
  const meanOfOne = (one: Candidate) => means.get(one) ?? 0;
  const sorted = candidates
    .filter((one) => losesNothing(one, byDefault))
    .sort((a, b) => meanOfOne(b) - meanOfOne(a));
  const [best] = sorted;
  if (best === undefined) return [];
  const isAsGood = (one: Candidate) => meanOfOne(one) >= meanOfOne(best) - APGR_TOLERANCE;
  const asGood = sorted.filter(isAsGood).sort((a, b) => meanAuc(b) - meanAuc(a));
  return [...asGood, ...sorted.filter((one) => !isAsGood(one))];
}

function meanAuc({ aucs }: Candidate): number {
  return meanOf(Object.values(aucs));
}

function losesNothing({ aucs }: Candidate, byDefault: Candidate): boolean {
  return Object.entries(byDefault.aucs).every(
    ([set, auc]) => (aucs[set] ?? 0) >= auc - AUC_TOLERANCE,
  );
}

/**
 * Chooses in turn without the models of one fold, neither as stand-ins nor in left-out pairs, and
 * measures on the pairs of that fold's models alone. Returns the APGRs of the chosen, and those of
 * the default pair on the same pairs.
 */
export function crossValidate(
  candidates: readonly Candidate[],
  byDefault: Candidate,
  pairs: readonly LeftOutPair[],
): { readonly chosen: number[]; readonly byDefault: number[]; readonly names: string[] } {
  const models = [...new Set(pairs.flatMap(({ strong, weak }) => [strong, weak]))].sort();
  const results = Array.from({ length: FOLDS }, (_, fold) => {
    const isOut = (model: string) => models.indexOf(model) % FOLDS === fold;
    const isBetween = (pair: LeftOutPair) => isOut(pair.strong) && isOut(pair.weak);
    const isKnown = (pair: LeftOutPair) => !isOut(pair.strong) && !isOut(pair.weak);
    const inside = candidates.filter((one) => !isOut(one.strong) && !isOut(one.weak));
    const apgrOf = (one: Candidate) => meanOf(unknownTo(one, pairs, isKnown));
    const [best = byDefault] = rankCandidates(inside, byDefault, apgrOf);
    return {
      chosen: unknownTo(best, pairs, isBetween),
      byDefault: unknownTo(byDefault, pairs, isBetween),
      name: `${best.strong} over ${best.weak}`,
    };
  });
  return {
    chosen: results.flatMap(({ chosen }) => chosen),
    byDefault: results.flatMap((one) => one.byDefault),
    names: results.map(({ name }) => name),
  };
}
