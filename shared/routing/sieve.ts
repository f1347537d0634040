/** Rules things out one after another, each for the first reason that applies. */
export type Sieve<T, R extends string> = {
  /** The things that are not ruled out yet, in their order. */
  readonly left: readonly T[];
  keep(why: R, test: (one: T) => boolean): void;
  /** The reason why a thing was ruled out; undefined while it is left. */
  ruledOutBy(one: T): R | undefined;
};

export function createSieve<T, R extends string>(all: readonly T[]): Sieve<T, R> {
  const reasons = new Map<T, R>();
  let left = all;
  return {
    get left() {
      return left;
    },
    keep: (why, test) => {
      left = left.filter((one) => {
        const isKept = test(one);
        if (!isKept) reasons.set(one, why);
        return isKept;
      });
    },
    ruledOutBy: (one) => reasons.get(one),
  };
}
