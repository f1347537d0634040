import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { load } from '../../shared/matrix-factorization/scorer.ts';
import {
  loadRegistry,
  type ScorerEntry,
} from '../../shared/matrix-factorization/scorer-registry.ts';
import { loadLocalEmbedder } from '../../shared/prompt-embedding/local-embedder.ts';
import {
  createGradedRows,
  EASY_PROMPT,
  gradeAnswers,
  HARD_PROMPT,
  inventPrompts,
  toLines,
} from '../fakes/graded-rows.ts';
import { runTool } from '../fakes/run-tool.ts';

const root = await mkdtemp(join(tmpdir(), 'smart-router-train-data-'));
const { embed } = await loadLocalEmbedder('models');
afterAll(() => rm(root, { recursive: true, force: true }));

let files = 0;
async function write(content: string): Promise<string> {
  files += 1;
  const path = join(root, `data-${files}.jsonl`);
  await writeFile(path, content);
  return path;
}

type Trained = {
  readonly entry: ScorerEntry;
  readonly stderr: string;
  readonly card: string;
  winRate(prompt: string, strong: string, weak: string): Promise<number>;
};

let runs = 0;
async function train(data: readonly string[], ...args: readonly string[]): Promise<Trained> {
  runs += 1;
  const models = join(root, `models-${runs}`);
  const { code, stderr } = await runTool('model-train', [
    ...['--id', 'tiny', '--models-folder', models, '--folds', '2', '--even-if-worse'],
    ...data.flatMap((path) => ['--data', path]),
    ...args,
  ]);
  if (code !== 0) throw new Error(stderr);
  const [entry] = (await loadRegistry(models)).scorers;
  if (entry === undefined) throw new Error('nothing was registered');
  const scorer = await load(entry, models);
  return {
    entry,
    stderr,
    card: await readFile(join(models, 'tiny', '1', 'card.md'), 'utf8'),
    winRate: (prompt, strong, weak) => scorer.predictWinRate(embed(prompt), { strong, weak }),
  };
}

/** Returns the models of a card, the strongest first. */
function orderIn(card: string): string[] {
  const [, section = ''] = card.split('## Strengths of the models\n');
  return [...(section.split('\n##')[0] ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
}

/**
 * Creates preferences of strong over weak: always preferred on a hard prompt, equally good on an
 * easy one.
 */
function createPreferences(count: number, seed: number): string {
  return toLines(
    inventPrompts(count, seed).map(({ id, prompt, isHard }, index) =>
      index % 2
        ? { id, prompt, model_a: 'strong', model_b: 'weak', winner: isHard ? 'model_a' : 'tie' }
        : { id, prompt, model_a: 'weak', model_b: 'strong', winner: isHard ? 0 : 0.5 },
    ),
  );
}

describe('preferences', () => {
  test('alone teach which prompts need the strong model, with ties as half wins', async () => {
    const { entry, winRate } = await train([await write(createPreferences(400, 1))]);
    expect(entry).toMatchObject({
      models: ['strong', 'weak'],
      defaultPair: { strong: 'strong', weak: 'weak' },
    });
    const hard = await winRate(HARD_PROMPT, 'strong', 'weak');
    const easy = await winRate(EASY_PROMPT, 'strong', 'weak');
    expect(hard).toBeGreaterThan(0.7);
    expect(easy).toBeLessThan(hard - 0.1);
    expect(easy).toBeGreaterThan(0.45);
  });

  test('and scores are learned from together, and tell apart models that no row has both of', async () => {
    // The scores include strong, middle and weak; only preferences include the worst, against weak.
    const worse = toLines(
      inventPrompts(300, 3).map(({ id, prompt, luck }) => ({
        id,
        prompt,
        model_a: 'weak',
        model_b: 'worst',
        winner: luck < 0.8 ? 'model_a' : 'model_b',
      })),
    );
    const { entry, card, winRate } = await train([
      await write(createGradedRows(400, 2)),
      await write(worse),
    ]);
    expect(entry.models).toEqual(['middle', 'strong', 'weak', 'worst']);
    expect(entry.trainedOn).toMatch(/^700 rows: data-\d+\.jsonl, data-\d+\.jsonl$/);
    expect(orderIn(card)).toEqual(['strong', 'middle', 'weak', 'worst']);
    for (const prompt of [HARD_PROMPT, EASY_PROMPT]) {
      expect(await winRate(prompt, 'strong', 'worst')).toBeGreaterThan(
        await winRate(prompt, 'strong', 'weak'),
      );
    }
  });

  test('that are all ties leave two models as good as each other', async () => {
    const ties = toLines(
      inventPrompts(300, 4).map(({ id, prompt }) => ({
        id,
        prompt,
        model_a: 'strong',
        model_b: 'twin',
        winner: 'tie',
      })),
    );
    const data = [await write(createGradedRows(400, 2)), await write(ties)];
    const { winRate } = await train(data, '--strong', 'twin', '--weak', 'weak');
    for (const prompt of [HARD_PROMPT, EASY_PROMPT]) {
      expect(Math.abs((await winRate(prompt, 'strong', 'twin')) - 0.5)).toBeLessThan(0.05);
      const overWeak = await winRate(prompt, 'twin', 'weak');
      expect(overWeak).toBeCloseTo(await winRate(prompt, 'strong', 'weak'), 1);
    }
  });
});

describe('rows', () => {
  test('that know two of the models each teach all of them', async () => {
    const names = ['best', 'good', 'fair', 'poor'];
    const rows = inventPrompts(600, 5).map(({ id, prompt, isHard, luck }, index) => {
      const score = (model: number): number =>
        Number((luck * 100 * (model + 1)) % 1 < (isHard ? 0.9 - 0.25 * model : 0.95));
      const first = index % 3;
      const scores = {
        [`${names[first]}`]: score(first),
        [`${names[first + 1]}`]: score(first + 1),
      };
      return { id, prompt, scores };
    });
    const { entry, card, winRate } = await train([await write(toLines(rows))]);
    expect(orderIn(card)).toEqual(names);
    expect(entry.defaultPair.strong).not.toBe(entry.defaultPair.weak);
    expect(await winRate(HARD_PROMPT, 'best', 'poor')).toBeGreaterThan(
      (await winRate(EASY_PROMPT, 'best', 'poor')) + 0.04,
    );
  });

  test('may hold a model that hardly any other row knows', async () => {
    const lines = inventPrompts(300, 6).map((invented, index) => ({
      id: invented.id,
      prompt: invented.prompt,
      scores: { ...gradeAnswers(invented), ...(index % 20 === 0 && { rare: 1 }) },
    }));
    const { entry } = await train([await write(toLines(lines))]);
    expect(entry.models).toContain('rare');
    // Too few rows know it for the default pair.
    expect(entry.defaultPair).toEqual({ strong: 'strong', weak: 'weak' });
  });

  test('name a model as they like: names of the same weights are one model', async () => {
    const lines = inventPrompts(120, 7).map((invented, index) => {
      const { strong, weak } = gradeAnswers(invented);
      const name = index % 3 ? 'mixtral-8x7b' : 'Mixtral-8x7B-Instruct-v0.1';
      return { id: invented.id, prompt: invented.prompt, scores: { [name]: weak, strong } };
    });
    const data = [await write(toLines(lines))];
    const { entry } = await train(data, '--weak', 'Mixtral-8x7B-Instruct-v0.1');
    expect(entry.models).toEqual(['mixtral-8x7b', 'strong']);
    expect(entry.defaultPair).toEqual({ strong: 'strong', weak: 'mixtral-8x7b' });
  });

  test('that are assumed are learned from and counted, and are in no figure', async () => {
    const assumed = inventPrompts(200, 8).map((invented) => ({
      id: invented.id,
      source: 'own-talk',
      prompt: invented.prompt,
      scores: { strong: 1, weak: Number(!invented.isHard) },
      assumed: true,
    }));
    const data = [await write(createGradedRows(200, 9)), await write(toLines(assumed))];
    const { entry, card } = await train(data);
    expect(entry.trainedOn).toMatch(/^400 rows/);
    expect(card).toMatch(/\| own-talk 200 \| assumed by the authors/);
    const { validation } = entry.figures as { validation: Record<string, { prompts: number }> };
    expect(Object.keys(validation).sort()).toEqual(['all', 'even', 'odd']);
    expect(validation['all']?.prompts).toBeLessThan(50);
  });
});

describe('--max-rows', () => {
  test('keeps an even sample, says so, and the same one for the same seed', async () => {
    const halves = inventPrompts(500, 10).map((invented, index) => ({
      id: invented.id,
      source: index < 250 ? 'first' : 'last',
      prompt: invented.prompt,
      scores: gradeAnswers(invented),
    }));
    const path = await write(toLines(halves));
    const { entry, card, stderr } = await train([path], '--max-rows', '160');
    expect(stderr).toContain(`Kept 160 of the 500 rows of ${path}.`);
    expect(entry.trainedOn).toMatch(/^160 rows/);
    const [, first = '', last = ''] = /\| first (\d+), last (\d+) \|/.exec(card) ?? [];
    expect(Number(first) + Number(last)).toBe(160);
    // 80 expected; 5 standard deviations of a sample without replacement are 26.
    expect(Math.abs(Number(first) - 80)).toBeLessThan(26);
    const again = await train([path], '--max-rows', '160');
    expect(again.entry.sha256).toBe(entry.sha256);
    const enough = await train([path], '--max-rows', '500');
    expect(enough.stderr).not.toContain('Kept 500');
  });
});

describe('--max-bad-lines', () => {
  test('leaves out so many, and names the place of each', async () => {
    const [good = '', ...others] = createGradedRows(150, 11).trim().split('\n');
    const bad = '{"prompt": "the secret words", "scores": {"strong": NaN, "weak": 0}}';
    const path = await write([good, bad, ...others, '[]'].join('\n'));
    const { entry, stderr } = await train([path], '--max-bad-lines', '2');
    expect(entry.trainedOn).toMatch(/^150 rows/);
    for (const line of [2, 152]) expect(stderr).toContain(`${path}:${line}: `);
    expect(stderr).not.toContain('secret');
  });
});
