import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  findScorer,
  loadRegistry,
  type ScorerEntry,
} from '../../shared/matrix-factorization/scorer-registry.ts';

/** A registered scorer that a new one is compared with, or starts from. */
export type Reference = { readonly entry: ScorerEntry; readonly modelsFolder: string };

const OWN_MODELS = fileURLToPath(new URL('../../models', import.meta.url));

/**
 * Finds a scorer in a models folder, or else among those that come with the project. Throws a
 * ConfigError when neither has it.
 */
export async function findReference(
  modelsFolder: string,
  name: string,
  place: string,
): Promise<Reference> {
  if (existsSync(join(modelsFolder, 'registry.json'))) {
    const { scorers } = await loadRegistry(modelsFolder);
    const isHere = scorers.some(({ id, version }) => name === id || name === `${id}@${version}`);
    if (isHere) return { entry: findScorer({ scorers }, name, place), modelsFolder };
  }
  const entry = findScorer(await loadRegistry(OWN_MODELS), name, place);
  return { entry, modelsFolder: OWN_MODELS };
}
