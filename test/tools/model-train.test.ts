import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadRegistry } from '../../shared/matrix-factorization/registry.ts';
import { load } from '../../shared/matrix-factorization/scorer.ts';
import { localEmbedder } from '../../shared/prompt-embedding/local-embedding.ts';
import { InputError } from '../../tools/command-line/input-error.ts';
import { loadGradedRows } from '../../tools/model/graded-rows.ts';
import { createGradedRows } from '../fakes/graded-rows.ts';
import { runTool, type ToolResult } from '../fakes/run-tool.ts';

const root = await mkdtemp(join(tmpdir(), 'smart-router-train-'));
const data = join(root, 'train.jsonl');
const testData = join(root, 'test.jsonl');
const badData = join(root, 'bad-row.jsonl');
const folder = join(root, 'models');
afterAll(() => rm(root, { recursive: true, force: true }));

function trainTo(models: string, ...args: readonly string[]): Promise<ToolResult> {
  const common = ['--id', 'tiny', '--models-folder', models];
  return runTool('model-train', [...common, ...args]);
}

let trained: ToolResult;
beforeAll(async () => {
  await writeFile(data, createGradedRows(500, 1));
  await writeFile(testData, createGradedRows(200, 2));
  await writeFile(badData, 'no row\n');
  trained = await trainTo(folder, '--data', data, '--test', testData);
});

describe('model:train', () => {
  test('registers a scorer that gives hard prompts a higher win rate than easy ones', async () => {
    expect(trained).toMatchObject({ code: 0 });
    const [entry] = (await loadRegistry(folder)).scorers;
    if (entry === undefined) throw new Error('nothing was registered');
    expect(JSON.parse(trained.stdout)).toEqual(entry);
    expect(entry).toMatchObject({
      id: 'tiny',
      version: '1',
      embedder: localEmbedder.id,
      models: ['middle', 'strong', 'weak'],
      defaultPair: { strong: 'strong', weak: 'weak' },
    });
    const scorer = await load(entry, folder);
    const winRate = (prompt: string): Promise<number> =>
      scorer.predictWinRate(localEmbedder.embed(prompt), entry.defaultPair);
    const hard = await winRate('prove the theorem and derive the integral');
    expect(hard).toBeGreaterThan((await winRate('hello pizza and coffee with the cat')) + 0.02);
    expect(hard).toBeLessThan(1);
  });

  test('stores 101 rising quantiles of held-out win rates as the first calibration', async () => {
    const [entry] = (await loadRegistry(folder)).scorers;
    const [calibration] = entry?.calibrations ?? [];
    expect(calibration).toMatchObject({ id: 'validation', strong: 'strong', weak: 'weak' });
    const { quantiles = [], rows = 0 } = calibration ?? {};
    expect(quantiles).toEqual([...quantiles].sort((a, b) => a - b));
    expect(quantiles[100]).toBeGreaterThan(quantiles[0] ?? 1);
    expect(rows).toBeGreaterThan(30);
    expect(rows).toBeLessThan(100);
  });

  test('writes a card with figures and without any prompt of the data', async () => {
    const card = await readFile(join(folder, 'tiny', 'card.md'), 'utf8');
    expect(card).toContain('<folder>/train.jsonl');
    expect(card).toMatch(/Test rows, measured once\s+\| router/);
    const rows = (await readFile(data, 'utf8')).trim().split('\n');
    for (const row of rows) expect(card).not.toContain(JSON.parse(row).prompt);
    expect(await readdir(join(folder, 'tiny'))).toEqual(['card.md', 'scorer.onnx']);
  });

  test('gives the same file, byte for byte, for the same seed and data, and another for another seed', async () => {
    const again = join(root, 'again');
    const other = join(root, 'other');
    await trainTo(again, '--data', data, '--test', testData);
    await trainTo(other, '--data', data, '--test', testData, '--seed', '2');
    const bytes = (models: string): Promise<Buffer> => readFile(join(models, 'tiny/scorer.onnx'));
    expect((await bytes(again)).equals(await bytes(folder))).toBe(true);
    expect((await bytes(other)).equals(await bytes(folder))).toBe(false);
    const registry = (models: string): Promise<string> =>
      readFile(join(models, 'registry.json'), 'utf8');
    expect(await registry(again)).toBe(await registry(folder));
  });

  test('reads the names of one model in several sources as one', async () => {
    const row = (index: number, name: string): string =>
      JSON.stringify({
        id: String(index),
        source: 'names',
        prompt: `prompt ${index}`,
        scores: { [name]: index % 2, other: 1 },
      });
    const path = join(root, 'names.jsonl');
    const lines = Array.from({ length: 60 }, (_, index) =>
      row(index, index % 3 ? 'mixtral-8x7b' : 'Mixtral-8x7B-Instruct-v0.1'),
    );
    await writeFile(path, lines.join('\n'));
    const models = join(root, 'names');
    const { code } = await trainTo(models, '--data', path);
    expect(code).toBe(0);
    expect((await loadRegistry(models)).scorers[0]?.models).toEqual(['mixtral-8x7b', 'other']);
  });
});

describe('graded rows are refused by file and line for', () => {
  const good = '{"id":"1","source":"s","prompt":"p","scores":{"a":1,"b":0}}';
  test.each([
    ['a line that is not JSON', '{"id":', /bad\.jsonl:2: not JSON/],
    ['a line that is a list', '[]', /bad\.jsonl:2/],
    [
      'a row without a prompt',
      '{"id":"1","source":"s","scores":{"a":1,"b":0}}',
      /bad\.jsonl:2: prompt/,
    ],
    ['a row without scores', '{"id":"1","source":"s","prompt":"p"}', /bad\.jsonl:2: scores/],
    ['a score above 1', good.replace('1,"b"', '1.5,"b"'), /bad\.jsonl:2: the score of "a"/],
    ['a score that is text', good.replace('1,"b"', '"1","b"'), /bad\.jsonl:2: the score of "a"/],
    ['a row with one model', good.replace(',"b":0', ''), /bad\.jsonl:2: .*two models/],
  ])('%s', async (_, line, message) => {
    const path = join(root, 'bad.jsonl');
    await writeFile(path, `${good}\n${line}\n`);
    await expect(loadGradedRows([path])).rejects.toThrow(message);
    await expect(loadGradedRows([path])).rejects.toThrow(InputError);
  });
});

describe('bad rows', () => {
  test('are all named at once, up to ten', async () => {
    const path = join(root, 'many.jsonl');
    await writeFile(path, 'bad\n'.repeat(12));
    const loaded = loadGradedRows([path]);
    await expect(loaded).rejects.toThrow(/many\.jsonl:1: .*many\.jsonl:10: .*And 2 more bad rows/);
  });
});

describe.concurrent('model:train refuses, without a trace,', () => {
  test.each([
    ['no data', [], /--data/],
    ['a bad row', ['--data', badData], /bad-row\.jsonl:1: not JSON/],
    ['a pair that no row knows', ['--data', data, '--strong', 'nobody'], /nobody/],
    ['a model against itself', ['--data', data, '--strong', 'weak', '--weak', 'weak'], /both/],
    ['an embedder that needs calls', ['--data', data, '--embedder', 'azure-openai/x'], /local/],
  ])('%s', async (_, args, message) => {
    const models = join(root, 'refused');
    const { code, stderr } = await trainTo(models, ...args);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
    expect(existsSync(models)).toBe(false);
  });
});

describe('model:evaluate', () => {
  const pair = ['--strong', 'strong', '--weak', 'weak'];

  test('prints a table of the scorer and the baselines, over all rows and per source', async () => {
    const args = ['--data', testData, ...pair, '--scorer', 'tiny', '--models-folder', folder];
    const { code, stdout } = await runTool('model-evaluate', args);
    expect(code).toBe(0);
    const first = stdout.split('\n').map((line) =>
      line
        .split('|')
        .slice(1, 3)
        .map((cell) => cell.trim()),
    );
    for (const router of ['random', 'prompt length', 'tiny']) {
      for (const source of ['all', 'even', 'odd']) expect(first).toContainEqual([router, source]);
    }
  });

  test('measures a trained scorer above random on rows that it has not seen', async () => {
    const args = ['--data', testData, ...pair, '--scorer', 'tiny', '--models-folder', folder];
    const { stdout } = await runTool('model-evaluate', [...args, '--json']);
    const { lines } = JSON.parse(stdout);
    const apgr = (router: string): number =>
      lines.find(
        (line: { router: string; source: string }) =>
          line.router === router && line.source === 'all',
      ).quality.apgr;
    expect(apgr('random')).toBe(0.5);
    expect(apgr('tiny')).toBeGreaterThan(0.65);
  });

  test.each([
    ['a scorer that is not registered', [...pair, '--scorer', 'nobody'], /nobody/],
    ['a pair that no row knows', ['--strong', 'x', '--weak', 'weak'], /No row/],
    ['no pair', [], /--strong/],
  ])('refuses %s', async (_, args, message) => {
    const common = ['--data', testData, '--models-folder', folder];
    const { code, stderr } = await runTool('model-evaluate', [...common, ...args]);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});
