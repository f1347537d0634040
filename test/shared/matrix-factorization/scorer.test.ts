import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../../../shared/base/errors.ts';
import { load } from '../../../shared/matrix-factorization/scorer.ts';
import type { ScorerEntry } from '../../../shared/matrix-factorization/scorer-registry.ts';
import { writeProjectionGraph } from '../../../tools/model/projection-graph.ts';
import { registerScorer } from '../../../tools/model/register-scorer.ts';
import { toScorerFactors } from '../../../tools/model/routellm-scorer.ts';
import { parseSafetensors } from '../../../tools/model/safetensors.ts';
import {
  createRandom,
  createRouteLlmWeights,
  toSafetensors,
} from '../../fakes/routellm-weights.ts';
import { startProcessorClock } from '../../support/processor-time.ts';

const DIMENSIONS = 32;
const models = ['a', 'b', 'c', 'd'];
const folder = await mkdtemp(join(tmpdir(), 'smart-router-scorer-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const weights = createRouteLlmWeights({ seed: 3, dimensions: DIMENSIONS, modelCount: 4 });
const header = { id: 'real', version: '2', embedder: 'any', models, dimensions: DIMENSIONS };
const entry = await registerScorer({
  modelsFolder: folder,
  header,
  bytes: writeProjectionGraph(
    header,
    toScorerFactors(parseSafetensors(toSafetensors(weights)), { models: 4 }),
  ),
  defaultPair: { strong: 'a', weak: 'b' },
  trainedOn: 'random weights',
});

const random = createRandom(9);
const randomEmbedding = () =>
  Float32Array.from({ length: DIMENSIONS }, () => (2 * random() - 1) / Math.sqrt(DIMENSIONS));

/** Loads the real file with an entry that does not match it. */
async function refusal(wrong: Partial<ScorerEntry>): Promise<string> {
  const error: unknown = await load({ ...entry, ...wrong }, folder).catch(
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(ConfigError);
  return String(error);
}

describe('a loaded scorer', () => {
  test('has a name with its version', async () => {
    expect(await load(entry, folder)).toMatchObject({ name: 'real@2', dimensions: DIMENSIONS });
  });

  test('gives a pair and its reverse win rates that sum to 1', async () => {
    const scorer = await load(entry, folder);
    for (let round = 0; round < 20; round += 1) {
      const embedding = randomEmbedding();
      const winRate = await scorer.predictWinRate(embedding, { strong: 'a', weak: 'c' });
      const reverse = await scorer.predictWinRate(embedding, { strong: 'c', weak: 'a' });
      expect(winRate + reverse).toBeCloseTo(1, 12);
      expect(winRate).toBeGreaterThan(0);
      expect(winRate).toBeLessThan(1);
    }
  });

  test('gives a half for a model over itself, and for an empty prompt', async () => {
    const scorer = await load(entry, folder);
    const self = { strong: 'd', weak: 'd' };
    expect(await scorer.predictWinRate(randomEmbedding(), self)).toBe(0.5);
    expect(await scorer.predictWinRate(new Float32Array(DIMENSIONS), entry.defaultPair)).toBe(0.5);
  });

  test('keeps concurrent calls apart', async () => {
    const scorer = await load(entry, folder);
    const embeddings = Array.from({ length: 16 }, randomEmbedding);
    const together = await Promise.all(
      embeddings.map((embedding) => scorer.predictWinRate(embedding, entry.defaultPair)),
    );
    for (const [index, embedding] of embeddings.entries()) {
      expect(await scorer.predictWinRate(embedding, entry.defaultPair)).toBe(together[index]);
    }
    expect(new Set(together).size).toBe(16);
  });

  test('gives a prompt the same in a batch as alone', async () => {
    const scorer = await load(entry, folder);
    const embeddings = Array.from({ length: 100 }, randomEmbedding);
    const pair = { strong: 'c', weak: 'd' };
    const predictions = await scorer.predict(embeddings, pair);
    expect(predictions).toHaveLength(100);
    for (const [index, embedding] of embeddings.entries()) {
      const alone = await scorer.predictWinRate(embedding, pair);
      expect(predictions[index]?.winRate).toBeCloseTo(alone, 6);
    }
  });

  test('throws for a batch with an embedding of another length', async () => {
    const scorer = await load(entry, folder);
    const lengths = [DIMENSIONS, DIMENSIONS - 1, DIMENSIONS + 1];
    const embeddings = lengths.map((length) => new Float32Array(length));
    await expect(scorer.predict(embeddings, entry.defaultPair)).rejects.toThrow(
      `takes ${DIMENSIONS} dimensions, got ${DIMENSIONS - 1}`,
    );
  });

  test('answers its first call fast, because it was run before', async () => {
    const scorer = await load(entry, folder);
    const processorMs = startProcessorClock();
    await scorer.predictWinRate(randomEmbedding(), entry.defaultPair);
    expect(processorMs()).toBeLessThan(500);
  });

  test('throws for a model that it does not know', async () => {
    const scorer = await load(entry, folder);
    const pair = { strong: 'a', weak: 'gpt-9' };
    await expect(scorer.predictWinRate(randomEmbedding(), pair)).rejects.toThrow(
      'does not know gpt-9',
    );
  });

  test.each([DIMENSIONS - 1, DIMENSIONS + 1, 2 * DIMENSIONS, 0])(
    'throws for an embedding of %d numbers',
    async (length) => {
      const scorer = await load(entry, folder);
      const embedding = new Float32Array(length);
      await expect(scorer.predictWinRate(embedding, entry.defaultPair)).rejects.toThrow();
    },
  );

  test.each([Number.NaN, Number.POSITIVE_INFINITY])(
    'throws instead of a win rate that is not a number, for %d',
    async (value) => {
      const scorer = await load(entry, folder);
      const embedding = new Float32Array(DIMENSIONS).fill(value);
      await expect(scorer.predictWinRate(embedding, entry.defaultPair)).rejects.toThrow();
    },
  );
});

describe('a file that does not match its entry', () => {
  test('is refused for its hash', async () => {
    const text = await refusal({ sha256: 'f'.repeat(64) });
    expect(text).toContain(entry.sha256);
    expect(text).toContain('f'.repeat(64));
  });

  test('is refused when it is missing', async () => {
    expect(await refusal({ file: 'real/other.onnx' })).toContain('real cannot be read');
  });

  test.each(['', 'this is no model', '{}'])(
    'is refused when it is not ONNX: "%s"',
    async (text) => {
      const bytes = Buffer.from(text);
      await writeFile(join(folder, 'other.onnx'), bytes);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      expect(await refusal({ file: 'other.onnx', sha256 })).toMatch(/other\.onnx/);
    },
  );

  test('is refused when it is cut short', async () => {
    const bytes = (await readFile(join(folder, entry.file))).subarray(0, -100);
    await writeFile(join(folder, 'cut.onnx'), bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    expect(await refusal({ file: 'cut.onnx', sha256 })).toContain('not an ONNX model');
  });

  test('is refused for its dimensions', async () => {
    expect(await refusal({ dimensions: 16 })).toMatch(
      /input "embedding" must be float32 \[batch, 16\].*32/,
    );
  });

  test('is refused for its number of models', async () => {
    expect(await refusal({ models: ['a', 'b', 'c'] })).toMatch(
      /output "scores" must be float32 \[batch, 3\].*4/,
    );
  });

  test('is refused for both in one error', async () => {
    const text = await refusal({ dimensions: 16, models: ['a', 'b'] });
    expect(text).toContain('2 problem(s)');
  });
});
