import { readFileSync } from 'node:fs';
import * as z from 'zod';

/**
 * Aliases of models that have other names in other sources: the names on the left are read as those
 * on the right. Only names of the same weights are listed, independent of the host that served
 * them.
 */
const ALIASES: ReadonlyMap<string, string> = new Map(
  Object.entries(
    z
      .record(z.string(), z.string())
      .parse(JSON.parse(readFileSync(new URL('model-aliases.json', import.meta.url), 'utf8'))),
  ),
);

/** Returns the name that a model has in trained scorers. */
export function canonicalModel(name: string): string {
  return ALIASES.get(name) ?? name;
}
