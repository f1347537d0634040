import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openFactorGraph } from '../../shared/matrix-factorization/factor-graph.ts';
import { loadHeldOutScores } from '../../shared/matrix-factorization/held-out-scores.ts';
import { readOnnxParts } from '../../shared/matrix-factorization/onnx-nodes.ts';
import { openOnnxGraph } from '../../shared/matrix-factorization/onnx-runtime.ts';
import { load } from '../../shared/matrix-factorization/scorer.ts';
import {
  findScorer,
  loadRegistry,
  type ScorerEntry,
} from '../../shared/matrix-factorization/scorer-registry.ts';
import { loadLocalEmbedder } from '../../shared/prompt-embedding/local-embedder.ts';
import { gradeAnswers, inventPrompts, toLines } from '../fakes/graded-rows.ts';
import { createRandom, writeRouteLlmWeights } from '../fakes/routellm-weights.ts';
import { runTool, type ToolResult } from '../fakes/run-tool.ts';

const root = await mkdtemp(join(tmpdir(), 'smart-router-from-'));
afterAll(() => rm(root, { recursive: true, force: true }));

const base = findScorer(await loadRegistry('models'), 'local');
const baseName = `local@${base.version}`;
const { strong, weak } = base.defaultPair;
const { embed } = await loadLocalEmbedder('models');
const EMBEDDINGS = inventPrompts(20, 9).map(({ prompt }) => embed(prompt));

let folders = 0;
function newFolder(): string {
  folders += 1;
  return join(root, `models-${folders}`);
}

async function write(name: string, text: string): Promise<string> {
  const path = join(root, name);
  await writeFile(path, text);
  return path;
}

function trainTo(folder: string, data: string, ...args: readonly string[]): Promise<ToolResult> {
  return runTool('model-train', [
    ...['--id', 'ours', '--from', 'local', '--data', data],
    ...['--models-folder', folder, ...args],
  ]);
}

const entryIn = async (folder: string) => findScorer(await loadRegistry(folder), 'ours');

/** Returns rows that grade the base scorer's default pair. */
function gradePair(count: number, seed: number, grade: (row: Invented) => number): string {
  return toLines(
    inventPrompts(count, seed).map((invented) => ({
      source: 'own',
      prompt: invented.prompt,
      scores: { [strong]: 1, [weak]: grade(invented) },
    })),
  );
}
type Invented = ReturnType<typeof inventPrompts>[number];

/** Returns rows of which new models find those prompts hard that the base scorer takes for easy. */
function surprise(count: number, seed: number): string {
  return toLines(
    inventPrompts(count, seed).map((invented) => ({
      source: 'own',
      prompt: invented.prompt,
      scores: gradeAnswers({ ...invented, isHard: !invented.isHard }),
    })),
  );
}

const gradeByWords = ({ isHard, luck }: Invented) => Number(luck < (isHard ? 0.2 : 0.9));

/** Measures scorers on rows that none of them was trained on. */
async function apgrOf(folder: string, data: string, pair: readonly [string, string]) {
  const { stdout, stderr } = await runTool('model-evaluate', [
    ...['--data', data, '--strong', pair[0], '--weak', pair[1], '--json', '--resamples', '0'],
    ...['--scorer', 'ours', '--scorer', 'local', '--models-folder', folder],
  ]);
  if (stdout === '') throw new Error(stderr);
  type Line = { router: string; source: string; quality: { apgr: number } };
  const lines: Line[] = JSON.parse(stdout).lines;
  const of = (router: string) =>
    lines.find((line) => line.router === router && line.source === 'all')?.quality.apgr ?? 0;
  return { ours: of('ours'), local: of('local') };
}

/** Win rates of the first model over some others, for some prompts. */
async function winRates(entry: ScorerEntry, folder: string): Promise<number[]> {
  const scorer = await load(entry, folder);
  const scores = await scorer.score(EMBEDDINGS);
  return scores.flatMap((one) =>
    base.models.map((model) => one?.winRate(base.models[0] ?? '', model) ?? Number.NaN),
  );
}

describe('model:train --from local', () => {
  test('gives the scores of the base scorer when there are no rows, with its calibrations', async () => {
    const folder = newFolder();
    const { code, stderr } = await trainTo(folder, await write('none.jsonl', ''));
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stderr).toContain('No scorer can be recommended: 0 rows grade');
    const entry = await entryIn(folder);
    expect(entry.models).toEqual(base.models);
    expect(entry.calibrations).toEqual(base.calibrations);
    const [own, before] = [await winRates(entry, folder), await winRates(base, 'models')];
    expect(Math.max(...own.map((rate, at) => Math.abs(rate - (before[at] ?? 0))))).toBeLessThan(
      1e-6,
    );
    const scores = await loadHeldOutScores(entry, folder);
    expect(scores?.rows).toBe(base.heldOutScores?.rows);
    expect(entry.trainedOn).toContain(`started from ${baseName}`);
  });

  test('is better than the base scorer with 2,000 rows that tell something, of new models too', async () => {
    const folder = newFolder();
    await cp('models', folder, { recursive: true });
    const data = await write('many.jsonl', surprise(2_000, 1));
    const { code, stdout, stderr } = await trainTo(folder, data);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const entry = await entryIn(folder);
    expect(JSON.parse(stdout)).toEqual(entry);
    expect(entry).toMatchObject({
      models: [...base.models, 'middle', 'strong', 'weak'],
      defaultPair: { strong: 'strong', weak: 'weak' },
      calibrations: [{ id: 'validation', rows: 2_000, outcomes: {} }],
    });
    expect(stderr).toContain(`Use ours@1: it routes these rows better than ${baseName}`);
    for (const router of ['ours@1', baseName, 'prompt length']) {
      expect(stderr).toMatch(
        new RegExp(`^\\| ${router} +\\| all +\\| \\d+ .*\\d\\.\\d{3} \\(`, 'm'),
      );
    }
    const fresh = await write('fresh.jsonl', surprise(600, 2));
    const apgr = await apgrOf(folder, fresh, ['strong', 'weak']);
    expect(apgr.ours).toBeGreaterThan(apgr.local + 0.2);
    const bytes = await readFile(join(folder, entry.file));
    const here = openFactorGraph(readOnnxParts(bytes), entry);
    const runtime = await openOnnxGraph(bytes, entry, entry.file);
    const [rows, expected] = [await here?.(EMBEDDINGS), await runtime(EMBEDDINGS)];
    for (const [at, row] of (rows ?? []).entries()) {
      for (const model of entry.models.keys()) {
        expect(row.logit(model)).toBeCloseTo(expected[at]?.logit(model) ?? Number.NaN, 4);
      }
    }
    const card = await readFile(join(folder, 'ours/1/card.md'), 'utf8');
    expect(card).toContain(`the scorer \`${baseName}\`, with a correction by a linear head`);
    expect(card).toContain('Use ours@1: it routes');
  });

  test.each([1, 2, 3])(
    'is no worse than the base scorer with 100 rows of random grades (seed %i)',
    async (seed) => {
      const folder = newFolder();
      await cp('models', folder, { recursive: true });
      const random = createRandom(seed);
      const data = await write(
        `random-${seed}.jsonl`,
        gradePair(100, seed, () => Number(random() < 0.5)),
      );
      await trainTo(folder, data, '--even-if-worse');
      const fresh = await write(`real-${seed}.jsonl`, gradePair(600, seed + 10, gradeByWords));
      const apgr = await apgrOf(folder, fresh, [strong, weak]);
      expect(apgr.ours).toBeGreaterThan(apgr.local - 0.01);
    },
  );

  test('starts from any factorization, and again from what came of it', async () => {
    const folder = newFolder();
    await cp('models', folder, { recursive: true });
    const data = await write('again.jsonl', gradePair(800, 4, gradeByWords));
    await trainTo(folder, data);
    const second = await runTool('model-train', [
      ...['--id', 'ours', '--scorer-version', '2', '--from', 'ours@1', '--data', data],
      ...['--models-folder', folder, '--even-if-worse'],
    ]);
    expect(second).toMatchObject({ code: 0 });
    expect(second.stderr).toMatch(/^\| ours@1 +\| all /m);
    const { scorers } = await loadRegistry(folder);
    expect(scorers.map(({ id, version }) => `${id}@${version}`)).toEqual(
      expect.arrayContaining([baseName, 'ours@1', 'ours@2']),
    );
    await expect(load(await entryIn(folder), folder)).resolves.toBeDefined();
  });
});

describe('a training is refused, and changes nothing, that', () => {
  test('gives a scorer worse than the length of the prompt, unless that is wanted', async () => {
    const folder = newFolder();
    const words = (count: number) => Array.from({ length: count }, () => 'word').join(' ');
    // All prompts look alike but for their length, and a few rows teach less than they tell.
    const rows = Array.from({ length: 80 }, (_, row) => ({
      prompt: `${row % 2 ? 'Derive' : 'Hello'} ${row}: ${words(3 + ((row * 7) % 20))}`,
      scores: { [strong]: 1, [weak]: Number((row * 7) % 20 < 10) },
    }));
    const data = await write('lengths.jsonl', toLines(rows));
    const refused = await trainTo(folder, data);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('Do not use ours@1: the length of the prompt alone routes');
    expect(refused.stderr).toMatch(/Error: Nothing was registered or changed, .*--even-if-worse\./);
    await expect(readdir(folder)).rejects.toThrow();
    expect(await trainTo(folder, data, '--even-if-worse')).toMatchObject({ code: 0 });
  });

  test('starts from a scorer of another form, or none, or names what only a new one has', async () => {
    const folder = newFolder();
    const weights = join(root, 'weights.safetensors');
    await writeRouteLlmWeights(weights, { seed: 3 });
    const embedder = ['--embedder', 'azure-openai/text-embedding-3-small'];
    await runTool('model-import', [weights, ...embedder, '--models-folder', folder]);
    const data = await write('few.jsonl', gradePair(40, 4, gradeByWords));
    const refuse = async (...args: readonly string[]) => {
      const { code, stdout, stderr } = await trainTo(folder, data, ...args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      return stderr;
    };
    expect(await refuse('--from', 'routellm')).toContain(
      '--from needs a scorer that model:train made by factorization, and routellm is none',
    );
    expect(await refuse('--from', 'nobody')).toContain('--from names "nobody"');
    expect(await refuse('--strategy', 'clusters')).toContain('--strategy is that of the scorer');
    expect((await loadRegistry(folder)).scorers).toHaveLength(1);
  });
});
