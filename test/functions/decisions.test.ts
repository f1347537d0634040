import { createHash, randomUUID } from 'node:crypto';
import { TableClient } from '@azure/data-tables';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { takeStorageAccount } from '../support/azurite.ts';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

const azurite = takeStorageAccount();
let router: Router;
/** Another instance with the same tables. */
let other: Router;
const hash = (key: string) => createHash('sha256').update(key).digest('hex');
const settings = () => ({
  TABLES_CONNECTION_STRING: azurite.connectionString,
  ROUTER_API_KEYS: `admin=${hash('admin')};role=admin,app=${hash('app')},second=${hash('second')};judge=true`,
  STRONG_PRICE: '4/20',
  WEAK_PRICE: '0.2/1.2',
  CIRCUIT_FAILURES: '1000',
});
beforeAll(async () => {
  router = await startRouter({ settings: settings() });
  other = await startRouter({ settings: settings(), simulator: router.simulator });
  // The key of request ids is read during the first requests.
  for (let isReady = false; !isReady; ) {
    isReady = (await outcome(await ask('Are you ready?'), {}, other)).status === 201;
  }
});
afterAll(async () => {
  await Promise.all([router.close(), other.close()]);
});

const hourAgo = () => Math.floor(Date.now() / 1_000) - 3_600;

/** Sends a request, and returns its id. */
async function ask(prompt: string, more: object = {}, useCase?: string): Promise<string> {
  const answer = await fetch(router.url + ROUTED, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'api-key': 'app',
      ...(useCase !== undefined && { 'x-use-case': useCase }),
    },
    body: JSON.stringify({ prompt, ...more }),
  });
  await answer.text();
  return answer.headers.get('x-smart-router-request-id') ?? '';
}

function outcome(
  request_id: string,
  more: object = {},
  instance = router,
  headers: Readonly<Record<string, string>> = {},
) {
  const body = { request_id, verdict: 'good', ...more };
  return post(`${instance.url}/llm/outcomes`, body, { 'api-key': 'app', ...headers });
}

async function list(query = '', key = 'admin') {
  const response = await fetch(`${router.url}/llm/decisions${query}`, {
    headers: { 'api-key': key },
  });
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape.
  return { status: response.status, body: (await response.json()) as any };
}

async function untilKept(useCase: string, count: number) {
  const query = `?use_case=${useCase}&limit=100`;
  await expect.poll(async () => (await list(query)).body.data.length).toBe(count);
  return (await list(query)).body.data;
}

describe('the decision log', () => {
  test('has each request with what was decided and what it cost, the newest first', async () => {
    const useCase = randomUUID();
    const weak = await ask('Hi', { routing: { threshold: 1 } }, useCase);
    const strong = await ask('Hi', { routing: { threshold: 0 }, stream: true }, useCase);
    const failed = await ask('[sim:content_filter] Hi', { routing: { threshold: 0 } }, useCase);
    const fallback = await ask('[sim:500@weak] Hi', { routing: { threshold: 1 } }, useCase);
    const kept = await untilKept(useCase, 4);
    expect(kept.map((one: { request_id: string }) => one.request_id)).toEqual([
      ...[fallback, failed, strong, weak],
    ]);
    expect(kept[3]).toMatchObject({
      object: 'decision',
      caller: 'app',
      use_case: useCase,
      deployment: 'weak',
      tier: 'weak',
      reason: 'win-rate',
      threshold: 1,
      attempts: 'weak;200',
      stream: false,
      status: 200,
      selected_model: 'gpt-5.6-luna',
      embedding_cache: 'none',
      outcomes: [],
      win_rate: expect.any(Number),
      percentile: expect.any(Number),
      overhead_ms: expect.any(Number),
    });
    const { prompt_tokens, completion_tokens, cost, cost_strong, cost_weak } = kept[3];
    expect(cost).toBeCloseTo((0.2 * prompt_tokens + 1.2 * completion_tokens) / 1e6, 12);
    expect(cost_weak).toBeCloseTo(cost, 12);
    expect(cost_strong).toBeCloseTo((4 * prompt_tokens + 20 * completion_tokens) / 1e6, 12);
    expect(kept[2]).toMatchObject({ tier: 'strong', stream: true, cost: kept[2].cost_strong });
    expect(kept[1]).toMatchObject({ status: 400 });
    expect(kept[1]).not.toHaveProperty('cost');
    expect(kept[0]).toMatchObject({ reason: 'fallback', attempts: 'weak;500, strong;200' });
    expect(Math.abs(kept[0].created_at - Date.now() / 1_000)).toBeLessThan(20);
  });

  test('is paged and filtered, for admins only', async () => {
    const useCase = randomUUID();
    const ids: string[] = [];
    for (let count = 0; count < 7; count += 1) {
      ids.unshift(await ask('Hi', { routing: { threshold: count % 2 } }, useCase));
    }
    await untilKept(useCase, 7);
    const seen: string[] = [];
    for (let after = ''; ; ) {
      const { body } = await list(`?use_case=${useCase}&limit=3${after}`);
      seen.push(...body.data.map((one: { request_id: string }) => one.request_id));
      if (!body.has_more) break;
      after = `&after=${seen.at(-1)}`;
    }
    expect(seen).toEqual(ids);
    const count = async (query: string) =>
      (await list(`?use_case=${useCase}&${query}`)).body.data.length;
    expect(await count('tier=strong')).toBe(4);
    expect(await count('deployment=weak&reason=win-rate&caller=app')).toBe(3);
    expect(await count(`from=${new Date(Date.now() - 60_000).toISOString()}`)).toBe(7);
    expect(await count(`to=${Math.floor(Date.now() / 1_000) - 3_600}`)).toBe(0);
    expect(await count("deployment=x'%20or%20'1'%20eq%20'1")).toBe(0);
    expect((await list('', 'app')).status).toBe(403);
    for (const query of ['?limit=0', '?from=yesterday', '?after=x', `?after=${randomUUID()}`]) {
      expect((await list(query)).status).toBe(400);
    }
  });

  test('has neither prompts nor answers', async () => {
    const useCase = randomUUID();
    await ask('A secret prompt that nobody else may read', {}, useCase);
    await untilKept(useCase, 1);
    const table = TableClient.fromConnectionString(azurite.connectionString, 'decisions', {
      allowInsecureConnection: true,
    });
    let rows = 0;
    for await (const row of table.listEntities()) {
      rows += 1;
      expect(JSON.stringify(row)).not.toMatch(/secret prompt|You said|Answer/i);
    }
    expect(rows).toBeGreaterThan(1);
  });
});

describe('one decision', () => {
  test('has the candidates, and their prices, for admins only', async () => {
    const useCase = randomUUID();
    const id = await ask('Hi', { routing: { threshold: 1 } }, useCase);
    await untilKept(useCase, 1);
    const get = async (path: string, key = 'admin') => {
      const response = await fetch(`${router.url}/llm/decisions/${path}`, {
        headers: { 'api-key': key },
      });
      // biome-ignore lint/suspicious/noExplicitAny: the same.
      return { status: response.status, body: (await response.json()) as any };
    };
    const { status, body } = await get(id);
    expect([status, body.request_id, body.use_case]).toEqual([200, id, useCase]);
    expect(body.outcomes).toEqual([]);
    expect(body.candidates).toMatchObject([
      { deployment: 'strong', price: { input: 4, output: 20 }, passed_over: 'price' },
      { deployment: 'weak', win_rate: body.win_rate, passed_over: null },
    ]);
    expect((await get(id, 'app')).status).toBe(403);
    const gone = [`${id.slice(0, -1)}!`, 'none', randomUUID()];
    for (const none of gone) {
      expect(await get(none)).toMatchObject({ body: { error: { code: 'decision_not_found' } } });
    }
  });
});

describe('the stats', () => {
  test('report costs and savings to admins', async () => {
    const useCase = randomUUID();
    await ask('Hi', { routing: { threshold: 1 } }, useCase);
    await ask('Hi', { routing: { threshold: 0 } }, useCase);
    await untilKept(useCase, 2);
    const stats = async (query: string, key = 'admin') => {
      const response = await fetch(`${router.url}/llm/stats${query}`, {
        headers: { 'api-key': key },
      });
      // biome-ignore lint/suspicious/noExplicitAny: the same.
      return { status: response.status, body: (await response.json()) as any };
    };
    const find = async () =>
      (await stats('?by=use_case')).body.data.find((one: { key: string }) => one.key === useCase);
    await expect.poll(async () => (await find())?.requests).toBe(2);
    const own = await find();
    expect(own).toMatchObject({ strong_share: 0.5, errors: 0, quality: { outcomes: 0 } });
    expect(own.savings).toBeGreaterThan(0);
    expect(own.cost + own.savings).toBeCloseTo(own.cost_always_strong, 10);
    expect(own.overhead_ms.p50).toBeGreaterThan(0);
    const alone = await stats(`?by=deployment&use_case=${useCase}&deployment=weak`);
    expect(alone.body.total).toMatchObject({ requests: 1, strong_share: 0 });
    expect(alone.body.data).toMatchObject([{ key: 'weak' }]);
    const fine = await stats(`?by=five_minutes&use_case=${useCase}&from=${hourAgo()}`);
    expect(fine.body.data.at(-1).key).toMatch(/:[0-5][05]:00.000Z$/);
    expect(await stats('?by=five_minutes')).toMatchObject({
      status: 400,
      body: { error: { param: 'from', message: 'from must be before to, by at most 6 hours.' } },
    });
    const { body } = await stats('?by=deployment');
    expect(body).toMatchObject({ object: 'stats', by: 'deployment' });
    expect(body.data.map((one: { key: string }) => one.key)).toEqual(['strong', 'weak']);
    expect((await stats('', 'app')).status).toBe(403);
    for (const query of [
      '?by=user',
      '?from=x',
      '?from=2026-01-01&to=2025-01-01',
      '?from=2020-01-01',
    ]) {
      expect((await stats(query)).status).toBe(400);
    }
  });
});

describe('an outcome', () => {
  test('is accepted immediately, on any instance, and joined to its decision', async () => {
    const useCase = randomUUID();
    const id = await ask('Hi', {}, useCase);
    const [own, foreign] = await Promise.all([
      outcome(id, { comment: 'helpful' }),
      outcome(id, { verdict: undefined, score: 0.25, source: 'judge' }, other, {
        'api-key': 'second',
      }),
    ]);
    expect(own).toMatchObject({
      status: 201,
      body: {
        id: expect.stringMatching(/^outcome_[0-9a-f]{32}$/),
        ...{
          object: 'outcome',
          request_id: id,
          verdict: 'good',
          source: 'user',
          comment: 'helpful',
        },
      },
    });
    expect(foreign).toMatchObject({ status: 201, body: { score: 0.25, source: 'judge' } });
    const [decision] = await untilKept(useCase, 1);
    expect(decision.outcomes).toHaveLength(2);
    expect(decision.outcomes).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ verdict: 'good', source: 'user', comment: 'helpful' }),
        expect.objectContaining({ score: 0.25, source: 'judge' }),
      ]),
    );
  });

  test('of a key that came before is the first answer, byte for byte, and kept once', async () => {
    const useCase = randomUUID();
    const id = await ask('Hi', {}, useCase);
    const send = async (verdict: string, key = 'app', instance = router) => {
      const response = await fetch(`${instance.url}/llm/outcomes`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'api-key': key, 'idempotency-key': 'mine' },
        body: JSON.stringify({ request_id: id, verdict }),
      });
      return response.text();
    };
    const answers = await Promise.all([send('good'), send('good', 'app', other), send('bad')]);
    expect(new Set(answers).size).toBe(1);
    expect(await send('good', 'second')).not.toBe(answers[0]);
    const [decision] = await untilKept(useCase, 1);
    expect(decision.outcomes).toHaveLength(2);
  });

  test('replaces an earlier one of the same caller and source, and counts its request once', async () => {
    const useCase = randomUUID();
    const id = await ask('Hi', { routing: { threshold: 1 } }, useCase);
    for (const verdict of ['good', 'tie', 'bad', 'bad', 'bad']) {
      expect((await outcome(id, { verdict })).status).toBe(201);
    }
    const judge = { 'api-key': 'second' };
    await outcome(id, { verdict: 'good', source: 'judge' }, other, judge);
    await outcome(id, { verdict: 'bad', source: 'system' }, other, { 'api-key': 'admin' });
    const [decision] = await untilKept(useCase, 1);
    expect(decision.outcomes.map((one: { source: string }) => one.source).toSorted()).toEqual([
      'judge',
      'system',
      'user',
    ]);
    const stats = async () => {
      const response = await fetch(`${router.url}/llm/stats?use_case=${useCase}`, {
        headers: { 'api-key': 'admin' },
      });
      return ((await response.json()) as { total: unknown }).total;
    };
    await expect.poll(stats).toMatchObject({ quality: { outcomes: 1, bad: 1 } });
  });

  test.each(['judge', 'system'])('in the name of a %s needs the right to it', async (source) => {
    const id = await ask('Hi');
    const refused = await outcome(id, { source });
    expect(refused).toMatchObject({ status: 403, body: { error: { code: 'source_not_allowed' } } });
    for (const key of ['second', 'admin']) {
      expect((await outcome(id, { source }, router, { 'api-key': key })).status).toBe(201);
    }
  });

  test('of an unknown request is a 404', async () => {
    const id = await ask('Hi');
    const forged = `${id.slice(0, -1)}${id.endsWith('A') ? 'B' : 'A'}`;
    const later = id.replace(/\.[0-9a-z]+\./, '.zzzzzzzz.');
    for (const one of [forged, later, randomUUID(), '', 'x'.repeat(200), "' or 1 eq 1"]) {
      const answer = await outcome(one);
      expect(answer).toMatchObject({ status: 404, body: { error: { code: 'request_not_found' } } });
    }
  });

  test.each<[object, string]>([
    [{ verdict: 'great' }, 'verdict'],
    [{ score: 0.5 }, 'body'],
    [{ verdict: undefined }, 'body'],
    [{ verdict: undefined, score: 2 }, 'score'],
    [{ source: 'me' }, 'source'],
    [{ comment: 'x'.repeat(2_001) }, 'comment'],
    [{ more: 1 }, 'body'],
  ])('is refused with %j', async (more, param) => {
    const answer = await outcome(await ask('Hi'), more);
    expect(answer).toMatchObject({ status: 400, body: { error: { param } } });
  });
});

test.each<[string, () => Readonly<Record<string, string>>]>([
  ['without tables', () => ({})],
  ['when that is off', () => ({ ...settings(), DECISION_LOG: 'off' })],
])('%s, nothing is kept, and that is said', async (_, given) => {
  const bare = await startRouter({ settings: given(), simulator: router.simulator });
  const response = await fetch(`${bare.url}/llm/decisions`, { headers: { 'api-key': 'admin' } });
  expect(response.status).toBe(409);
  expect(await response.json()).toMatchObject({ error: { code: 'decisions_not_kept' } });
  const answer = await post(bare.url + ROUTED, { prompt: 'Hi' }, { 'api-key': 'admin' });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('x-smart-router-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  await bare.close();
});
