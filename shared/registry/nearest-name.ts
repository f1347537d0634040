import { distance } from 'fastest-levenshtein';

/** Longer names are not similar to any known name. */
const MAX_LENGTH = 64;

/** Returns the known name most similar to `name`; undefined if none is similar. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const limit = Math.max(2, Math.floor(name.length / 3));
  const [nearest] = known
    .map((one) => ({
      one,
      edits: distance(name.slice(0, MAX_LENGTH).toLowerCase(), one.toLowerCase()),
    }))
    .filter(({ edits }) => edits <= limit)
    .sort((a, b) => a.edits - b.edits);
  return nearest?.one;
}
