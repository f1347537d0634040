/** Something with a weight, 0 or more, by which it gets its share of the load. */
type Weighted = { readonly weight: number };

/**
 * Returns a random order in which each comes first with the probability of its share of the
 * weights. Those of weight 0 come last: they take only the load that the others cannot take.
 */
export function shareLoad<T extends Weighted>(all: readonly T[], random: () => number): T[] {
  if (all.length < 2) return [...all];
  // Efraimidis and Spirakis, "Weighted random sampling with a reservoir" (2006): keys u^(1/weight).
  const keyed = all.map((one) => {
    const drawn = Math.log(random());
    return { one, key: one.weight === 0 ? Number.NEGATIVE_INFINITY : drawn / one.weight, drawn };
  });
  return keyed
    .sort((a, b) => (a.key === b.key ? b.drawn - a.drawn : b.key - a.key))
    .map(({ one }) => one);
}
