/** Things that come and go, in no order. */
export type Bag<T> = {
  /** Gives what takes it out again, to be called once. */
  add(one: T): () => void;
  all(): readonly T[];
};

/**
 * For what comes and goes with each request. A Set or a Map would do, but V8 leaves each of its tables that
 * is outgrown linked to the next, with all that was in it: once one of them is old, much of what came
 * since lives until the next full collection of garbage.
 */
export function createBag<T>(): Bag<T> {
  const entries: { readonly one: T; place: number }[] = [];
  return {
    add: (one) => {
      const entry = { one, place: entries.length };
      entries.push(entry);
      return () => {
        const last = entries.pop();
        if (last === undefined || last === entry) return;
        last.place = entry.place;
        entries[entry.place] = last;
      };
    },
    all: () => entries.map(({ one }) => one),
  };
}
