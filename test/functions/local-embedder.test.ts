import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LOCAL_EMBEDDER } from '../../shared/prompt-embedding/local-embedder.ts';
import { writeRouteLlmWeights } from '../fakes/routellm-weights.ts';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

const modelsFolder = await mkdtemp(join(tmpdir(), 'smart-router-local-'));
let router: Router | undefined;

// A scorer of random weights for embeddings of the local embedder.
beforeAll(async () => {
  const weights = join(modelsFolder, 'model.safetensors');
  const { id, dimensions } = LOCAL_EMBEDDER;
  await writeRouteLlmWeights(weights, { seed: 7, dimensions });
  await promisify(execFile)(process.execPath, [
    ...['tools/run.mjs', 'model-import', weights, '--embedder', id],
    ...['--id', 'local', '--models-folder', modelsFolder],
  ]);
});

afterAll(async () => {
  await router?.close();
  await rm(modelsFolder, { recursive: true });
});

describe('with a scorer on the local embedder in its own folder, the app', () => {
  test('routes by the win rate of the prompt, without a call for its embedding', async () => {
    router = await startRouter({ settings: { MODELS_FOLDER: modelsFolder } });
    const [hello, proof] = await Promise.all(
      ['hello', 'Prove it.'].map((prompt) => post(`${router?.url}${ROUTED}`, { prompt })),
    );
    expect(hello?.status).toBe(200);
    expect(hello?.headers.get('x-smart-router-embedding-cache')).toBe('none');
    const winRates = [hello, proof].map((one) => one?.headers.get('x-smart-router-win-rate'));
    expect(winRates.map(Number).every((winRate) => winRate > 0 && winRate < 1)).toBe(true);
    expect(winRates[0]).not.toBe(winRates[1]);
  });
});
