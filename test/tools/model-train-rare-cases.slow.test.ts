import { expect, test } from 'vitest';
import { openEmbedder } from '../../tools/model/embedders.ts';
import { parseRoutingRow } from '../../tools/model/routing-rows.ts';
import { STRATEGIES, trainScorer } from '../../tools/model/train-scorer.ts';
import { createTrainingSet } from '../../tools/model/training-set.ts';
import { gradeAnswers, inventPrompts } from '../fakes/graded-rows.ts';

type Invented = ReturnType<typeof inventPrompts>[number];

const embedder = await openEmbedder({ embedder: 'local' });
const toRow = (invented: Invented) =>
  parseRoutingRow({ prompt: invented.prompt, scores: gradeAnswers(invented) });

test.each(STRATEGIES)('%s trains although a held-out row alone knows a model', async (strategy) => {
  const rows = inventPrompts(200, 1).map(toRow);
  const { heldOutRows } = await createTrainingSet({ train: [rows], test: [] }, embedder);
  const scores = new Map([
    ['rare', 1],
    ['weak', 0],
  ]);
  const rare = rows.map((row, index) => (index === heldOutRows[0] ? { ...row, scores } : row));
  const set = await createTrainingSet({ train: [rare], test: [] }, embedder);
  expect(set.heldOutRows).toHaveLength(heldOutRows.length - 1);
  const { winRateOf } = trainScorer(set, { strategy, seed: 1 });
  const winRates = [...set.heldOutRows].map((row) => winRateOf(row, 1, 2));
  expect(winRates.every((winRate) => winRate > 0 && winRate < 1)).toBe(true);
});

test('two models that are equally good, but on different prompts, are told apart', async () => {
  const prompts = inventPrompts(300, 1);
  const sides = [true, false].map((isHard) => prompts.filter((one) => one.isHard === isHard));
  const count = Math.min(...sides.map(({ length }) => length));
  const rows = sides
    .flatMap((side) => side.slice(0, count))
    .map(({ prompt, isHard }) =>
      parseRoutingRow({ prompt, scores: { a: Number(isHard), b: Number(!isHard) } }),
    );
  const set = await createTrainingSet({ train: [rows], test: [] }, embedder);
  const { winRateOf } = trainScorer(set, { strategy: 'factorization', seed: 1 });
  const winRates = [...set.heldOutRows].map((row) => winRateOf(row, 0, 1));
  expect(Math.max(...winRates) - Math.min(...winRates)).toBeGreaterThan(0.2);
});
