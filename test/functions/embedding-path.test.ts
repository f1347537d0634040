import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../../tools/upstream-simulator/simulator.ts';
import { takeStorageAccount } from '../support/azurite.ts';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';
import { importSyntheticScorer, type SyntheticScorer } from '../support/synthetic-scorer.ts';

// The core of the product: prompt, Azure embedding, cache, matrix factorization, decision.
let scorer: SyntheticScorer;
const azurite = takeStorageAccount();
let simulator: Simulator;
beforeAll(async () => {
  [scorer, simulator] = await Promise.all([importSyntheticScorer(), startSimulator()]);
});
afterAll(async () => {
  await Promise.all([scorer.remove(), simulator.close()]);
});

function start(settings: Record<string, string> = {}): Promise<Router> {
  return startRouter({
    simulator,
    settings: {
      MODELS_FOLDER: scorer.modelsFolder,
      ROUTER_SCORER: 'routellm',
      TABLES_CONNECTION_STRING: azurite.connectionString,
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
    winRate: of('win-rate'),
    tier: of('tier'),
    reason: of('reason'),
    scorer: of('scorer'),
  };
}

/** Returns the embedding calls, without the probes of /ready. */
const embeddingCalls = () =>
  simulator.requests.filter(({ deployment, body }) => {
    const isQuestion = typeof body === 'object' && body !== null && !('input' in body);
    return deployment === 'embedding' && !isQuestion;
  }).length;

describe('with tables', () => {
  test('embeds once: miss, hit from memory, and hit from the table after a restart', async () => {
    simulator.reset();
    const prompt = 'Which of two models should answer this?';
    const first = await start();
    const miss = await route(first, prompt);
    expect(miss).toMatchObject({
      status: 200,
      cache: 'miss',
      reason: 'win-rate',
      scorer: 'routellm@1',
    });
    expect(Number(miss.winRate)).toBeGreaterThan(0);
    expect(Number(miss.winRate)).toBeLessThan(1);
    expect(miss.tier).toBe(Number(miss.winRate) >= 0.5 ? 'strong' : 'weak');
    expect(await route(first, prompt)).toEqual({ ...miss, cache: 'hit' });
    expect(embeddingCalls()).toBe(1);
    expect(await (await fetch(`${first.url}/ready`)).json()).toMatchObject({
      status: 'ready',
      embeddings: { state: 'ok', embedder: 'azure-openai/text-embedding-3-small' },
    });
    await first.close();

    const second = await start();
    expect(await route(second, prompt)).toEqual({ ...miss, cache: 'hit' });
    expect(embeddingCalls()).toBe(1);
    await second.close();
  });

  test('shares one embedding call between concurrent requests for the same prompt', async () => {
    simulator.reset();
    const router = await start();
    const prompt = '[sim:slow:200@embeddings] The same for all';
    const answers = await Promise.all(Array.from({ length: 20 }, () => route(router, prompt)));
    expect(new Set(answers.map(({ winRate }) => winRate)).size).toBe(1);
    expect(embeddingCalls()).toBe(1);
    await router.close();
  });

  test('misses what was cached under another secret', async () => {
    const prompt = 'Keyed by a secret';
    const plain = await start();
    expect((await route(plain, prompt)).cache).toBe('miss');
    await plain.close();
    const keyed = await start({ CACHE_KEY_SECRET: 'a secret' });
    expect((await route(keyed, prompt)).cache).toBe('miss');
    expect((await route(keyed, prompt)).cache).toBe('hit');
    await keyed.close();
  });

  test('answers a dry run with the same win rate', async () => {
    const router = await start();
    const prompt = 'What would you do?';
    const routed = await route(router, prompt);
    const { body } = await post(`${router.url}/llm/route`, { prompts: [prompt, 'Other'] });
    expect(body).toMatchObject({ object: 'list', scorer: 'routellm@1' });
    expect(body.data).toHaveLength(2);
    expect(String(body.data[0].win_rate)).toBe(routed.winRate);
    expect(body.data[1].index).toBe(1);
    await router.close();
  });
});

/** Sends requests one after the other, each with its own prompt that no cache has. */
async function routeInTurn(router: Router, marker: string, count: number) {
  const answers: Awaited<ReturnType<typeof route>>[] = [];
  for (let turn = 0; turn < count; turn += 1) {
    answers.push(await route(router, `${marker} ${count} ${turn}`));
  }
  return answers;
}

describe('an embedder that is down', () => {
  const settings = { EMBEDDING_TIMEOUT_MS: '500' };
  const unavailable = { status: 200, reason: 'embedding-unavailable', cache: 'none' };

  test('and hangs costs a short wait, not one for each request', async () => {
    const router = await start({ EMBEDDING_TIMEOUT_MS: '1000', CIRCUIT_OPEN_MS: '60000' });
    simulator.reset();
    const answers = await routeInTurn(router, '[sim:stall:0@embeddings]', 20);
    for (const answer of answers) expect(answer).toMatchObject({ ...unavailable, tier: 'strong' });
    // Only two requests wait, not 20.
    expect(embeddingCalls()).toBe(2);
    expect(await (await fetch(`${router.url}/ready`)).json()).toMatchObject({
      status: 'degraded',
      embeddings: { state: 'ok', circuit: 'open' },
    });
    await router.close();
  });

  test.each(['[sim:500@embeddings]', '[sim:cut:0@embeddings]', '[sim:429@embeddings]'])(
    'and answers with %s is not asked on and on',
    async (marker) => {
      const router = await start(settings);
      simulator.reset();
      const answers = await routeInTurn(router, marker, 10);
      for (const answer of answers) expect(answer).toMatchObject(unavailable);
      // There are two calls, each with a second try.
      expect(embeddingCalls()).toBeLessThanOrEqual(4);
      await router.close();
    },
  );

  test('sends prompts where the operator wants them, and is asked again after a while', async () => {
    const router = await start({
      ...settings,
      ROUTER_EMBEDDING_FAILURE_TIER: 'weak',
      CIRCUIT_OPEN_MS: '4000',
    });
    const answers = await routeInTurn(router, '[sim:500@embeddings]', 2);
    for (const answer of answers) expect(answer).toMatchObject({ ...unavailable, tier: 'weak' });
    const next = await route(router, 'While it is left alone');
    expect(next).toMatchObject({ ...unavailable, tier: 'weak' });
    await expect
      .poll(() => route(router, 'When it is back'), { interval: 200 })
      .toMatchObject({ reason: 'win-rate', cache: 'miss' });
    await router.close();
  });

  test('keeps no chat from what was embedded before', async () => {
    const router = await start(settings);
    const known = 'Embedded while all was well';
    expect(await route(router, known)).toMatchObject({ cache: 'miss' });
    await routeInTurn(router, '[sim:500@embeddings]', 3);
    expect(await route(router, known)).toMatchObject({ cache: 'hit', reason: 'win-rate' });
    await router.close();
  });

  test('is not one because it refuses a prompt', async () => {
    const router = await start(settings);
    const answers = await routeInTurn(router, '[sim:content_filter@embeddings]', 5);
    for (const answer of answers) expect(answer).toMatchObject(unavailable);
    expect(await route(router, 'Another prompt')).toMatchObject({ reason: 'win-rate' });
    await router.close();
  });
});

describe('when something is down, a chat is answered all the same', () => {
  test('without tables: the cache misses after a restart, and says so in the log', async () => {
    const gone = createServer();
    gone.listen(0, '127.0.0.1');
    await new Promise((resolve) => gone.once('listening', resolve));
    const address = gone.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    gone.close();
    const router = await start({
      TABLES_CONNECTION_STRING: azurite.connectionString.replace(
        /TableEndpoint=[^;]+/,
        `TableEndpoint=http://127.0.0.1:${port}/devstoreaccount1`,
      ),
    });
    const prompt = 'Tables are down';
    expect(await route(router, prompt)).toMatchObject({ status: 200, cache: 'miss' });
    expect(await route(router, prompt)).toMatchObject({ status: 200, cache: 'hit' });
    await expect.poll(() => router.output()).toContain('"event":"embedding-cache-failed"');
    const ready = await fetch(`${router.url}/ready`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({
      status: 'degraded',
      tables: { state: 'unreachable' },
    });
    await router.close();
  });

  test('without embeddings: the strong model answers', async () => {
    const router = await start();
    const answer = await route(router, '[sim:500@embeddings] Hi');
    expect(answer).toMatchObject({
      status: 200,
      tier: 'strong',
      reason: 'embedding-unavailable',
      winRate: null,
    });
    await router.close();
  });

  test('with embeddings that stall: the strong model answers in the time set', async () => {
    const router = await start({ EMBEDDING_TIMEOUT_MS: '200' });
    const answer = await route(router, '[sim:stall:0@embeddings] Hi');
    expect(answer).toMatchObject({ status: 200, reason: 'embedding-unavailable' });
    await router.close();
  });
});

test('embeds a prompt beyond the limit of the embedder by its beginning', async () => {
  const router = await start();
  const answer = await route(router, 'many words '.repeat(20_000));
  expect(answer).toMatchObject({ status: 200, reason: 'win-rate', cache: 'miss' });
  await router.close();
});
