import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ENCODER_EMBEDDER } from '../../shared/prompt-embedding/encoder-embedder.ts';
import { type Simulator, startSimulator } from '../../tools/upstream-simulator/simulator.ts';
import { writeRouteLlmWeights } from '../fakes/routellm-weights.ts';
import { takeStorageAccount } from '../support/azurite.ts';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

const azurite = takeStorageAccount();
const modelsFolder = await mkdtemp(join(tmpdir(), 'smart-router-encoder-'));
let simulator: Simulator;

// A scorer of random weights for embeddings with the sentence encoder.
beforeAll(async () => {
  const weights = join(modelsFolder, 'model.safetensors');
  const { id, dimensions } = ENCODER_EMBEDDER;
  await writeRouteLlmWeights(weights, { seed: 7, dimensions });
  await promisify(execFile)(process.execPath, [
    ...['tools/run.mjs', 'model-import', weights, '--embedder', id],
    ...['--id', 'encoder', '--models-folder', modelsFolder],
  ]);
  simulator = await startSimulator();
});
afterAll(async () => {
  await simulator.close();
  await rm(modelsFolder, { recursive: true });
});

function start(settings: Record<string, string> = {}): Promise<Router> {
  return startRouter({
    simulator,
    settings: {
      MODELS_FOLDER: modelsFolder,
      ROUTER_SCORER: 'encoder',
      TABLES_CONNECTION_STRING: azurite.connectionString,
      // Nothing is late on a busy machine.
      EMBEDDING_TIMEOUT_MS: '20000',
      EMBEDDING_CACHE_TIMEOUT_MS: '20000',
      ...settings,
    },
  });
}

async function route(router: Router, prompt: string) {
  const { status, headers } = await post(router.url + ROUTED, { prompt });
  const of = (name: string) => headers.get(`x-smart-router-${name}`);
  return {
    status,
    cache: of('embedding-cache'),
    winRate: Number(of('win-rate')),
    tier: of('tier'),
    reason: of('reason'),
    scorer: of('scorer'),
  };
}

describe('with the scorer on the sentence encoder, the app', () => {
  test('decides by its win rate, without a call, and keeps the encoding for the next start', async () => {
    const prompt = 'Prove that every finite integral domain is a field.';
    const first = await start();
    const hard = await route(first, prompt);
    expect(hard).toMatchObject({ status: 200, cache: 'miss', reason: 'win-rate' });
    expect(hard.scorer).toMatch(/^encoder@/);
    expect(hard.winRate).toBeGreaterThan(0);
    expect(hard.winRate).toBeLessThan(1);
    expect(await route(first, prompt)).toEqual({ ...hard, cache: 'hit' });
    const other = await route(first, 'Hi, how are you today?');
    expect(other.winRate).not.toBe(hard.winRate);
    const answer = await fetch(`${first.url}/ready`);
    expect(await answer.json()).toMatchObject({
      embeddings: { state: 'ok', embedder: 'encoder/1' },
    });
    await first.close();

    const second = await start();
    expect(await route(second, prompt)).toEqual({ ...hard, cache: 'hit' });
    await second.close();
    expect(simulator.requests.some(({ deployment }) => deployment === 'embedding')).toBe(false);
  });

  test('decides many prompts at once, also those that the encoder does not understand', async () => {
    const router = await start();
    const prompts = [
      ...Array.from({ length: 20 }, (_, index) => `What is ${index} times ${index + 1}, and why?`),
      'Wie bekomme ich Kaugummi aus der Jacke?',
      '今日は何を食べましょうか',
      '🙂',
    ];
    const decided = await Promise.all(prompts.map((prompt) => route(router, prompt)));
    for (const one of decided) expect(one).toMatchObject({ status: 200, reason: 'win-rate' });
    await router.close();
  });

  test('serves a prompt whose encoding takes too long as one whose embedding failed', async () => {
    const router = await start({ EMBEDDING_TIMEOUT_MS: '1' });
    const prompts = Array.from(
      { length: 40 },
      (_, index) => `${index} ${'What is the best way to learn how people live? '.repeat(20)}`,
    );
    const decided = await Promise.all(prompts.map((prompt) => route(router, prompt)));
    expect(decided.every(({ status }) => status === 200)).toBe(true);
    const late = decided.filter(({ reason }) => reason === 'embedding-unavailable');
    expect(late.length).toBeGreaterThan(0);
    expect(late.every(({ tier }) => tier === 'strong')).toBe(true);
    await router.close();
  });

  test('lets recorded outcomes vote as well', async () => {
    const router = await start({ ROUTER_SCORER: 'knn+encoder' });
    const decided = await route(router, 'Prove that every finite integral domain is a field.');
    expect(decided).toMatchObject({ status: 200, reason: 'win-rate' });
    await router.close();
  });
});
