/** A model that may answer, with the estimated cost of a request to it. */
export type Contender = {
  /** The cost in any unit that all share; infinite when it is not known. */
  readonly cost: number;
};

/** A contender, and the win rate of the strongest one over it, from 0 to 1. */
export type Rival<T extends Contender> = { readonly model: T; readonly winRate: number };

/**
 * Returns the order in which models are asked. First comes the cheapest model that is good enough:
 * the strongest itself, or one that the strongest beats with a win rate below the threshold. So
 * with two models, the strong one is asked if winRate >= threshold. Next, as fallbacks, come the
 * other models that are good enough, the cheapest first, and then those that are not, the best
 * first.
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

/** Returns the order without win rates: from the strongest down, or from the cheapest up. */
export function rankByTier<T extends Contender>(
  strongestFirst: readonly T[],
  tier: 'strong' | 'weak',
): T[] {
  return tier === 'strong' ? [...strongestFirst] : byCost(strongestFirst);
}

/** Sorts by cost; of two models that cost the same, the stronger comes first. */
function byCost<T extends Contender>(strongestFirst: readonly T[]): T[] {
  // The difference of two infinite costs is NaN.
  return strongestFirst.toSorted((a, b) => (a.cost === b.cost ? 0 : a.cost - b.cost));
}
