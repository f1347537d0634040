import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InputError } from '../../tools/command-line/input-error.ts';
import { collectRows } from '../../tools/model/evaluation-data.ts';
import { writeProjectionGraph } from '../../tools/model/projection-graph.ts';
import { hashPrompt, toHashList } from '../../tools/model/prompt-hashes.ts';
import { registerScorer } from '../../tools/model/register-scorer.ts';
import { runTool, type ToolResult } from '../fakes/run-tool.ts';

const root = await mkdtemp(join(tmpdir(), 'smart-router-evaluate-'));
const models = join(root, 'models');
const embeddings = join(root, 'embeddings.jsonl');
afterAll(() => rm(root, { recursive: true, force: true }));

type Row = Readonly<Record<string, unknown>> & { readonly id: string };

/** Rows in falling order of win rate, with gaps 1, 0, 0 and 1: APGR 0.5, CPT(50%) 0.25, CPT(80%) 0.9. */
const costs = { strong: 10, weak: 2 };
const FOUR: readonly Row[] = [
  { id: '4', prompt: 'one', scores: { strong: 1, weak: 0 }, costs },
  { id: '3', prompt: 'two', scores: { strong: 1, weak: 1 }, costs },
  { id: '2', prompt: 'three', scores: { strong: 0, weak: 0 }, costs },
  { id: '1', prompt: 'four', scores: { strong: 1, weak: 0, other: 1 }, costs },
];

type RegisterOptions = { readonly embedder?: string; readonly promptHashes?: Uint32Array };

/**
 * Registers a scorer with one dimension, so that the win rate of strong over weak is the sigmoid of
 * the embedding.
 */
function register(
  id: string,
  names: readonly string[],
  { embedder = 'test/ids', promptHashes }: RegisterOptions = {},
): Promise<unknown> {
  const [strong = '', weak = ''] = names;
  const header = { id, version: '2', embedder, models: names, dimensions: 1 };
  return registerScorer({
    modelsFolder: models,
    header,
    bytes: writeProjectionGraph(header, {
      projection: Float32Array.of(1),
      modelFactors: Float64Array.from(names, (_, index) => (index === 0 ? 1 : 0)),
    }),
    defaultPair: { strong, weak },
    trainedOn: 'nothing',
    ...(promptHashes && { training: { promptHashes } }),
  });
}

let files = 0;
async function write(rows: readonly Row[]): Promise<string> {
  files += 1;
  const path = join(root, `data-${files}.jsonl`);
  await writeFile(path, rows.map((row) => JSON.stringify(row)).join('\n'));
  return path;
}

function evaluate(data: string, ...args: readonly string[]): Promise<ToolResult> {
  const common = ['--models-folder', models, '--embeddings', embeddings, '--data', data];
  const scorer = args.includes('--scorer') ? [] : ['--scorer', 'exact'];
  const pair = args.includes('--strong') ? [] : ['--strong', 'strong', '--weak', 'weak'];
  return runTool('model-evaluate', [...common, ...scorer, ...pair, ...args]);
}

async function linesOf(data: string, ...args: readonly string[]): Promise<Line[]> {
  const { code, stdout, stderr } = await evaluate(data, '--json', ...args);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout).lines;
}
type Line = {
  readonly router: string;
  readonly source: string;
  readonly costBasis: string;
  readonly calibrationError?: number;
  readonly quality?: Readonly<Record<'apgr' | 'cpt50' | 'cpt80' | 'saved', number>>;
  readonly intervals?: Readonly<Record<'apgr' | 'saved', readonly [number, number]>>;
};

function pick(lines: readonly Line[], router: string, source = 'all'): Line {
  const line = lines.find((one) => one.router === router && one.source === source);
  if (line === undefined) throw new Error(`There is no line of ${router} over ${source}.`);
  return line;
}

let four = '';
beforeAll(async () => {
  await register('exact', ['strong', 'weak']);
  await register('stranger', ['big', 'small', 'strong']);
  four = await write(FOUR);
  const known = Array.from({ length: 100 }, (_, index) =>
    // The embedding follows from the id, and is the same for all ids from 50.
    JSON.stringify({ id: String(index), embedding: [index < 50 ? index / 10 : 0] }),
  );
  const header = JSON.stringify({ embedder: 'test/ids', dimensions: 1 });
  await writeFile(embeddings, [header, ...known].join('\n'));
});

describe('model:evaluate', () => {
  test('gives the figures that are computed by hand, with the baselines', async () => {
    const lines = await linesOf(four);
    const exact = pick(lines, 'exact');
    expect(exact.quality?.apgr).toBeCloseTo(0.5, 12);
    expect(exact.quality?.cpt50).toBeCloseTo(0.25, 12);
    expect(exact.quality?.cpt80).toBeCloseTo(0.9, 12);
    // The mean score must be 0.95 x 0.75, which 3.85 strong calls reach: 8 + 8 x 3.85 of 40.
    expect(exact.costBasis).toBe('rows');
    expect(exact.quality?.saved).toBeCloseTo(1 - 38.8 / 40, 12);
    expect(pick(lines, 'random').quality).toMatchObject({ apgr: 0.5, cpt50: 0.5, cpt80: 0.8 });
    expect(pick(lines, 'oracle').quality?.apgr).toBeCloseTo(0.75, 12);
    expect(pick(lines, 'prompt length').quality).toBeDefined();
  });

  test('counts prices that are given before the costs of the rows, else strong calls', async () => {
    const priced = await linesOf(four, '--strong-cost', '4', '--weak-cost', '1');
    expect(pick(priced, 'exact')).toMatchObject({ costBasis: 'prices' });
    expect(pick(priced, 'exact').quality?.saved).toBeCloseTo(1 - (4 + 3 * 3.85) / 16, 12);
    const without = await write(FOUR.map(({ costs: _, ...row }) => row));
    const counted = pick(await linesOf(without), 'exact');
    expect(counted.costBasis).toBe('calls');
    expect(counted.quality?.saved).toBeCloseTo(1 - 3.85 / 4, 12);
  });

  test('reads preferences between the pair, in either order, as scores', async () => {
    const preferences = await write([
      { id: '4', prompt: 'a', model_a: 'strong', model_b: 'weak', winner: 'model_a' },
      { id: '3', prompt: 'b', model_a: 'weak', model_b: 'strong', winner: 'tie' },
      { id: '2', prompt: 'c', model_a: 'strong', model_b: 'weak', winner: 0.5 },
      { id: '1', prompt: 'd', model_a: 'weak', model_b: 'strong', winner: 'model_b' },
      { id: '0', prompt: 'e', model_a: 'weak', model_b: 'other', winner: 'model_b' },
    ]);
    const { quality } = pick(await linesOf(preferences), 'exact');
    expect(quality).toMatchObject({ prompts: 4, gap: 0.5 });
    expect(quality?.apgr).toBeCloseTo(0.5, 12);
  });

  test('measures how far win rates are from what came out', async () => {
    // All win rates are 0.5; in half of the rows only the strong model is right, so the outcome is 0.75.
    const rows = Array.from({ length: 40 }, (_, index) => ({
      id: String(50 + index),
      prompt: `p ${index}`,
      scores: { strong: 1, weak: Number(index < 20) },
    }));
    const lines = await linesOf(await write(rows));
    expect(pick(lines, 'exact').calibrationError).toBeCloseTo(0.25, 12);
    expect(pick(lines, 'prompt length').calibrationError).toBeUndefined();
  });

  test('gives intervals that a seed repeats and that hold the figure', async () => {
    const rows = Array.from({ length: 49 }, (_, index) => ({
      id: String(index),
      prompt: `p ${index}`,
      scores: { strong: 1, weak: Number(index % 7 > index / 7) },
    }));
    const data = await write(rows);
    const first = pick(await linesOf(data), 'exact');
    const [low = 1, high = 0] = first.intervals?.apgr ?? [];
    expect(low).toBeLessThan(first.quality?.apgr ?? 0);
    expect(high).toBeGreaterThan(first.quality?.apgr ?? 1);
    expect(high - low).toBeLessThan(0.4);
    const [again, other, none] = await Promise.all([
      linesOf(data),
      linesOf(data, '--seed', '2'),
      linesOf(data, '--resamples', '0'),
    ]);
    expect(pick(again, 'exact')).toEqual(first);
    expect(pick(other, 'exact').intervals).not.toEqual(first.intervals);
    expect(pick(none, 'exact').intervals).toBeUndefined();
  });

  test('leaves out assumed rows, and measures a source only with enough rows', async () => {
    const data = await write([
      ...FOUR.map((row) => ({ ...row, source: 'graded' })),
      { id: '9', source: 'belief', prompt: 'p', scores: { strong: 0, weak: 1 }, assumed: true },
    ]);
    const lines = await linesOf(data);
    expect(pick(lines, 'exact').quality).toMatchObject({ prompts: 4 });
    expect(pick(lines, 'exact', 'graded').quality).toBeUndefined();
    expect(lines.some(({ source }) => source === 'belief')).toBe(false);
    const more = await linesOf(data, '--min-rows', '4');
    expect(pick(more, 'exact', 'graded').quality?.apgr).toBeCloseTo(0.5, 12);
  });

  test('tells how often one source has higher win rates than another', async () => {
    const believed = { prompt: 'p', scores: { strong: 1, weak: 0 }, assumed: true };
    const data = await write([
      { ...believed, id: '1', source: 'easy' },
      { ...believed, id: '3', source: 'easy' },
      { ...believed, id: '2', source: 'hard' },
      { ...believed, id: '4', source: 'hard' },
    ]);
    const { stdout, code } = await evaluate(data, '--auc', 'easy:hard');
    expect(code).toBe(0);
    expect(stdout).toContain('exact: AUC 0.750 of hard above easy.');
    expect(stdout).toContain('prompt length: AUC 0.500 of hard above easy.');
  });

  test('takes the pair of a scorer that is nearest, or the two of its models that are named', async () => {
    const nearest = await evaluate(four, '--scorer', 'stranger', '--json');
    expect(JSON.parse(nearest.stdout).scorers).toMatchObject([
      { name: 'stranger', pair: { strong: 'strong', weak: 'small' } },
    ]);
    expect(nearest.stderr).toContain(
      'stranger predicts strong over small, as nearest to strong and weak (--scorer-strong and --scorer-weak choose others).',
    );
    const named = ['--scorer', 'stranger@2', '--scorer-strong', 'big', '--scorer-weak', 'strong'];
    const standIns = await evaluate(four, ...named, '--json');
    expect(JSON.parse(standIns.stdout).scorers).toMatchObject([
      { name: 'stranger@2', pair: { strong: 'big', weak: 'strong' } },
    ]);
  });

  test('compares scorers of other models and embedders, each with its own pair and embeddings', async () => {
    await register('elsewhere', ['large', 'tiny'], { embedder: 'test/other' });
    const other = join(root, 'of-other.jsonl');
    // These embeddings order the four prompts the other way round.
    const lines = ['1', '2', '3', '4'].map((id) =>
      JSON.stringify({ id, embedding: [-Number(id)] }),
    );
    const header = JSON.stringify({ embedder: 'test/other', dimensions: 1 });
    await writeFile(other, [header, ...lines].join('\n'));
    const { code, stdout, stderr } = await evaluate(
      four,
      ...['--scorer', 'exact', '--scorer', 'stranger', '--scorer', 'elsewhere'],
      ...['--scorer-strong', 'stranger=big', '--scorer-weak', 'stranger=small'],
      ...['--embeddings', `elsewhere=${other}`, '--json'],
    );
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const { scorers, lines: found, curves } = JSON.parse(stdout);
    expect(scorers).toMatchObject([
      { name: 'exact', embedder: 'test/ids', pair: { strong: 'strong', weak: 'weak' } },
      { name: 'stranger', embedder: 'test/ids', pair: { strong: 'big', weak: 'small' } },
      { name: 'elsewhere', embedder: 'test/other', pair: { strong: 'large', weak: 'tiny' } },
    ]);
    expect(curves[0].curves.map(({ router }: Line) => router)).toEqual(
      expect.arrayContaining(['exact', 'stranger', 'elsewhere']),
    );
    // The gaps 1, 0, 0 and 1 are the same from either end.
    for (const { name } of scorers) expect(pick(found, name).quality?.apgr).toBeCloseTo(0.5, 12);
  });

  test('warns of prompts that a scorer was trained on, and says where that is not known', async () => {
    await register('learned', ['strong', 'weak'], {
      promptHashes: toHashList(['One!', 'two', 'nine'].map(hashPrompt)),
    });
    const { stdout, stderr } = await evaluate(four, '--scorer', 'learned', '--scorer', 'exact');
    expect(stderr).toContain('WARNING: learned was trained on 2 of the measured prompts.');
    expect(stdout).toContain(
      'WARNING: learned was trained on 2 of these 4 prompts, so its figures are too good (nothing).',
    );
    expect(stdout).toMatch(/exact: not known whether it was trained on any of these prompts/);
    const others = await write(FOUR.map((row) => ({ ...row, prompt: `other ${row.id}` })));
    const unseen = await evaluate(others, '--scorer', 'learned');
    expect(unseen.stdout).toContain('learned: trained on none of these prompts (nothing).');
    expect(unseen.stderr).not.toContain('WARNING');
  });

  test('leaves out as many bad lines as are tolerated', async () => {
    const path = join(root, 'bad-line.jsonl');
    await writeFile(path, `${await readFile(four, 'utf8')}\n{"prompt":"p"}\n`);
    const refused = await evaluate(path);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/bad-line\.jsonl:5: a row needs either scores/);
    const tolerated = await evaluate(path, '--max-bad-lines', '1');
    expect(tolerated.code).toBe(0);
    expect(tolerated.stderr.match(/bad-line\.jsonl:5/g)).toHaveLength(1);
  });
});

describe('an evaluation is refused, before anything is scored, for', () => {
  const equal = FOUR.map((row) => ({ ...row, scores: { strong: 0.5, weak: 0.5 } }));
  const worse = FOUR.map((row) => ({ ...row, scores: { strong: 0.2, weak: 0.5 } }));
  const unknown = FOUR.map((row) => ({ ...row, scores: { strong: 1, other: 0 } }));
  const assumed = FOUR.map((row) => ({ ...row, assumed: true }));
  const apart = [
    { ...FOUR[0], id: '1', scores: { strong: 1, other: 0 } },
    { ...FOUR[1], id: '2', scores: { weak: 1, other: 0 } },
  ];

  test.each<[string, readonly Row[], RegExp]>([
    ['scores that are all equal', equal, /score the same on every row/],
    ['a strong model that is worse', worse, /"strong" is not better than "weak".* -0\.300/],
    ['a model that no row knows', unknown, /No row of the data knows "weak".* other, strong/],
    ['a pair that no row grades', apart, /No row of the data grades both/],
    ['rows that are assumed only', assumed, /prove nothing/],
  ])('%s', async (_, rows, message) => {
    const collected = collectRows({
      paths: [await write(rows)],
      tolerance: { maxBad: 0, report: () => undefined },
      pair: { strong: 'strong', weak: 'weak' },
      alsoSources: [],
    });
    await expect(collected).rejects.toThrow(message);
    await expect(collected).rejects.toThrow(InputError);
  });
});

describe.concurrent('model:evaluate refuses, with one line and nothing written,', () => {
  test.each<[string, readonly Row[], readonly string[], RegExp]>([
    ['an empty data set', [], [], /no rows/],
    ['no pair', FOUR, ['--strong', 'strong'], /--weak is missing/],
    ['a pair of one model', FOUR, ['--strong', 'weak', '--weak', 'weak'], /both "weak"/],
    [
      'a pair of one model by two names',
      FOUR,
      ['--strong', 'mixtral-8x7b', '--weak', 'Mixtral-8x7B-Instruct-v0.1'],
      /both "mixtral-8x7b"/,
    ],
    ['a scorer that is not registered', FOUR, ['--scorer', 'nobody'], /nobody/],
    ['another version of a scorer', FOUR, ['--scorer', 'exact@1'], /exact@1/],
    ['a stand-in that the scorer does not know', FOUR, ['--scorer-strong', 'x'], /not know "x"/],
    ['one price alone', FOUR, ['--strong-cost', '1'], /both --strong-cost/],
    ['a price that is no number', FOUR, ['--strong-cost', 'NaN', '--weak-cost', '1'], /NaN/],
    ['--auc with one source', FOUR, ['--auc', 'easy'], /--auc must name two/],
    ['--auc with a source without rows', FOUR, ['--auc', 'easy:hard'], /source "easy"/],
    ['too many resamples', FOUR, ['--resamples', '999999999'], /--resamples/],
  ])('%s', async (_, rows, args, message) => {
    const out = join(root, 'refused');
    const { code, stdout, stderr } = await evaluate(await write(rows), '--out', out, ...args);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(existsSync(out)).toBe(false);
  });

  test('embeddings of another embedder', async () => {
    const other = join(root, 'other-embeddings.jsonl');
    await writeFile(other, '{"embedder":"test/other","dimensions":1}\n');
    const { code, stderr } = await evaluate(four, '--embeddings', other);
    expect(stderr).toMatch(/test\/other, not from test\/ids/);
    expect(code).toBe(2);
  });

  test('embeddings of another dimension', async () => {
    const other = join(root, 'wide-embeddings.jsonl');
    await writeFile(other, '{"embedder":"test/ids","dimensions":3}\n');
    const { code, stderr } = await evaluate(four, '--embeddings', other);
    expect(stderr).toMatch(/3 dimensions; the scorer takes 1/);
    expect(code).toBe(2);
  });

  test('no data', async () => {
    const args = ['--strong', 'a', '--weak', 'b', '--models-folder', models, '--scorer', 'exact'];
    expect(await runTool('model-evaluate', args)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/--data is missing/),
    });
  });
});
