import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CALLER_ID, entraSettings, type FakeEntra, startFakeEntra } from '../fakes/fake-entra.ts';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

const hashOf = (key: string): string => createHash('sha256').update(key).digest('hex');
const question = { prompt: 'Hi, how are you today?' };

/** The callers of the chat calls that the router has logged, newest last. */
/** The caller that a chat call is logged as. */
async function callerOf(router: Router, headers: Record<string, string>): Promise<unknown> {
  const answer = await post(router.url + ROUTED, question, headers);
  expect(answer.body).toMatchObject({ object: 'chat.completion' });
  expect(answer.status).toBe(200);
  const id = answer.headers.get('x-smart-router-request-id') ?? '';
  const find = () =>
    router
      .output()
      .split('\n')
      .find((line) => line.includes(id) && line.includes('"event":"chat"'));
  await expect.poll(find).toBeDefined();
  const line = find() ?? '';
  return (JSON.parse(line.slice(line.indexOf('{'))) as { caller?: string }).caller;
}

describe('a router where nothing is configured', () => {
  let router: Router;
  beforeAll(async () => {
    router = await startRouter({ settings: { ROUTER_API_KEYS: '' } });
  });
  afterAll(() => router.close());

  test('answers 401 everywhere but on /health, and asks no deployment', async () => {
    const asked = [];
    for (const { name, route, methods } of router.functions) {
      const path = route.replace('{deployment}', 'smart-router').replace('{*rest}', 'nowhere');
      for (const method of methods) {
        const isGet = ['GET', 'HEAD'].includes(method.toUpperCase());
        const response = await fetch(`${router.url}/${path}`, {
          method,
          headers: { 'api-key': 'a-guess', authorization: 'Bearer eyJh.eyJh.eyJh' },
          ...(!isGet && { body: JSON.stringify({ ...question, input: 'Hi' }) }),
        });
        asked.push(name);
        if (name === 'health') {
          expect(response.status).toBe(200);
          continue;
        }
        expect([name, response.status]).toEqual([name, 401]);
        expect(response.headers.get('www-authenticate')).toBe('Bearer');
        if (method.toUpperCase() === 'HEAD') continue;
        expect(await response.json()).toEqual({
          error: {
            message: 'No credentials are configured yet: set ROUTER_API_KEYS or ENTRA_TENANT_ID.',
            type: 'authentication_error',
            param: null,
            code: 'invalid_api_key',
          },
        });
      }
    }
    expect(asked).toEqual(expect.arrayContaining(['chat', 'embeddings', 'route', 'ready']));
    expect(router.simulator.requests).toHaveLength(0);
  });
});

describe('a router with keys and Entra ID', () => {
  let entra: FakeEntra;
  let router: Router;
  beforeAll(async () => {
    entra = await startFakeEntra();
    router = await startRouter({
      settings: {
        ...entraSettings(entra),
        ENTRA_FRONT_DOOR: '00000000-0000-0000-0000-00000000000f',
        ROUTER_API_KEYS: [
          `ann=${hashOf('old-key-of-ann')};role=admin`,
          `ann=${hashOf('new-key-of-ann')};role=admin`,
          `bob=${hashOf('key-of-bob')};use-cases=mail;deployments=weak`,
          `gateway=${hashOf('key-of-the-gateway')};role=front-door;use-cases=mail`,
        ].join(','),
      },
    });
  });
  afterAll(async () => {
    await Promise.all([router.close(), entra.close()]);
  });

  test('asks for no keys of Entra ID before a token comes', async () => {
    for (const headers of [
      { 'api-key': 'wrong' },
      { 'api-key': 'eyJh.eyJh.eyJh' },
      { authorization: 'Bearer wrong' },
      { authorization: 'Basic eyJh.eyJh.eyJh' },
      { 'x-front-door-caller': 'ann' },
      {},
    ]) {
      const {
        status,
        headers: answered,
        body,
      } = await post(router.url + ROUTED, question, headers);
      expect(status).toBe(401);
      expect(answered.get('www-authenticate')).toBe('Bearer');
      expect(body.error).toMatchObject({
        code: 'invalid_api_key',
        message: expect.stringMatching(/api-key.*access token of Microsoft Entra ID/),
      });
    }
    expect(entra.fetches).toBe(0);
    expect(await callerOf(router, { 'api-key': 'old-key-of-ann' })).toBe('ann');
    expect(entra.fetches).toBe(0);
  });

  test('takes each key of a caller, in either header, while one is being replaced', async () => {
    expect(await callerOf(router, { 'api-key': 'new-key-of-ann' })).toBe('ann');
    const bearer = { 'api-key': 'placeholder', authorization: 'bearer new-key-of-ann' };
    expect(await callerOf(router, bearer)).toBe('ann');
    expect(entra.fetches).toBe(0);
  });

  test('takes an access token, and names its caller by the object id', async () => {
    const token = await entra.sign({ preferred_username: 'ann@example.com' });
    const headers = { authorization: `Bearer ${token}`, 'api-key': 'placeholder' };
    expect(await callerOf(router, headers)).toBe(CALLER_ID);
    expect(router.output()).not.toContain('ann@example.com');
  });

  test('refuses a token that is wrong, and one without a role', async () => {
    const wrong = await entra.sign({ aud: 'api://other' });
    const refused = await post(router.url + ROUTED, question, { authorization: `Bearer ${wrong}` });
    expect(refused.status).toBe(401);
    expect(refused.body.error).toMatchObject({
      type: 'authentication_error',
      code: 'invalid_token',
    });
    expect(refused.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
    const idle = await entra.sign({ roles: [] });
    const forbidden = await post(router.url + ROUTED, question, {
      authorization: `Bearer ${idle}`,
    });
    expect(forbidden.status).toBe(403);
    expect(forbidden.body.error).toMatchObject({ code: 'role_required' });
    for (const token of [wrong, idle]) expect(router.output()).not.toContain(token.slice(-40));
  });

  test('holds a caller to its use cases and deployments', async () => {
    const key = { 'api-key': 'key-of-bob' };
    const unnamed = await post(router.url + ROUTED, question, key);
    expect(unnamed.status).toBe(403);
    expect(unnamed.body.error).toMatchObject({
      code: 'use_case_not_allowed',
      param: 'X-USE_CASE',
      message: expect.stringContaining('mail'),
    });
    const strong = `${router.url}/llm/openai/deployments/strong/chat/completions`;
    const mail = { ...key, 'X-USE_CASE': 'mail' };
    const other = await post(strong, question, mail);
    expect(other.status).toBe(403);
    expect(other.body.error).toMatchObject({ code: 'deployment_not_allowed' });
    const routed = await post(
      router.url + ROUTED,
      { ...question, routing: { threshold: 0 } },
      mail,
    );
    expect(routed.status).toBe(200);
    expect(router.simulator.requests.at(-1)?.deployment).toBe('weak');
  });

  test("accepts the caller that the front door names only with its key or its identity's token", async () => {
    const named = { 'x-front-door-caller': 'team-7', 'X-USE_CASE': 'mail' };
    const byKey = { 'api-key': 'key-of-the-gateway' };
    const token = await entra.sign({
      oid: '00000000-0000-0000-0000-00000000000F',
      roles: undefined,
    });
    const byToken = { authorization: `Bearer ${token}` };
    for (const proof of [byKey, byToken]) {
      expect(await callerOf(router, { ...named, ...proof })).toBe('team-7');
      expect(await callerOf(router, { 'X-USE_CASE': 'mail', ...proof })).toBe('front-door');
      const strange = await post(router.url + ROUTED, question, {
        ...proof,
        'X-USE_CASE': 'mail',
        'x-front-door-caller': 'team 7, ann',
      });
      expect(strange.status).toBe(400);
      expect(strange.body.error.param).toBe('x-front-door-caller');
    }
    expect(await callerOf(router, { ...named, 'api-key': 'new-key-of-ann' })).toBe('ann');
    const caller = { ...named, authorization: `Bearer ${await entra.sign()}` };
    expect(await callerOf(router, caller)).toBe(CALLER_ID);
    // All callers behind the front door have the rights of its entry.
    const { status } = await post(router.url + ROUTED, question, byKey);
    expect(status).toBe(403);
  });

  test('answers 503 while a token cannot be checked, and still accepts keys', async () => {
    const down = await startFakeEntra();
    down.fail('failing');
    const waiting = await startRouter({
      settings: { ...entraSettings(down), ROUTER_API_KEYS: `ann=${hashOf('key-of-ann')}` },
    });
    try {
      const authorization = `Bearer ${await down.sign()}`;
      const { status, headers, body } = await post(waiting.url + ROUTED, question, {
        authorization,
      });
      expect(status).toBe(503);
      expect(headers.get('retry-after')).toBe('5');
      expect(body.error).toMatchObject({ type: 'server_error', code: 'auth_unavailable' });
      expect(await callerOf(waiting, { 'api-key': 'key-of-ann' })).toBe('ann');
    } finally {
      await Promise.all([waiting.close(), down.close()]);
    }
  });
});
