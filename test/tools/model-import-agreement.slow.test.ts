import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { load } from '../../shared/matrix-factorization/scorer.ts';
import { writeProjectionGraph } from '../../tools/model/projection-graph.ts';
import { registerScorer } from '../../tools/model/register-scorer.ts';
import { toScorerFactors } from '../../tools/model/routellm-scorer.ts';
import { parseSafetensors } from '../../tools/model/safetensors.ts';
import {
  createRandom,
  createRouteLlmWeights,
  type RouteLlmWeights,
  toSafetensors,
} from '../fakes/routellm-weights.ts';

const modelCount = 64;
const folder = await mkdtemp(join(tmpdir(), 'smart-router-agreement-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** RouteLLM's formula in float64, written from its definition. */
function expectedLogits(weights: RouteLlmWeights, embedding: Float32Array): number[] {
  const { models, projection, classifier, rank, dimensions } = weights;
  const hidden = Array.from({ length: rank }, (_, row) => {
    let sum = 0;
    for (let column = 0; column < dimensions; column += 1) {
      sum += (projection[row * dimensions + column] ?? 0) * (embedding[column] ?? 0);
    }
    return sum;
  });
  return Array.from({ length: modelCount }, (_, model) => {
    const row = models.subarray(model * rank, (model + 1) * rank);
    const norm = Math.hypot(...row);
    return hidden.reduce(
      (sum, value, index) => sum + (classifier[index] ?? 0) * ((row[index] ?? 0) / norm) * value,
      0,
    );
  });
}

function randomUnitEmbedding(random: () => number, dimensions: number): Float32Array {
  const values = Array.from({ length: dimensions }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    return radius * Math.cos(2 * Math.PI * random());
  });
  const norm = Math.hypot(...values);
  return Float32Array.from(values, (value) => value / norm);
}

async function largestDifference(scale: number): Promise<number> {
  const weights = createRouteLlmWeights({ seed: 11, scale });
  const models = Array.from({ length: modelCount }, (_, index) => `model-${index}`);
  const defaultPair = { strong: 'model-0', weak: 'model-1' };
  const factors = toScorerFactors(parseSafetensors(toSafetensors(weights)), { models: modelCount });
  const header = { id: 'agreement', version: '1', embedder: 'any', models, dimensions: 1536 };
  const entry = await registerScorer({
    modelsFolder: folder,
    header,
    bytes: writeProjectionGraph(header, factors),
    defaultPair,
    trainedOn: 'random weights',
    isReplacing: true,
  });
  const scorer = await load(entry, folder);
  const random = createRandom(5);
  let largest = 0;
  for (let round = 0; round < 5; round += 1) {
    const embedding = randomUnitEmbedding(random, 1536);
    const logits = expectedLogits(weights, embedding);
    for (const [index, strong] of models.entries()) {
      for (const other of [(index + 1) % modelCount, (index * 7 + 3) % modelCount]) {
        if (other === index) continue;
        const weak = models[other] ?? '';
        const winRate = await scorer.predictWinRate(embedding, { strong, weak });
        const difference = (logits[index] ?? 0) - (logits[other] ?? 0);
        largest = Math.max(largest, Math.abs(winRate - 1 / (1 + Math.exp(-difference))));
      }
    }
  }
  return largest;
}

describe('an imported scorer', () => {
  test.each([
    ['small', 0.05],
    ['realistic', 1],
    ['large', 30],
  ])('gives the win rates of the formula to 1e-6 for weights of %s scale', async (_, scale) => {
    expect(await largestDifference(scale)).toBeLessThan(1e-6);
  });
});
