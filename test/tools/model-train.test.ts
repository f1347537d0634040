import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { load } from '../../shared/matrix-factorization/scorer.ts';
import {
  findScorer,
  loadRegistry,
  nameOf,
  type ScorerEntry,
} from '../../shared/matrix-factorization/scorer-registry.ts';
import { LOCAL_EMBEDDER, loadLocalEmbedder } from '../../shared/prompt-embedding/local-embedder.ts';
import { createGradedRows, EASY_PROMPT, HARD_PROMPT } from '../fakes/graded-rows.ts';
import { runTool, type ToolResult } from '../fakes/run-tool.ts';

const root = await mkdtemp(join(tmpdir(), 'smart-router-train-'));
const data = join(root, 'train.jsonl');
const testData = join(root, 'test.jsonl');
const folder = join(root, 'models');
const { embed } = await loadLocalEmbedder('models');
afterAll(() => rm(root, { recursive: true, force: true }));

function trainTo(models: string, ...args: readonly string[]): Promise<ToolResult> {
  const id = args.includes('--id') ? [] : ['--id', 'tiny'];
  return runTool('model-train', [
    ...[...id, '--data', data, '--models-folder', models, '--folds', '2'],
    ...args,
  ]);
}

async function entryOf(models: string, id = 'tiny'): Promise<ScorerEntry> {
  const entry = (await loadRegistry(models)).scorers.find((one) => one.id === id);
  if (entry === undefined) throw new Error(`${id} was not registered`);
  return entry;
}

const bytesOf = (models: string, id = 'tiny'): Promise<Buffer> =>
  readFile(join(models, id, '1/scorer.onnx'));

let trained: ToolResult;
let clustered: ToolResult;
beforeAll(async () => {
  await writeFile(data, createGradedRows(500, 1));
  await writeFile(testData, createGradedRows(200, 2));
  trained = await trainTo(folder, '--test', testData);
  clustered = await trainTo(folder, '--test', testData, '--id', 'groups', '--strategy', 'clusters');
});

describe('a registered entry', () => {
  test('is what stdout says, of the models of the data with the best over the worst', async () => {
    expect(trained).toMatchObject({ code: 0 });
    const entry = await entryOf(folder);
    expect(JSON.parse(trained.stdout)).toEqual(entry);
    expect(entry).toMatchObject({
      id: 'tiny',
      version: '1',
      file: 'tiny/1/scorer.onnx',
      embedder: LOCAL_EMBEDDER.id,
      dimensions: LOCAL_EMBEDDER.dimensions,
      models: ['middle', 'strong', 'weak'],
      defaultPair: { strong: 'strong', weak: 'weak' },
      trainedOn: '500 rows: train.jsonl',
    });
  });

  test('stands beside those of other ids, and of other versions', async () => {
    const models = join(root, 'twice');
    const few = ['--max-rows', '80', '--even-if-worse'];
    for (const id of ['one', 'two']) await trainTo(models, ...few, '--id', id);
    const first = await bytesOf(models, 'one');
    const again = ['--scorer-version', '2', '--strong', 'middle', '--weak', 'strong'];
    const { stderr } = await trainTo(models, ...few, '--id', 'one', ...again);
    expect(stderr).toMatch(/Only \d+ rows were held out: calibrate the scorer/);
    const { scorers } = await loadRegistry(models);
    expect(scorers.map(nameOf)).toEqual(['one@1', 'two@1', 'one@2']);
    expect(findScorer({ scorers }, 'one')).toMatchObject({
      version: '2',
      defaultPair: { strong: 'middle', weak: 'strong' },
      calibrations: [{ strong: 'middle', weak: 'strong' }],
    });
    expect((await bytesOf(models, 'one')).equals(first)).toBe(true);
    for (const entry of scorers) await expect(load(entry, models)).resolves.toBeDefined();
  });

  test('takes the place of one of its id and version only with --replace', async () => {
    const before = await bytesOf(folder);
    const registry = await readFile(join(folder, 'registry.json'), 'utf8');
    const refused = await trainTo(folder);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toBe(
      'Error: tiny@1 is registered already: give another --scorer-version (tiny has 1), or --replace to lose the earlier scorer with its calibrations.\n',
    );
    expect(await readFile(join(folder, 'registry.json'), 'utf8')).toBe(registry);
    const models = join(root, 'replaced');
    await cp(folder, models, { recursive: true });
    const { stderr } = await trainTo(models, '--replace', '--seed', '2');
    expect(stderr).toMatch(/tiny@1 is replaced, which removes its 1 calibration/);
    expect((await loadRegistry(models)).scorers.map(nameOf)).toEqual(['tiny@1', 'groups@1']);
    expect((await bytesOf(models)).equals(before)).toBe(false);
  });

  test('has 101 rising quantiles of held-out win rates as its first calibration', async () => {
    const { calibrations } = await entryOf(folder);
    expect(calibrations).toHaveLength(1);
    expect(calibrations[0]).toMatchObject({ id: 'validation', strong: 'strong', weak: 'weak' });
    const { quantiles = [], rows = 0 } = calibrations[0] ?? {};
    expect(quantiles).toHaveLength(101);
    expect(quantiles).toEqual([...quantiles].sort((a, b) => a - b));
    expect(quantiles[90]).toBeGreaterThan((quantiles[10] ?? 1) + 0.02);
    expect(rows).toBeGreaterThan(30);
    expect(rows).toBeLessThan(100);
  });

  test.each(['tiny', 'groups'])(
    'of %s has the figures that model:evaluate finds with the file on the test rows',
    async (id) => {
      const pair = ['--strong', 'strong', '--weak', 'weak'];
      const { stdout } = await runTool('model-evaluate', [
        ...['--data', testData, ...pair, '--scorer', id, '--models-folder', folder],
        ...['--json', '--resamples', '0'],
      ]);
      type Line = { router: string; source: string; quality: Record<string, number> };
      const lines: Line[] = JSON.parse(stdout).lines;
      const { figures } = await entryOf(folder, id);
      expect(Object.keys(figures['test'] ?? {}).sort()).toEqual(['all', 'even', 'odd']);
      for (const [source, figure] of Object.entries(figures['test'] ?? {})) {
        const line = lines.find((one) => one.router === id && one.source === source);
        expect(line).toMatchObject({
          calibrationError: expect.closeTo(figure.calibrationError, 4),
        });
        for (const name of ['apgr', 'cpt50', 'cpt80']) {
          expect(line?.quality[name]).toBeCloseTo(figure[name], 6);
        }
      }
      expect(figures).toMatchObject({ test: { all: { prompts: 200 } } });
      const { all } = figures['test'] as { all: { apgr: number } };
      expect(all.apgr).toBeGreaterThan(0.65);
    },
  );
});

describe('a trained scorer', () => {
  test.each(['tiny', 'groups'])('called %s gives hard prompts a higher win rate', async (id) => {
    const entry = await entryOf(folder, id);
    const scorer = await load(entry, folder);
    const winRate = (prompt: string): Promise<number> =>
      scorer.predictWinRate(embed(prompt), entry.defaultPair);
    const [hard, easy] = [await winRate(HARD_PROMPT), await winRate(EASY_PROMPT)];
    expect(hard).toBeGreaterThan(easy + 0.04);
    expect(hard).toBeLessThan(1);
    expect(easy).toBeGreaterThan(0.5);
  });

  test.each(['factorization', 'clusters'])(
    'by %s is the same, byte for byte, for the same seed and data, and another for another seed',
    async (strategy) => {
      const id = strategy === 'clusters' ? 'groups' : 'tiny';
      const again = join(root, `again-${strategy}`);
      const other = join(root, `other-${strategy}`);
      const args = ['--test', testData, '--id', id, '--strategy', strategy];
      await Promise.all([trainTo(again, ...args), trainTo(other, ...args, '--seed', '2')]);
      expect((await bytesOf(again, id)).equals(await bytesOf(folder, id))).toBe(true);
      expect((await bytesOf(other, id)).equals(await bytesOf(folder, id))).toBe(false);
      expect(await entryOf(again, id)).toEqual(await entryOf(folder, id));
      const card = (models: string) => readFile(join(models, id, '1/card.md'), 'utf8');
      expect(await card(again)).toBe(await card(folder));
    },
  );
});

describe('what is written', () => {
  test('is the scorer and a card with sources, licence and figures, and no prompt', async () => {
    expect((await readdir(join(folder, 'tiny/1'))).sort()).toEqual([
      'card.md',
      'held-out-scores.bin',
      'scorer.onnx',
      'training-prompts.bin',
    ]);
    const card = await readFile(join(folder, 'tiny/1/card.md'), 'utf8');
    expect(card).toMatch(/^# Scorer tiny@1\n/);
    expect(card).toContain('<folder>/train.jsonl');
    expect(card).toMatch(/\| even 250, odd 250 \| not known \|/);
    expect(card).toMatch(/\n## Licence\n\n.*unknown licence: the person who trained/);
    expect(card).toMatch(/Test rows\s+\| router/);
    expect(card).toMatch(/`strong` [\d.]+, `middle` -?[\d.]+, `weak` -[\d.]+/);
    const file = (await bytesOf(folder)).toString('latin1');
    for (const line of (await readFile(data, 'utf8')).trim().split('\n')) {
      const { prompt } = JSON.parse(line);
      expect(card).not.toContain(prompt);
      expect(file).not.toContain(prompt);
    }
    expect(card).not.toContain(root);
  });

  test('is said on stderr, with the loss', () => {
    expect(trained.stderr).toMatch(/Embedding 100% 700\/700 rows/);
    expect(trained.stderr).toMatch(/loss on held-out rows -?\d\.\d+/);
    expect(clustered.stderr).toMatch(/Registered groups@1: 3 models/);
  });

  test('is nothing for --help, which names each option', async () => {
    const { code, stdout, stderr } = await runTool('model-train', ['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const option of ['data', 'id', 'embedder', 'embeddings', 'strategy', 'seed', 'max-rows']) {
      expect(stdout).toContain(`--${option} `);
    }
  });
});
