/** Items that come and go, in no order. */
type Bag<T> = {
  /** Returns the function that removes the item, which must be called only once. */
  add(one: T): () => void;
  all(): readonly T[];
};

/**
 * Creates a bag for items that come and go with each request. A Set or a Map would do, but V8 keeps
 * each outgrown table of theirs linked to the next one, with all its entries: once one of these tables
 * is old, many later entries live until the next full garbage collection.
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
