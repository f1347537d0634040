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
import { ENCODER_EMBEDDER } from '../../shared/prompt-embedding/encoder-embedder.ts';
import { LOCAL_EMBEDDER } from '../../shared/prompt-embedding/local-embedder.ts';
import { loadWordVectors, WORD_VECTORS_FILE } from '../../shared/prompt-embedding/word-vectors.ts';
import { ENCODER_FILES, loadEncoder } from '../../shared/sentence-encoder/encoder-files.ts';

export const OWN_MODELS = fileURLToPath(new URL('../../models', import.meta.url));

/** The embedders of the router's own, and the files that scorers on them need. */
const EMBEDDERS: readonly {
  /** The ids of the embedders that read the files. */
  readonly ids: readonly string[];
  readonly files: readonly string[];
  readonly cards: readonly string[];
  /** Throws a ConfigError when the files in a folder cannot be used. */
  readonly load: (folder: string) => Promise<unknown>;
}[] = [
  {
    ids: [LOCAL_EMBEDDER.id, ENCODER_EMBEDDER.id],
    files: [WORD_VECTORS_FILE],
    cards: [WORD_VECTORS_FILE.replace(/\.bin$/, '.md')],
    load: (folder) => loadWordVectors(folder, LOCAL_EMBEDDER.wordVectors),
  },
  {
    ids: [ENCODER_EMBEDDER.id],
    files: Object.values(ENCODER_FILES),
    cards: ['encoder/encoder.md', 'encoder/LICENSE'],
    load: loadEncoder,
  },
];

/**
 * Copies the registry, the files that its scorers need and their cards, and nothing else that may
 * be in the folder. Files of embedders that a folder of scorers lacks are taken from the
 * project's folder. Throws a ConfigError when the app would not start with one of the scorers.
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
  for (const { ids, files: own, cards, load: check } of EMBEDDERS) {
    if (!registry.scorers.some(({ embedder }) => ids.includes(embedder))) continue;
    const folder = own.every((file) => existsSync(join(source, file))) ? source : OWN_MODELS;
    await check(folder);
    const found = cards.filter((file) => existsSync(join(folder, file)));
    for (const file of [...own, ...found]) await copy(join(folder, file), join(target, file));
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
