import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { load } from '../../shared/matrix-factorization/scorer.ts';
import {
  loadRegistry,
  type ScorerEntry,
} from '../../shared/matrix-factorization/scorer-registry.ts';
import { simulatorSettings } from '../../tools/local-services/local-services.ts';
import { startSimulator } from '../../tools/upstream-simulator/simulator.ts';
import { gradeAnswers, inventPrompts, toLines } from '../fakes/graded-rows.ts';
import { runTool, type ToolResult } from '../fakes/run-tool.ts';

const AZURE = 'azure-openai/text-embedding-3-small';
const ROWS = 300;
const prompts = inventPrompts(ROWS, 1);
const rows = prompts.map((invented) => ({
  id: invented.id,
  prompt: invented.prompt,
  scores: gradeAnswers(invented),
}));

const root = await mkdtemp(join(tmpdir(), 'smart-router-train-embedders-'));
const data = join(root, 'train.jsonl');
await writeFile(data, toLines(rows));
const simulator = await startSimulator({
  deployments: [
    { name: 'embedding', model: 'text-embedding-3-small', kind: 'embeddings', dimensions: 8 },
  ],
  apiKey: 'the-key',
});
afterAll(async () => {
  await simulator.close();
  await rm(root, { recursive: true, force: true });
});
// The machine's own settings must not affect the tests.
beforeEach(() => {
  simulator.reset();
  for (const name of Object.keys(simulatorSettings(simulator.url))) vi.stubEnv(name, '');
});
afterEach(() => vi.unstubAllEnvs());

/** Sets variables that the tool inherits. */
function setDeployment(): void {
  const settings = { ...simulatorSettings(simulator.url), AZURE_OPENAI_API_KEY: 'the-key' };
  for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value);
}

let runs = 0;
async function train(
  embeddings: string | undefined,
  ...args: readonly string[]
): Promise<ToolResult & { readonly models: string }> {
  runs += 1;
  const models = join(root, `models-${runs}`);
  const embedder = args.includes('--embedder') ? [] : ['--embedder', AZURE];
  const file = embeddings === undefined ? [] : ['--embeddings', embeddings];
  const from = args.includes('--data') ? [] : ['--data', data];
  const common = ['--id', 'tiny', '--models-folder', models, ...from, ...embedder, ...file];
  return { ...(await runTool('model-train', [...common, ...args])), models };
}

async function entryOf(models: string): Promise<ScorerEntry> {
  const [entry] = (await loadRegistry(models)).scorers;
  if (entry === undefined) throw new Error('nothing was registered');
  return entry;
}

let files = 0;
/** Returns embeddings whose first of 4 numbers tells whether a prompt is hard; the last is noise. */
async function embeddingsOf(count: number, dimensions = 4): Promise<string> {
  files += 1;
  const path = join(root, `embeddings-${files}.jsonl`);
  const lines = prompts.slice(0, count).map(({ id, isHard, luck }) => ({
    id,
    embedding: [isHard ? 0.8 : -0.8, 0.3, -0.2, (37 * luck) % 1].slice(0, dimensions),
  }));
  await writeFile(path, toLines([{ embedder: AZURE, dimensions }, ...lines]));
  return path;
}

function asked(): string[] {
  return simulator.requests.flatMap(({ body }) => (body as { input: string[] }).input);
}

describe('a file of embeddings', () => {
  test.each(['factorization', 'clusters'])(
    'of all rows needs no call and no setting to train by %s',
    async (strategy) => {
      const result = await train(await embeddingsOf(ROWS), '--strategy', strategy);
      expect(result).toMatchObject({ code: 0 });
      const entry = await entryOf(result.models);
      expect(entry).toMatchObject({ embedder: AZURE, dimensions: 4 });
      const scorer = await load(entry, result.models);
      const [hard, easy] = await scorer.predict(
        [
          [0.8, 0.3, -0.2, 0.5],
          [-0.8, 0.3, -0.2, 0.5],
        ].map((numbers) => Float32Array.from(numbers)),
        entry.defaultPair,
      );
      expect(hard?.winRate).toBeGreaterThan((easy?.winRate ?? 1) + 0.05);
    },
  );

  test.each<[string, () => Promise<string>, readonly string[], RegExp]>([
    [
      'of another embedder',
      () => embeddingsOf(ROWS),
      ['--embedder', 'azure-openai/text-embedding-3-large'],
      /are from azure-openai\/text-embedding-3-small, not from azure-openai\/text-embedding-3-large/,
    ],
    [
      'of another embedder than the local one',
      () => embeddingsOf(ROWS),
      ['--embedder', 'local'],
      /are from azure-openai\/text-embedding-3-small, not from local/,
    ],
    [
      'that lacks rows, without a deployment for them',
      () => embeddingsOf(ROWS - 1),
      [],
      /EMBEDDING_DEPLOYMENT is missing/,
    ],
    ['that is something else', async () => data, [], /train\.jsonl is not an embeddings file/],
    [
      'in a folder that is not there',
      async () => join(root, 'missing', 'file.jsonl'),
      [],
      /cannot be written/,
    ],
  ])('%s is refused without a trace', async (_, openFile, args, reason) => {
    const file = await openFile();
    const before = existsSync(file) ? await readFile(file, 'utf8') : undefined;
    const { code, stdout, stderr, models } = await train(file, ...args);
    expect(stderr).toMatch(reason);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(existsSync(models)).toBe(false);
    expect(existsSync(file) ? await readFile(file, 'utf8') : undefined).toBe(before);
  });
});

describe('an embedding deployment', () => {
  test('is called once for each prompt, and not at all when its answers were kept', async () => {
    setDeployment();
    const kept = join(root, 'kept.jsonl');
    const first = await train(kept);
    expect(first).toMatchObject({ code: 0 });
    expect(asked().sort()).toEqual([...new Set(prompts.map(({ prompt }) => prompt))].sort());
    const entry = await entryOf(first.models);
    expect(entry).toMatchObject({ embedder: AZURE, dimensions: 8 });

    simulator.reset();
    vi.stubEnv('AZURE_OPENAI_ENDPOINT', '');
    vi.stubEnv('EMBEDDING_DEPLOYMENT', '');
    const second = await train(kept);
    expect(second).toMatchObject({ code: 0 });
    expect((await entryOf(second.models)).sha256).toBe(entry.sha256);
    expect(simulator.requests).toHaveLength(0);
  });

  test('that fails leaves no scorer, and the embeddings so far for the next run', async () => {
    setDeployment();
    const kept = join(root, 'broken-off.jsonl');
    const failing = join(root, 'failing.jsonl');
    // The marked row is in the second request of 256 prompts, which is answered with 401 once.
    const marked = rows.map((row, index) =>
      index === ROWS - 1 ? { ...row, prompt: `${row.prompt} [sim:401:1]` } : row,
    );
    await writeFile(failing, toLines(marked));
    const broken = await train(kept, '--data', failing);
    expect(broken).toMatchObject({ code: 2, stdout: '' });
    expect(broken.stderr).toMatch(/answered 401/);
    expect(broken.stderr).not.toContain('the-key');
    expect(existsSync(broken.models)).toBe(false);

    const already = (await readFile(kept, 'utf8')).trim().split('\n').length - 1;
    expect(already).toBeGreaterThan(200);
    const before = asked().length;
    expect(await train(kept, '--data', failing)).toMatchObject({ code: 0 });
    const all = new Set(marked.map(({ prompt }) => prompt));
    expect(asked()).toHaveLength(before + all.size - already);
  });

  test('that is not set is named with its settings before anything is written', async () => {
    const { code, stderr, models } = await train(undefined);
    expect(code).toBe(2);
    expect(stderr).toMatch(/EMBEDDING_DEPLOYMENT is missing.*AZURE_OPENAI_ENDPOINT/);
    expect(existsSync(models)).toBe(false);
  });
});
