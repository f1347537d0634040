import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { load } from '../shared/matrix-factorization/scorer.ts';
import { findScorer, loadRegistry } from '../shared/matrix-factorization/scorer-registry.ts';
import { LOCAL_EMBEDDER, loadLocalEmbedder } from '../shared/prompt-embedding/local-embedder.ts';
import { WORD_VECTORS_FILE } from '../shared/prompt-embedding/word-vectors.ts';
import { InputError } from './command-line/input-error.ts';
import { type CommandLine, runTool } from './command-line/run-tool.ts';
import type { ColdStart } from './measure/cold-start.ts';
import { quantile } from './measure/load.ts';

const HELP = `npm run measure:local [-- --rounds <n>]

Measures on this machine what the local scorer adds to a start and to a request: loading the word
vectors and the scorer in a fresh process, embedding a prompt of 2 KB and scoring it once warm, and
the size of the files.

  --scorer <id>             one on embeddings of the local embedder (default: local)
  --models-folder <folder>  where the registry is (default: models)
  --rounds <n>              so many fresh processes, and warm passes over the prompts (default: 7)`;

const root = fileURLToPath(new URL('..', import.meta.url));

/** Natural text with lists, tables and code, cut into prompts. */
const TEXTS = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'docs/measurements.md'];
const PROMPT_CHARACTERS = 2048;
/** A pass is so many prompts. */
const PROMPTS = 200;

async function measure(commandLine: CommandLine): Promise<void> {
  const modelsFolder = commandLine.text('models-folder') ?? 'models';
  const rounds = commandLine.integer('rounds', 7);
  if (rounds < 1 || rounds > 100) {
    throw new InputError(`--rounds must be a whole number from 1 to 100, got ${rounds}.`);
  }
  const entry = findScorer(await loadRegistry(modelsFolder), commandLine.text('scorer') ?? 'local');
  if (entry.embedder !== LOCAL_EMBEDDER.id) {
    throw new InputError(
      `The scorer ${entry.id} takes embeddings of ${entry.embedder}, not of ${LOCAL_EMBEDDER.id}.`,
    );
  }
  await measureColdStart(modelsFolder, entry.id, rounds);
  const { embed } = await loadLocalEmbedder(modelsFolder);
  const scorer = await load(entry, modelsFolder);
  const prompts = await readPrompts();
  const passes = { prompts, rounds };
  print(`Embedding of ${PROMPT_CHARACTERS} characters`, await time(passes, embed));
  const embedAndScore = (text: string) => scorer.predictWinRate(embed(text), entry.defaultPair);
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
    const name = what === 'both' ? 'scorer and word vectors' : 'scorer alone';
    const clock = spread(starts.map((one) => one.clock));
    const processor = spread(starts.map((one) => one.processor));
    console.log(`  ${name}: ${clock}, of the processor ${processor}`);
  }
}

function spread(numbers: readonly number[]): string {
  const [median, low, high] = [0.5, 0, 1].map((q) => quantile(numbers, q).toFixed(0));
  return `${median} (${low} to ${high})`;
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

/** In ms. As many passes more come first, untimed. */
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

await runTool({
  help: HELP,
  options: {
    scorer: { type: 'string' },
    'models-folder': { type: 'string' },
    rounds: { type: 'string' },
  },
  run: measure,
});
