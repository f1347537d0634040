import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LOCAL_EMBEDDER, loadLocalEmbedder } from '../../shared/prompt-embedding/local-embedder.ts';
import { WORD_VECTORS_FILE } from '../../shared/prompt-embedding/word-vectors.ts';
import { type DistanceScorer, writeDistanceScorer } from '../support/distance-scorer.ts';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

const near = 'Explain how a heat pump works.';
const far = '열펌프가 어떻게 작동하는지 🔥🔥🔥 {"a":[1,2,3]}';

const { embed } = await loadLocalEmbedder('models');
const centroid = unit(embed(near));
const distance = 1 - dot(centroid, unit(embed(far)));

let scorer: DistanceScorer;
let router: Router;
beforeAll(async () => {
  scorer = await writeDistanceScorer({
    embedder: LOCAL_EMBEDDER.id,
    // Every win rate is 0.5.
    weights: [new Float32Array(centroid.length), new Float32Array(centroid.length)],
    centroids: [centroid],
    limit: distance / 2,
  });
  await cp(join('models', WORD_VECTORS_FILE), join(scorer.modelsFolder, WORD_VECTORS_FILE));
  router = await start({ ROUTER_THRESHOLD: '0.6' });
});
afterAll(async () => {
  await router.close();
  await scorer.remove();
});

function start(settings: Record<string, string>): Promise<Router> {
  const { modelsFolder } = scorer;
  return startRouter({
    settings: { MODELS_FOLDER: modelsFolder, ROUTER_SCORER: 'distant', ...settings },
  });
}

function unit(vector: Float32Array): Float32Array {
  const norm = Math.hypot(...vector);
  return vector.map((value) => value / norm);
}

function dot(one: Float32Array, other: Float32Array): number {
  return one.reduce((sum, value, index) => sum + value * (other[index] ?? 0), 0);
}

async function route(
  body: object,
  headers: Record<string, string> = {},
  path = ROUTED,
): Promise<string> {
  const answer = await post(router.url + path, { prompt: far, ...body }, headers);
  expect(answer.status).toBe(200);
  const of = (name: string) => answer.headers.get(`x-smart-router-${name}`);
  return `${of('tier')} ${of('reason')}`;
}

describe('a prompt unlike the training data', () => {
  test('goes to the strong model, whatever its win rate, which is still told', async () => {
    const routing = { explain: true };
    const { headers, body } = await post(router.url + ROUTED, { prompt: far, routing });
    expect(headers.get('x-smart-router-tier')).toBe('strong');
    expect(headers.get('x-smart-router-reason')).toBe('out-of-distribution');
    expect(headers.get('x-smart-router-win-rate')).toBe('0.5');
    expect(body.routing).toMatchObject({
      tier: 'strong',
      deployment: 'strong',
      reason: 'out-of-distribution',
      win_rate: 0.5,
      percentile: 0.5,
      threshold: 0.6,
      distance: expect.closeTo(distance, 5),
    });
    const line = /"reason":"out-of-distribution".*"distance":/;
    await expect.poll(() => router.output()).toMatch(line);
  });

  test('is told apart in a dry run, with its distance', async () => {
    const { body } = await post(`${router.url}/llm/route`, { prompts: [near, far, near] });
    const inside = {
      tier: 'weak',
      reason: 'win-rate',
      win_rate: 0.5,
      distance: expect.closeTo(0, 5),
    };
    expect(body).toMatchObject({
      scorer: 'distant@1',
      calibration: 'even@3',
      data: [
        { index: 0, ...inside },
        { index: 1, reason: 'out-of-distribution', distance: expect.closeTo(distance, 5) },
        { index: 2, ...inside },
      ],
    });
  });

  test('is compared when the request names a threshold, a share or a mode', async () => {
    expect(await route({})).toBe('strong out-of-distribution');
    const compared = 'weak win-rate';
    expect(await route({ routing: { threshold: 0.7 } })).toBe(compared);
    expect(await route({ routing: { strong_share: 0.2 } })).toBe(compared);
    expect(await route({ routing: { mode: 'cost' } })).toBe(compared);
    expect(await route({}, { 'x-smart-router-threshold': '0.7' })).toBe(compared);
    expect(await route({}, { 'x-smart-router-strong-share': '0.2' })).toBe(compared);
    const path = '/llm/openai/deployments/router-mf-0.7/chat/completions';
    expect(await route({}, {}, path)).toBe(compared);
    const byModel = { model: 'router-mf-0.7' };
    expect(await route(byModel, {}, '/llm/openai/v1/chat/completions')).toBe(compared);
    const { body } = await post(`${router.url}/llm/route`, {
      prompts: [far],
      routing: { mode: 'cost' },
    });
    expect(body.data[0]).toMatchObject({ tier: 'weak', reason: 'win-rate' });
    expect(body.data[0].distance).toBeCloseTo(distance, 5);
  });

  test('goes to the one model that the request leaves', async () => {
    expect(await route({ routing: { models: ['weak'] } })).toBe('weak models');
  });

  test('goes to the tier of ROUTER_OOD_TIER', async () => {
    const settings = { ROUTER_OOD_TIER: 'weak', ROUTER_THRESHOLD: '0.4' };
    const other = await start(settings);
    const { body } = await post(`${other.url}/llm/route`, { prompts: [near, far] });
    expect(body.data).toMatchObject([
      { tier: 'strong', reason: 'win-rate' },
      { tier: 'weak', reason: 'out-of-distribution' },
    ]);
    await other.close();
  });
});

test('a limit without a distance ends the start with what is wrong', async () => {
  const { modelsFolder, remove } = await writeDistanceScorer({
    embedder: LOCAL_EMBEDDER.id,
    weights: [new Float32Array(centroid.length), new Float32Array(centroid.length)],
    centroids: [centroid],
    limit: 0.4,
    output: 'missing',
  });
  await expect(start({ MODELS_FOLDER: modelsFolder })).rejects.toThrow(/outOfDistribution\.limit/);
  await remove();
});
