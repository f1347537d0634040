import { distance } from 'fastest-levenshtein';

/** Longer names are not similar to any known name. */
const MAX_LENGTH = 64;

/** Returns the known name most similar to `name`; undefined if none is similar. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const limit = Math.max(2, Math.floor(name.length / 3));
  const [nearest] = byDistance(name, known);
  return nearest !== undefined && nearest.edits <= limit ? nearest.one : undefined;
}

/** Returns the known names most similar to `name`, the nearest first, even if none is similar. */
export function mostSimilar(name: string, known: readonly string[], count: number): string[] {
  return byDistance(name, known)
    .slice(0, count)
    .map(({ one }) => one);
}

function byDistance(name: string, known: readonly string[]) {
  const short = name.slice(0, MAX_LENGTH).toLowerCase();
  return known
    .map((one) => ({ one, edits: distance(short, one.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits);
}
