import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { takeStorageAccount } from '../support/azurite.ts';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

const azurite = takeStorageAccount();
let router: Router;
let other: Router;
beforeAll(async () => {
  const hash = (key: string) => createHash('sha256').update(key).digest('hex');
  const settings = {
    TABLES_CONNECTION_STRING: azurite.connectionString,
    ROUTER_API_KEYS: `ops=${hash('admin')};role=admin,app=${hash('user')}`,
    UPSTREAM_KEY_SIM: 'key-of-the-simulator',
    STRONG_PRICE: '4/20',
    WEAK_PRICE: '0.2/1.2',
    STRONG_MODEL: 'big',
    WEAK_MODEL: 'small',
    CIRCUIT_FAILURES: '1000',
  };
  router = await startRouter({ settings });
  other = await startRouter({ settings, simulator: router.simulator });
});
afterAll(async () => {
  await Promise.all([router.close(), other.close()]);
});

type Options = {
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly to?: Router;
};

async function send(method: string, path: string, body?: unknown, options: Options = {}) {
  const { key = 'admin', headers = {}, to = router } = options;
  const response = await fetch(`${to.url}/llm/${path}`, {
    method,
    headers: { 'api-key': key, 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const etag = response.headers.get('etag');
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape.
  return { status: response.status, etag, body: (await response.json()) as any };
}

function definition(changed: object = {}) {
  return {
    endpoint: router.simulator.url,
    deployment: 'weak',
    model: 'middle-model',
    auth: { type: 'app_setting', name: 'UPSTREAM_KEY_SIM' },
    price: { input: 2, output: 12 },
    scorer_model: 'Meta-Llama-3-8B-Instruct',
    ...changed,
  };
}

let names = 0;
/** Adds a separate deployment, deleted at the end. */
async function withDeployment(use: (name: string) => Promise<void>, changed: object = {}) {
  names += 1;
  const name = `mid-${names}`;
  expect(await send('PUT', `deployments/${name}`, definition(changed))).toMatchObject({
    status: 201,
  });
  try {
    await use(name);
  } finally {
    await send('DELETE', `deployments/${name}`);
  }
}

async function ask(to: Router, body: object, headers: Readonly<Record<string, string>> = {}) {
  return post(to.url + ROUTED, body, { 'api-key': 'user', ...headers });
}

describe('access to the registry', () => {
  test.each([
    ['GET', 'deployments'],
    ['PUT', 'deployments/mid'],
    ['POST', 'deployments/mid/rollback'],
    ['DELETE', 'use-cases/batch'],
  ])('is an admin: %s %s', async (method, path) => {
    const body = method === 'GET' ? undefined : {};
    expect(await send(method, path, body, { key: 'user' })).toMatchObject({
      status: 403,
      body: { error: { code: 'admin_required' } },
    });
    expect(await send(method, path, body, { key: 'nobody' })).toMatchObject({ status: 401 });
  });
});

describe('the deployments', () => {
  test('are at first those of the settings, without their keys', async () => {
    const { body } = await send('GET', 'deployments');
    expect(body.object).toBe('list');
    expect(body.data.map(({ name }: { name: string }) => name)).toEqual(['strong', 'weak']);
    expect(body.data[0]).toEqual({
      object: 'deployment',
      name: 'strong',
      endpoint: router.simulator.url,
      model: 'big',
      api_style: 'azure',
      api_version: '2024-10-21',
      auth: { type: 'settings' },
      price: { input: 4, output: 20 },
      scorer_model: expect.any(String),
      scored_as: {
        model: body.data[0].scorer_model,
        stand_in: true,
        why: expect.stringContaining('no model like "big"'),
      },
      enabled: true,
      weight: 1,
      tags: [],
      source: 'settings',
      version: 1,
    });
    expect(JSON.stringify(body)).not.toContain('key-of-the-simulator');
  });

  test('are added, read, changed and deleted', async () => {
    const made = await send('PUT', 'deployments/mine', definition());
    expect(made).toMatchObject({ status: 201, etag: '"1"' });
    expect(made.body).toMatchObject({
      object: 'deployment',
      name: 'mine',
      source: 'registry',
      version: 1,
      updated_by: 'ops',
      ...definition(),
    });
    expect(await send('GET', 'deployments/mine')).toEqual({ ...made, status: 200 });
    const patched = await send('PATCH', 'deployments/mine', { price: { output: 9 }, tags: ['eu'] });
    expect(patched).toMatchObject({
      status: 200,
      etag: '"2"',
      body: { price: { input: 2, output: 9 }, tags: ['eu'], version: 2 },
    });
    expect(await send('PATCH', 'deployments/mine', { tags: null })).toMatchObject({ etag: '"3"' });
    expect((await send('GET', 'deployments/mine')).body).not.toHaveProperty('tags');
    expect(await send('DELETE', 'deployments/mine')).toMatchObject({
      status: 200,
      body: { object: 'deployment.deleted', name: 'mine', deleted: true, version: 4 },
    });
    for (const method of ['GET', 'DELETE']) {
      expect(await send(method, 'deployments/mine')).toMatchObject({ status: 404 });
    }
    expect(await send('PATCH', 'deployments/mine', {})).toMatchObject({ status: 404 });
    const again = await send('PUT', 'deployments/mine', definition());
    expect(again).toMatchObject({ status: 201, etag: '"5"' });
    await send('DELETE', 'deployments/mine');
  });

  test('take back what they gave, and count nothing that changes nothing', async () => {
    await withDeployment(async (name) => {
      const given = await send('GET', `deployments/${name}`);
      expect(await send('PUT', `deployments/${name}`, given.body)).toEqual(given);
      expect(await send('PATCH', `deployments/${name}`, {})).toEqual(given);
    });
    const given = await send('GET', 'deployments/strong');
    expect(await send('PUT', 'deployments/strong', given.body)).toEqual(given);
    const { data } = (await send('GET', 'deployments/strong/history')).body;
    expect(data).toMatchObject([{ version: 1, by: 'settings', definition: { model: 'big' } }]);
    expect(data[0]).not.toHaveProperty('at');
  });

  test('heed If-Match and If-None-Match', async () => {
    await withDeployment(async (name) => {
      const path = `deployments/${name}`;
      const match = (tag: string) => ({ headers: { 'if-match': tag } });
      const stale = await send('PUT', path, definition({ weight: 2 }), match('"7"'));
      expect(stale).toMatchObject({
        status: 412,
        body: { error: { code: 'precondition_failed', message: expect.stringContaining('1') } },
      });
      expect(await send('PATCH', path, { weight: 2 }, match('"1"'))).toMatchObject({ etag: '"2"' });
      expect(await send('PATCH', path, { weight: 3 }, match('"1"'))).toMatchObject({ status: 412 });
      expect(await send('DELETE', path, undefined, match('"1"'))).toMatchObject({ status: 412 });
      expect(await send('POST', `${path}/rollback`, { version: 1 }, match('"1"'))).toMatchObject({
        status: 412,
      });
      const create = { headers: { 'if-none-match': '*' } };
      expect(await send('PUT', path, definition(), create)).toMatchObject({ status: 412 });
      expect(await send('PUT', 'deployments/none', definition(), match('*'))).toMatchObject({
        status: 412,
      });
      expect(await send('GET', path)).toMatchObject({ body: { weight: 2, version: 2 } });
    });
  });

  test('let one of two writers of a version win', async () => {
    await withDeployment(async (name) => {
      const options = { headers: { 'if-match': '"1"' } };
      const writes = await Promise.all(
        Array.from({ length: 6 }, (_, index) =>
          send(
            'PATCH',
            `deployments/${name}`,
            { weight: index + 2 },
            {
              ...options,
              to: index % 2 === 0 ? router : other,
            },
          ),
        ),
      );
      const statuses = writes.map(({ status }) => status).toSorted();
      expect(statuses).toEqual([200, 412, 412, 412, 412, 412]);
      const { body } = await send('GET', `deployments/${name}/history`);
      expect(body.data).toHaveLength(2);
    });
  });

  test('take all of several writers who name no version', async () => {
    await withDeployment(async (name) => {
      const writes = await Promise.all(
        [2, 3, 4].map((weight) => send('PATCH', `deployments/${name}`, { weight })),
      );
      expect(writes.map(({ status }) => status)).toEqual([200, 200, 200]);
      expect(await send('GET', `deployments/${name}`)).toMatchObject({ body: { version: 4 } });
    });
  });

  test('have a history of who changed what and when, and go back in it', async () => {
    await withDeployment(async (name) => {
      const path = `deployments/${name}`;
      await send('PATCH', path, { price: { input: 5 }, enabled: false });
      await send('DELETE', path);
      const { body } = await send('GET', `${path}/history`);
      expect(body.data).toMatchObject([
        { object: 'deployment.version', version: 3, action: 'delete', definition: null },
        { version: 2, action: 'update', by: 'ops', changed: ['price.input', 'enabled'] },
        { version: 1, action: 'create', definition: definition() },
      ]);
      expect(Date.parse(body.data[0].at)).toBeGreaterThan(Date.now() - 60_000);
      const back = await send('POST', `${path}/rollback`, { version: 1 });
      expect(back).toMatchObject({ status: 200, etag: '"4"', body: definition() });
      for (const version of [3, 9]) {
        expect(await send('POST', `${path}/rollback`, { version })).toMatchObject({
          status: 404,
          body: { error: { code: 'version_not_found', message: expect.stringMatching(/4, 2, 1/) } },
        });
      }
    });
  });

  test('of the settings are changed, and go back to what the settings say', async () => {
    expect(await send('DELETE', 'deployments/weak')).toMatchObject({
      status: 409,
      body: { error: { code: 'deployment_in_settings' } },
    });
    const changed = await send('PATCH', 'deployments/weak', { weight: 5 });
    expect(changed).toMatchObject({ etag: '"2"', body: { source: 'registry', weight: 5 } });
    expect(await send('POST', 'deployments/weak/rollback', { version: 1 })).toMatchObject({
      etag: '"3"',
      body: { source: 'settings', weight: 1 },
    });
    await send('PATCH', 'deployments/weak', { weight: 6 });
    expect(await send('DELETE', 'deployments/weak')).toMatchObject({
      body: { deleted: true, version: 5, reverts_to: 'settings' },
    });
    expect(await send('GET', 'deployments/weak')).toMatchObject({
      etag: '"5"',
      body: { source: 'settings', weight: 1 },
    });
    const { data } = (await send('GET', 'deployments/weak/history')).body;
    expect(data).toMatchObject([
      { version: 5, action: 'delete', definition: null, changed: ['weight'] },
      { version: 4, definition: { weight: 6 }, changed: ['weight'] },
      { version: 3, action: 'rollback', definition: null, changed: ['weight'] },
      { version: 2, by: 'ops', changed: ['weight'] },
      { version: 1, by: 'settings' },
    ]);
  });

  test('are never all paused', async () => {
    await send('PATCH', 'deployments/weak', { enabled: false });
    const last = await send('PATCH', 'deployments/strong', { enabled: false });
    expect(last).toMatchObject({ status: 409, body: { error: { code: 'last_deployment' } } });
    await send('PATCH', 'deployments/weak', { enabled: true });
  });
});

describe('a deployment without scorer_model', () => {
  test('is scored as the scorer knows its model, or as its family, and says so', async () => {
    const scoredAs = async (model: string) => {
      const given = definition({ model, scorer_model: undefined });
      const { status, body } = await send('PUT', 'deployments/new?dry_run=true', given);
      expect(status).toBe(200);
      return body.scored_as;
    };
    expect(await scoredAs('openai/gpt-4o-2024-11-20')).toEqual({
      model: 'gpt-4o-2024-08-06',
      stand_in: false,
      why: 'the scorer knows it',
    });
    expect(await scoredAs('gpt-9-mini')).toMatchObject({
      stand_in: true,
      why: expect.stringContaining('"gpt-*-mini"'),
    });
    // One more deployment of a model of the settings shares its load.
    const [strong] = (await send('GET', 'deployments')).body.data;
    expect(await scoredAs('big')).toEqual(strong.scored_as);
  });
});

describe('bad input', () => {
  test.each([
    ['endpiont', { endpiont: 'x' }, /Did you mean endpoint\?/],
    ['price.inptu', { price: { inptu: 1, output: 1 } }, /Did you mean price\.input\?/],
    ['auth.type', { auth: { type: 'key', key: 'secret' } }, /auth/],
    ['price.input', { price: { input: -1, output: 1 } }, /0/],
    ['capabilities.imagse', { capabilities: { imagse: false } }, /Did you mean images\?/],
    ['capabilities.images', { capabilities: { images: 'perhaps' } }, /capabilities\.md/],
    ['endpoint', { endpoint: 'https://evil.example.com' }, /ROUTER_ALLOWED_HOSTS/],
    ['endpoint', { endpoint: 'http://169.254.169.254' }, /https/],
    ['endpoint', { endpoint: 'nonsense' }, /http/],
    ['scorer_model', { scorer_model: 'mixtral-8x7' }, /Did you mean mixtral-8x7b\?/],
    [
      'scorer_model',
      { scorer_model: undefined },
      /scorer_model is missing.*similar names are ([^,]+, ){2}[^,]+\.$/,
    ],
    ['auth.name', { auth: { type: 'app_setting', name: 'CACHE_KEY_SECRET' } }, /UPSTREAM_KEY_SIM/],
    ['auth.name', { auth: { type: 'key_vault_secret', name: 'any' } }, /ROUTER_KEY_VAULT_SECRETS/],
    ['auth', { auth: { type: 'settings' } }, /settings/],
    ['auth', { auth: { type: 'managed_identity' } }, /token/],
    ['auth', { auth: { type: 'none' } }, /openai/],
    ['name', { name: 'another' }, /renamed/],
    ['weight', { weight: -1 }, /0/],
    ['context_window', { context_window: 1.5 }, /int/],
  ])('is refused with where it is: %s', async (param, changed, message) => {
    const before = (await send('GET', 'deployments')).body;
    const answer = await send('PUT', 'deployments/bad', definition(changed));
    expect(answer).toMatchObject({ status: 400, body: { error: { param } } });
    expect(answer.body.error.message).toMatch(message);
    expect(JSON.stringify(answer.body)).not.toContain('secret"');
    expect((await send('GET', 'deployments')).body).toEqual(before);
  });

  test.each(['smart-router', 'router-mf-0.5', '-a', 'a%20b', 'a|b', 'ä', 'x'.repeat(65)])(
    'is the name %s',
    async (name) => {
      const answer = await send('PUT', `deployments/${name}`, definition());
      expect(answer).toMatchObject({ status: 400, body: { error: { param: 'name' } } });
    },
  );

  test.each([
    "a'b",
    "x'%20or%20PartitionKey%20eq%20'registry",
    'a%2Fb',
    '%23',
    '%3F',
    'x'.repeat(2_000),
  ])('is a name that leads nowhere: %s', async (name) => {
    for (const more of ['', '/history']) {
      const answer = await send('GET', `deployments/${name}${more}`);
      expect(answer).toMatchObject({ status: 404, body: { error: { code: 'not_found' } } });
    }
  });

  test('is a key of the settings for another address', async () => {
    const changed = {
      ...definition(),
      auth: { type: 'settings' },
      endpoint: 'https://x.openai.azure.com',
    };
    const answer = await send('PUT', 'deployments/strong', changed);
    expect(answer).toMatchObject({ status: 400, body: { error: { param: 'auth' } } });
  });

  test.each([
    ['threshold', { threshold: 2 }],
    ['body', { threshold: 0.5, mode: 'cost' }],
    ['daily_budgt', { daily_budgt: 1 }],
    ['price_ceiling', { price_ceiling: 0 }],
    ['models', { models: [] }],
  ])('is %s of a use case', async (param, policy) => {
    const answer = await send('PUT', 'use-cases/bad', policy);
    expect(answer).toMatchObject({ status: 400, body: { error: { param } } });
    expect(await send('GET', 'use-cases/bad')).toMatchObject({ status: 404 });
  });
});

describe('a dry run', () => {
  test('says how an entry would be, and writes nothing', async () => {
    const answer = await send('PUT', 'deployments/dry?dry_run=true', definition());
    expect(answer).toMatchObject({ status: 200, body: { dry_run: true, version: 1 } });
    expect(await send('GET', 'deployments/dry')).toMatchObject({ status: 404 });
    const bad = await send('PUT', 'deployments/dry?dry_run=true', definition({ weight: -1 }));
    expect(bad).toMatchObject({ status: 400 });
  });

  test('of any other change writes nothing either', async () => {
    await withDeployment(async (name) => {
      const path = `deployments/${name}`;
      await send('PATCH', path, { weight: 2 });
      const before = await send('GET', path);
      for (const [method, more, body] of [
        ['PATCH', '', { weight: 3 }],
        ['DELETE', '', undefined],
        ['POST', '/rollback', { version: 1 }],
      ] as const) {
        const answer = await send(method, `${path}${more}?dry_run=true`, body);
        expect(answer).toMatchObject({ status: 200, body: { dry_run: true, version: 3 } });
        expect(answer.body.deleted ?? false).toBe(false);
        expect(await send('GET', path)).toEqual(before);
      }
    });
  });

  test('reports what one tiny request brings back', async () => {
    const path = 'deployments/dry?dry_run=true&probe=true';
    const { status, body } = await send('PUT', path, definition());
    expect(status).toBe(200);
    expect(body.probe).toMatchObject({ ok: true, status: 200, model: expect.any(String) });
    expect(body.probe.usage.prompt_tokens).toBeGreaterThan(0);
    expect(body.probe.latency_ms).toBeGreaterThanOrEqual(0);
    const missing = await send('PUT', path, definition({ deployment: 'not-there' }));
    expect(missing).toMatchObject({
      status: 200,
      body: { probe: { ok: false, status: 404, error: { code: 'DeploymentNotFound' } } },
    });
  });

  test.each(['probe=true', 'dry_run=perhaps', 'dry_run=true&probe=1'])(
    'is not asked for by ?%s',
    async (query) => {
      const answer = await send('PUT', `deployments/dry?${query}`, definition());
      expect(answer).toMatchObject({ status: 400 });
    },
  );
});

describe('a change', () => {
  test('is in force here immediately, and on another instance within 10 seconds', async () => {
    await withDeployment(async (name) => {
      const direct = { prompt: 'Hi', model: name };
      const path = '/llm/openai/v1/chat/completions';
      const call = (to: Router) => post(to.url + path, direct, { 'api-key': 'user' });
      expect(await call(router)).toMatchObject({
        status: 200,
        body: { selected_model: 'middle-model' },
      });
      await expect.poll(async () => (await call(other)).status, { interval: 100 }).toBe(200);
      await send('PATCH', `deployments/${name}`, { enabled: false });
      const paused = await call(router);
      expect(paused.status).toBe(404);
      expect(paused.body.error.message).toMatch(/paused/);
      await expect.poll(async () => (await call(other)).status, { interval: 100 }).toBe(404);
    });
  });

  test('takes part in the decision, which names every candidate', async () => {
    await withDeployment(async (name) => {
      const { body, headers } = await ask(router, {
        prompt: 'Hi',
        routing: { threshold: 0.999, models: ['strong', name], explain: true },
      });
      expect(body.selected_model).toBe('middle-model');
      expect(body.routing).toMatchObject({ deployment: name, tier: 'weak', reason: 'win-rate' });
      const { candidates } = body.routing;
      expect(candidates).toHaveLength(3);
      const find = (one: string) =>
        candidates.find(({ deployment }: { deployment: string }) => deployment === one);
      expect(find('strong')).toMatchObject({
        tier: 'strong',
        price: { input: 4, output: 20 },
        passed_over: 'price',
      });
      expect(find(name)).toMatchObject({ win_rate: body.routing.win_rate, passed_over: null });
      expect(find('weak')).toMatchObject({ passed_over: 'models' });
      const header = headers.get('x-smart-router-candidates');
      expect(header).toContain('strong;price=4/20;passed-over=price');
      expect(header).toMatch(new RegExp(`${name};price=2/12;win-rate=0\\.\\d{4}(,|$)`));
    });
  });

  test('leaves a request under way alone', async () => {
    await withDeployment(async (name) => {
      const slow = post(
        `${router.url}/llm/openai/v1/chat/completions`,
        { prompt: '[sim:slow:700] Hi', model: name },
        { 'api-key': 'user' },
      );
      const isAsked = () =>
        router.simulator.requests.some(({ body }) => JSON.stringify(body).includes('sim:slow:700'));
      await expect.poll(isAsked).toBe(true);
      await send('DELETE', `deployments/${name}`);
      expect(await slow).toMatchObject({ status: 200 });
    });
  });

  test('spills over to another deployment of the model on a 429', async () => {
    const region = { model: 'regional', scorer_model: 'Meta-Llama-3-8B-Instruct' };
    await withDeployment(async (one) => {
      await withDeployment(
        async (two) => {
          const { status, headers } = await ask(router, {
            prompt: '[sim:429:1] Hi',
            routing: { models: ['regional'] },
          });
          expect(status).toBe(200);
          const chain = headers.get('x-smart-router-attempt-chain') ?? '';
          expect(chain.split(', ').map((part) => part.split(';')[1])).toEqual(['429', '200']);
          const asked = chain.split(', ').map((part) => part.split(';')[0]);
          expect(asked.toSorted()).toEqual([one, two].toSorted());
        },
        { ...region, deployment: 'strong' },
      );
    }, region);
  });
});

describe('the policy of a use case', () => {
  const useCase = { 'x-use-case': 'batch' };

  test('holds as soon as it is put, and has the same kind of API', async () => {
    const policy = { models: ['weak'] };
    expect(await send('PUT', 'use-cases/batch', policy)).toMatchObject({
      status: 201,
      etag: '"1"',
    });
    const { body } = await ask(router, { prompt: 'Hi' }, useCase);
    expect(body.selected_model).toBe('small');
    const refused = await ask(router, { prompt: 'Hi', routing: { models: ['strong'] } }, useCase);
    expect(refused).toMatchObject({
      status: 403,
      body: { error: { code: 'deployment_not_allowed' } },
    });
    await send('PATCH', 'use-cases/batch', { models: null, threshold: 0 });
    const strong = await ask(router, { prompt: 'Hi' }, useCase);
    expect(strong.body.selected_model).toBe('big');
    expect(strong.headers.get('x-smart-router-threshold')).toBe('0');
    const { data } = (await send('GET', 'use-cases')).body;
    expect(data).toMatchObject([{ object: 'use_case', name: 'batch', threshold: 0, version: 2 }]);
    await send('POST', 'use-cases/batch/rollback', { version: 1 });
    expect(await send('GET', 'use-cases/batch')).toMatchObject({ body: policy });
    expect((await send('GET', 'use-cases/batch/history')).body.data).toHaveLength(3);
    expect(await send('DELETE', 'use-cases/batch')).toMatchObject({
      body: { object: 'use_case.deleted', deleted: true },
    });
    expect((await ask(router, { prompt: 'Hi' }, useCase)).status).toBe(200);
  });

  test('sends all to the weak tier once the budget is spent, on every instance', async () => {
    await send('PUT', 'use-cases/metered', { threshold: 0, daily_budget: 0.000_001 });
    const metered = { 'x-use-case': 'metered' };
    const first = await ask(router, { prompt: 'Hi' }, metered);
    expect(first.headers.get('x-smart-router-tier')).toBe('strong');
    const second = await ask(router, { prompt: 'Hi', routing: { explain: true } }, metered);
    expect(second.headers.get('x-smart-router-reason')).toBe('budget');
    expect(second.body.selected_model).toBe('small');
    const { spent_today: spent } = (await send('GET', 'use-cases/metered')).body;
    expect(spent).toBeGreaterThan(0.000_001);
    await expect
      .poll(
        async () =>
          (await ask(other, { prompt: 'Hi' }, metered)).headers.get('x-smart-router-reason'),
        {
          interval: 200,
        },
      )
      .toBe('budget');
    const direct = await post(
      `${router.url}/llm/openai/v1/chat/completions`,
      { prompt: 'Hi', model: 'strong' },
      { 'api-key': 'user', ...metered },
    );
    expect(direct).toMatchObject({ status: 429, body: { error: { code: 'budget_spent' } } });
    expect(Number(direct.headers.get('retry-after'))).toBeGreaterThan(0);
    await send('DELETE', 'use-cases/metered');
  });

  test('counts what the deployment that answered says it took, at its price', async () => {
    await send('PUT', 'use-cases/counted', { threshold: 0, daily_budget: 100 });
    const counted = { 'x-use-case': 'counted' };
    const spent = async () => (await send('GET', 'use-cases/counted')).body.spent_today as number;
    type Usage = { readonly prompt_tokens: number; readonly completion_tokens: number };
    const costOf = (usage: Usage, input: number, output: number) =>
      (usage.prompt_tokens * input + usage.completion_tokens * output) / 1e6;

    const plain = await ask(router, { prompt: 'Hi' }, counted);
    let expected = costOf(plain.body.usage, 4, 20);
    expect(await spent()).toBeCloseTo(expected, 12);

    const other = await ask(router, { prompt: '[sim:500@strong] Hi' }, counted);
    expect(other.headers.get('x-smart-router-reason')).toBe('fallback');
    expected += costOf(other.body.usage, 0.2, 1.2);
    expect(await spent()).toBeCloseTo(expected, 12);

    const streamed = await fetch(router.url + ROUTED, {
      method: 'POST',
      headers: { 'api-key': 'user', 'content-type': 'application/json', ...counted },
      body: JSON.stringify({ prompt: 'Hi', stream: true, stream_options: { include_usage: true } }),
    });
    const events = (await streamed.text())
      .split('\n\n')
      .map((event) => event.slice('data: '.length));
    const usage = events
      .filter((data) => data.startsWith('{'))
      .map((data) => JSON.parse(data) as { readonly usage?: Usage })
      .findLast((data) => data.usage)?.usage;
    if (usage === undefined) throw new Error('The stream has no usage.');
    expected += costOf(usage, 4, 20);
    expect(await spent()).toBeCloseTo(expected, 12);

    const before = await spent();
    const leaving = new AbortController();
    const cut = await fetch(router.url + ROUTED, {
      method: 'POST',
      headers: { 'api-key': 'user', 'content-type': 'application/json', ...counted },
      body: JSON.stringify({ prompt: '[sim:chunks:200:20] Tell me a long story.', stream: true }),
      signal: leaving.signal,
    });
    await cut.body?.getReader().read();
    leaving.abort();
    await expect.poll(spent).toBeGreaterThan(before);
    await send('DELETE', 'use-cases/counted');
  });

  test('limits what a request may be estimated to cost', async () => {
    await send('PUT', 'use-cases/frugal', { threshold: 0, price_ceiling: 0.005 });
    const frugal = { 'x-use-case': 'frugal' };
    const { headers } = await ask(router, { prompt: 'Hi' }, frugal);
    expect(headers.get('x-smart-router-reason')).toBe('price-ceiling');
    const dear = await ask(router, { prompt: 'Hi', max_tokens: 10_000 }, frugal);
    expect(dear).toMatchObject({ status: 400, body: { error: { code: 'price_ceiling' } } });
    await send('DELETE', 'use-cases/frugal');
  });
});

test('purges expired records when its timer is due', async () => {
  const response = await fetch(`${router.url}/admin/functions/purge-expired`, { method: 'POST' });
  expect(response.status).toBe(202);
  for (const what of ['registry', 'threads', 'spending']) {
    await expect
      .poll(() => router.output())
      .toMatch(new RegExp(`"purged","what":"${what}","removed":0`));
  }
});

test('reports the state of the registry in /ready', async () => {
  const response = await fetch(`${router.url}/ready`);
  expect(await response.json()).toMatchObject({
    status: 'ready',
    registry: { state: 'ok', problems: [] },
    deployments: [{ name: 'strong' }, { name: 'weak' }],
  });
});
