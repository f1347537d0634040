import { existsSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadHeldOutScores } from '../../shared/matrix-factorization/held-out-scores.ts';
import { load } from '../../shared/matrix-factorization/scorer.ts';
import {
  loadRegistry,
  type ScorerEntry,
  type ScorerRegistry,
} from '../../shared/matrix-factorization/scorer-registry.ts';
import { LOCAL_EMBEDDER } from '../../shared/prompt-embedding/local-embedder.ts';
import { loadWordVectors, WORD_VECTORS_FILE } from '../../shared/prompt-embedding/word-vectors.ts';

export const OWN_MODELS = fileURLToPath(new URL('../../models', import.meta.url));

/**
 * Copies the registry, the files that its scorers need and their cards, and nothing else that may
 * be in the folder. Word vectors that a folder of scorers lacks are taken from the project's
 * folder. Throws a ConfigError when the app would not start with one of the scorers.
 */
export async function copyModels(source: string, target: string): Promise<ScorerRegistry> {
  const registry = await loadRegistry(source);
  for (const entry of registry.scorers) {
    await load(entry, source);
    await loadHeldOutScores(entry, source);
  }
  const files = new Set([
    'registry.json',
    ...registry.scorers.flatMap((one) => filesOf(one, source)),
  ]);
  for (const file of files) await copy(join(source, file), join(target, file));
  if (registry.scorers.some(({ embedder }) => embedder === LOCAL_EMBEDDER.id)) {
    const folder = existsSync(join(source, WORD_VECTORS_FILE)) ? source : OWN_MODELS;
    await loadWordVectors(folder, LOCAL_EMBEDDER.wordVectors);
    await copy(join(folder, WORD_VECTORS_FILE), join(target, WORD_VECTORS_FILE));
    const card = WORD_VECTORS_FILE.replace(/\.bin$/, '.md');
    if (existsSync(join(folder, card))) await copy(join(folder, card), join(target, card));
  }
  return registry;
}

function filesOf({ file, heldOutScores }: ScorerEntry, folder: string): string[] {
  const card = join(dirname(file), 'card.md');
  return [
    file,
    ...(heldOutScores === undefined ? [] : [heldOutScores.file]),
    ...(existsSync(join(folder, card)) ? [card] : []),
  ];
}

async function copy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to);
}
