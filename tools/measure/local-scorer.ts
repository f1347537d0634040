import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { load } from '../../shared/matrix-factorization/scorer.ts';
import type { ScorerEntry } from '../../shared/matrix-factorization/scorer-registry.ts';
import { unknownPairOf } from '../../shared/matrix-factorization/stand-in-choice.ts';
import { loadLocalEmbedder } from '../../shared/prompt-embedding/local-embedder.ts';
import { WORD_VECTORS_FILE } from '../../shared/prompt-embedding/word-vectors.ts';
import type { ColdStart } from './cold-start.ts';
import { formatSpread, quantile } from './statistics.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Natural text with lists, tables and code, cut into prompts. */
const TEXTS = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'docs/measurements.md'];
const PROMPT_CHARACTERS = 2048;
/** The number of prompts in a pass. */
const PROMPTS = 200;

/** Prints the time of a start and of a request, and the size of the files. `entry` takes local embeddings. */
export async function measureLocalScorer(
  entry: ScorerEntry,
  modelsFolder: string,
  rounds: number,
): Promise<void> {
  await measureColdStart(modelsFolder, entry.id, rounds);
  const { embed } = await loadLocalEmbedder(modelsFolder);
  const scorer = await load(entry, modelsFolder);
  const prompts = await readPrompts();
  const passes = { prompts, rounds };
  print(`Embedding of ${PROMPT_CHARACTERS} characters`, await time(passes, embed));
  const embedAndScore = (text: string) => scorer.predictWinRate(embed(text), unknownPairOf(entry));
  print('Embedding and scoring of the same', await time(passes, embedAndScore));
  await printSizes([WORD_VECTORS_FILE, entry.file].map((file) => join(modelsFolder, file)));
}

async function measureColdStart(folder: string, scorer: string, rounds: number): Promise<void> {
  console.log(`Cold start in ms, median of ${rounds} fresh processes (lowest to highest):`);
  for (const what of ['scorer', 'both'] as const) {
    const starts: ColdStart[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const script = join(root, 'tools/measure/cold-start.ts');
      const options = [...process.execArgv, script, folder, scorer, what];
      const { stdout } = await promisify(execFile)(process.execPath, options);
      starts.push(JSON.parse(stdout));
    }
    const name = what === 'both' ? 'scorer and word vectors' : 'scorer only';
    const clock = formatSpread(
      starts.map((one) => one.clock),
      0,
    );
    const processor = formatSpread(
      starts.map((one) => one.processor),
      0,
    );
    console.log(`  ${name}: ${clock}, of the processor ${processor}`);
  }
}

async function readPrompts(): Promise<readonly string[]> {
  const texts = await Promise.all(TEXTS.map((file) => readFile(join(root, file), 'utf8')));
  const text = texts.join('\n');
  const step = Math.floor((text.length - PROMPT_CHARACTERS) / PROMPTS);
  return Array.from({ length: PROMPTS }, (_, index) =>
    text.slice(index * step, index * step + PROMPT_CHARACTERS),
  );
}

type Passes = { readonly prompts: readonly string[]; readonly rounds: number };

/** Times in milliseconds, after as many untimed passes. */
async function time(
  { prompts, rounds }: Passes,
  work: (text: string) => unknown,
): Promise<readonly number[]> {
  const times: number[] = [];
  for (let round = 0; round < 2 * rounds; round += 1) {
    for (const prompt of prompts) {
      const startedAt = performance.now();
      await work(prompt);
      if (round >= rounds) times.push(performance.now() - startedAt);
    }
  }
  return times;
}

function print(what: string, times: readonly number[]): void {
  const [half, most] = [0.5, 0.99].map((q) => quantile(times, q).toFixed(3));
  console.log(`${what}, warm: p50 ${half} ms, p99 ${most} ms`);
}

async function printSizes(paths: readonly string[]): Promise<void> {
  const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size));
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(2)} MB`;
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const list = paths.map((path, index) => `${path} ${megabytes(sizes[index] ?? 0)}`).join(', ');
  console.log(`Files: ${list}; together ${megabytes(total)}`);
}
