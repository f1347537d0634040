/** Pieces without a use: they were kept free for models that were trained further. */
const UNUSED = /^\[unused\d+\]$/;

/** Returns the numbers of the pieces that stay: the first ones, since the frequent ones stand first. */
export function choosePieces(vocabulary: readonly string[], count: number): readonly number[] {
  const used = [...vocabulary.keys()].filter((number) => !UNUSED.test(vocabulary[number] ?? ''));
  return used.slice(0, count);
}
