/** A model that may answer, at what a request is estimated to cost with it. */
export type Contender = {
  /** In any unit that is the same for all; infinite when it is not known. */
  readonly cost: number;
};

/** A contender, and how likely the strongest one is to give the better answer, from 0 to 1. */
export type Rival<T extends Contender> = { readonly model: T; readonly winRate: number };

/**
 * The order in which models are asked: first the cheapest that the strongest one beats with a win
 * rate below the threshold. Itself it always may take; so with two models, strong if winRate >=
 * threshold. Those in its place are the others that would do, the cheapest first, and then those
 * that would not, the best first.
 */
export function rankByWinRate<T extends Contender>(
  strongest: T,
  rivals: readonly Rival<T>[],
  threshold: number,
): T[] {
  const isEnough = ({ winRate }: Rival<T>): boolean => winRate < threshold;
  const enough = rivals.filter(isEnough).map(({ model }) => model);
  const others = rivals
    .filter((rival) => !isEnough(rival))
    .toSorted((a, b) => a.winRate - b.winRate)
    .map(({ model }) => model);
  return [...byCost([strongest, ...enough]), ...others];
}

/** The order where no win rate is asked: from the strongest down, or from the cheapest up. */
export function rankByTier<T extends Contender>(
  strongestFirst: readonly T[],
  tier: 'strong' | 'weak',
): T[] {
  return tier === 'strong' ? [...strongestFirst] : byCost(strongestFirst);
}

/** Of two that cost the same, the stronger comes first. */
function byCost<T extends Contender>(strongestFirst: readonly T[]): T[] {
  // Two infinite costs have no difference.
  return strongestFirst.toSorted((a, b) => (a.cost === b.cost ? 0 : a.cost - b.cost));
}
