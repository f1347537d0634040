import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { load } from '../../shared/matrix-factorization/scorer.ts';
import { findScorer, loadRegistry } from '../../shared/matrix-factorization/scorer-registry.ts';
import { loadLocalEmbedder } from '../../shared/prompt-embedding/local-embedder.ts';
import { toLines } from '../fakes/graded-rows.ts';
import { createRandom } from '../fakes/routellm-weights.ts';
import { runTool, type ToolResult } from '../fakes/run-tool.ts';

const root = await mkdtemp(join(tmpdir(), 'smart-router-topics-'));
afterAll(() => rm(root, { recursive: true, force: true }));

const data = join(root, 'train.jsonl');
const leftOut = join(root, 'left-out.json');
const folder = join(root, 'models');
const WORDS = {
  law: ['tenant', 'clause', 'contract', 'liability', 'court', 'lease'],
  sums: ['matrix', 'integral', 'sum', 'root', 'equation', 'prime'],
};
type Topic = keyof typeof WORDS;

/** Rows of two topics. The lawyer and the engineer are equally strong, each at another topic. */
function rowsOfTwoTopics(count: number): string {
  const random = createRandom(1);
  const chance = (probability: number): number => Number(random() < probability);
  const rows = Array.from({ length: count }, (_, index) => {
    const topic: Topic = index % 2 ? 'law' : 'sums';
    const words = Array.from({ length: 7 }, () => WORDS[topic][Math.floor(random() * 6)]);
    return {
      id: String(index),
      source: 'exam',
      category: topic,
      prompt: words.join(' '),
      scores: {
        best: chance(0.9),
        lawyer: chance(topic === 'law' ? 0.9 : 0.3),
        engineer: chance(topic === 'law' ? 0.3 : 0.9),
        worst: chance(0.2),
        base: chance(0.1),
      },
    };
  });
  return toLines(rows);
}

function train(...args: readonly string[]): Promise<ToolResult> {
  return runTool('model-train', [
    ...['--id', 'tiny', '--data', data, '--models-folder', folder, '--replace'],
    ...args,
  ]);
}

let trained: ToolResult;
beforeAll(async () => {
  await writeFile(data, rowsOfTwoTopics(600));
  await writeFile(leftOut, JSON.stringify(['base']));
  trained = await train('--leave-out', leftOut, '--even-if-worse');
});

test('a scorer tells equally strong models apart by the topics that they are good at', async () => {
  const entry = findScorer(await loadRegistry(folder), 'tiny');
  const scorer = await load(entry, folder);
  const { embed } = await loadLocalEmbedder('models');
  const winRate = (topic: Topic): Promise<number> =>
    scorer.predictWinRate(embed(WORDS[topic].join(' ')), { strong: 'lawyer', weak: 'engineer' });
  expect(await winRate('law')).toBeGreaterThan(0.62);
  expect(await winRate('sums')).toBeLessThan(0.38);
});

test('a scorer does not know the models that --leave-out names', async () => {
  expect(trained.code).toBe(0);
  expect(JSON.parse(trained.stdout).models).toEqual(['best', 'engineer', 'lawyer', 'worst']);
});

test.each([
  ['a file that is no list', '{"base": 1}', /must be a JSON list of models' names/],
  ['a list after which no two models are left', '["best","lawyer","engineer","worst"]', /too few/],
])('--leave-out refuses %s', async (name, content, message) => {
  const path = join(root, `${name}.json`);
  await writeFile(path, content);
  const { code, stderr } = await train('--leave-out', path);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
});

test('--leave-out refuses a file that is not there', async () => {
  const { code, stderr } = await train('--leave-out', join(root, 'missing.json'));
  expect(code).toBe(2);
  expect(stderr).toMatch(/missing\.json \(--leave-out\) cannot be read/);
});
