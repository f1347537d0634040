import { distance } from 'fastest-levenshtein';

/** Longer ones are like no name of ours. */
const MAX_LENGTH = 64;

/** The known name that is most like the given one; undefined when none is like it. */
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
