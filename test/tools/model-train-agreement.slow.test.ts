import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { load, type Scorer } from '../../shared/matrix-factorization/scorer.ts';
import type { ModelPair } from '../../shared/matrix-factorization/scorer-choice.ts';
import { embeddingOf } from '../../tools/model/embedded-rows.ts';
import { openEmbedder } from '../../tools/model/embedders.ts';
import { registerScorer } from '../../tools/model/register-scorer.ts';
import { parseRoutingRow, type RoutingRow } from '../../tools/model/routing-rows.ts';
import { STRATEGIES, type Strategy, trainScorer } from '../../tools/model/train-scorer.ts';
import { createTrainingSet, type TrainingSet } from '../../tools/model/training-set.ts';
import { createGradedRows, inventPrompts } from '../fakes/graded-rows.ts';

const root = await mkdtemp(join(tmpdir(), 'smart-router-train-agreement-'));
afterAll(() => rm(root, { recursive: true, force: true }));

function graded(count: number, seed: number): RoutingRow[] {
  const lines = createGradedRows(count, seed).trim().split('\n');
  return lines.map((line) => parseRoutingRow(JSON.parse(line)));
}

/** A second file makes two heads, and adds a fourth model. */
const preferences = inventPrompts(200, 3).map(({ prompt, isHard }) =>
  parseRoutingRow({ prompt, model_a: 'weak', model_b: 'other', winner: isHard ? 'tie' : 0.8 }),
);

let set: TrainingSet;
beforeAll(async () => {
  const embedder = await openEmbedder({ embedder: 'local' });
  set = await createTrainingSet(
    { train: [graded(400, 1), preferences], test: graded(60, 2) },
    embedder,
  );
});

/** Trains, writes the ONNX file and loads it as the service does. */
async function trainAndLoad(strategy: Strategy) {
  const trained = trainScorer(set, { strategy, seed: 1 });
  const header = {
    id: strategy,
    version: '1',
    embedder: set.embedder,
    models: set.models,
    dimensions: set.embedded.denseColumns + set.embedded.sparseColumns,
  };
  const entry = await registerScorer({
    modelsFolder: root,
    header,
    bytes: trained.writeGraph(header),
    trainedOn: 'inventions',
    defaultPair: { strong: 'strong', weak: 'weak' },
  });
  return { trained, scorer: await load(entry, root) };
}

/**
 * Returns the rows that no head was trained on: for the others, training uses heads that leave them
 * out.
 */
function unseenRows(): number[] {
  return [...set.heldOutRows, ...set.testRows];
}

function predictAll(scorer: Scorer, pair: ModelPair) {
  return scorer.predict(
    unseenRows().map((row) => embeddingOf(set.embedded, row)),
    pair,
  );
}

describe.each(STRATEGIES)('the file of a scorer by %s', (strategy) => {
  test('gives the win rates that training computed, for each pair of models', async () => {
    const { trained, scorer } = await trainAndLoad(strategy);
    expect(set.models).toEqual(['middle', 'other', 'strong', 'weak']);
    for (const strong of set.models.keys()) {
      for (const weak of set.models.keys()) {
        if (strong === weak) continue;
        const pair = { strong: set.models[strong] ?? '', weak: set.models[weak] ?? '' };
        const predictions = await predictAll(scorer, pair);
        const differences = unseenRows().map((row, index) =>
          Math.abs(trained.winRateOf(row, strong, weak) - (predictions[index]?.winRate ?? 2)),
        );
        expect(Math.max(...differences)).toBeLessThan(1e-4);
      }
    }
    const winRates = unseenRows().map((row) => trained.winRateOf(row, 2, 3));
    expect(Math.max(...winRates)).toBeGreaterThan(Math.min(...winRates) + 0.05);
  });
});

describe('a training set', () => {
  test('holds out about one row in eight, and learns from no test row', () => {
    expect(set.trainRows.length + set.heldOutRows.length).toBe(600);
    expect(set.heldOutRows.length).toBeGreaterThan(45);
    expect(set.heldOutRows.length).toBeLessThan(105);
    expect([...set.testRows]).toEqual(Array.from({ length: 60 }, (_, index) => 600 + index));
  });

  test('has a prompt that is in two files on one side in both, whatever its form', async () => {
    const rows = graded(200, 4);
    const shouted = rows.map((row) => ({ ...row, prompt: `${row.prompt.toUpperCase()}!` }));
    const embedder = await openEmbedder({ embedder: 'local' });
    const { heldOutRows } = await createTrainingSet({ train: [rows, shouted], test: [] }, embedder);
    const half = heldOutRows.length / 2;
    expect(half).toBeGreaterThan(10);
    expect([...heldOutRows.slice(half)]).toEqual(
      [...heldOutRows.slice(0, half)].map((row) => 200 + row),
    );
  });

  test('weighs the rows of a small file more, and all together by one each', () => {
    const { weights, trainRows } = set;
    expect(weights[599]).toBeGreaterThan(weights[0] ?? 2);
    expect(trainRows.reduce((sum, row) => sum + (weights[row] ?? 0), 0)).toBeCloseTo(
      trainRows.length,
      1,
    );
  });
});
