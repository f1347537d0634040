import { request } from 'node:http';
import OpenAI, { AzureOpenAI } from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { post, type Router, startRouter } from '../support/router.ts';
import { type RouterServer, startServer } from '../support/server.ts';

const settings = {
  STRONG_DEPLOYMENT: 'openai/gpt-oss-120b',
  STRONG_MODEL: 'gpt-oss-120b',
  CIRCUIT_FAILURES: '1000',
};
let host: Router;
let server: RouterServer;

beforeAll(async () => {
  [host, server] = await Promise.all([startRouter(), startServer()]);
});

afterAll(async () => {
  await Promise.all([host.close(), server.stop()]);
});

/** Sends a path as it is: fetch would change some. */
async function send(url: string, method: string, path: string, body?: string) {
  const { hostname, port } = new URL(url);
  const { promise, resolve, reject } = Promise.withResolvers<import('node:http').IncomingMessage>();
  const headers = { 'content-type': 'application/json' };
  request({ hostname, port, method, path, headers }, resolve).on('error', reject).end(body);
  const answer = await promise;
  const text = (await answer.toArray()).join('');
  return { status: answer.statusCode, headers: answer.headers, text };
}

const CHAT = JSON.stringify({ prompt: 'Hi' });

describe.each([
  ['the local host', () => host.url],
  ['the server', () => server.url],
] as const)('in %s', (_, url) => {
  test.each([
    '/llm/openai/v1/chat/completions/',
    '//llm//openai/v1/chat/completions',
    '/llm/openai//deployments/smart-router/chat/completions',
    '/v1/chat/completions',
    '/openai/v1/chat/completions',
    '/llm/v1/chat/completions',
    '/openai/chat/completions',
    '/openai/deployments/smart-router/chat/completions?api-version=2024-10-21',
    '/LLM/OpenAI/v1/Chat/Completions',
    '/chat/completions',
  ])('POST %s completes a chat', async (path) => {
    const { status, headers } = await send(url(), 'POST', path, CHAT);
    expect([status, headers['x-smart-router-tier'] !== undefined]).toEqual([200, true]);
  });

  test.each([
    '/llm/openai/v1/models',
    '/llm/openai/models?api-version=2024-10-21',
    '/llm/models',
    '/llm/openai/models/',
    '/v1/models',
    '/openai/models',
    '/llm/openai/deployments/smart-router/models',
  ])('GET %s lists the models, and HEAD says how long that is', async (path) => {
    const got = await send(url(), 'GET', path);
    expect(got.status).toBe(200);
    expect(JSON.parse(got.text).data[0]).toMatchObject({ id: 'smart-router', object: 'model' });
    const head = await send(url(), 'HEAD', path);
    expect([head.status, head.text]).toEqual([200, '']);
    expect(head.headers['content-length']).toBe(got.headers['content-length']);
  });

  test.each([
    '/llm/openai/v1/models/weak',
    '/llm/openai/models/weak',
    '/llm/models/weak',
    '/v1/models/weak',
    '/v1/models/router-mf-0.3',
  ])('GET %s is a model', async (path) => {
    const { status, text } = await send(url(), 'GET', path);
    expect([status, JSON.parse(text).id]).toEqual([200, path.split('/').at(-1)]);
  });

  test('a model that does not exist is a 404 with the names that do', async () => {
    for (const path of ['/v1/models/nonsense', '/llm/models/a%2Fb', '/v1/models/a/b']) {
      const { status, text } = await send(url(), 'GET', path);
      expect(status).toBe(404);
      expect(JSON.parse(text).error).toMatchObject({
        code: 'DeploymentNotFound',
        message: expect.stringMatching(/^Use one of these names: smart-router, strong, weak/),
      });
    }
  });

  test.each(['/health', '/ready', '/openapi.json', '/dashboard', '/llm/stats', '/llm/threads'])(
    'HEAD %s has the status of GET',
    async (path) => {
      const [got, head] = await Promise.all([send(url(), 'GET', path), send(url(), 'HEAD', path)]);
      expect([head.status, head.text]).toEqual([got.status, '']);
    },
  );

  test('the bare address leads to the dashboard', async () => {
    const { status, headers } = await send(url(), 'GET', '/');
    expect([status, headers.location]).toEqual([302, 'dashboard']);
    const response = await fetch(url());
    expect([new URL(response.url).pathname, response.status]).toEqual(['/dashboard', 200]);
  });

  test.each([
    ['GET', '/nonsense', /^Use \/llm as the endpoint/],
    ['POST', '/llm/openai/v1/nonsense', /^Use \/llm as the endpoint/],
    ['POST', '/llm/openai/v1', /^Use \/llm as the endpoint/],
    ['POST', '/llm/responses', /^Ask for chat completions/],
    ['POST', '/v1/responses', /^Ask for chat completions/],
    ['POST', '/llm/openai/v1/completions', /^Ask for chat completions/],
    ['GET', '/llm/openai/v1/chat/completions', /^Send POST to this path/],
    ['DELETE', '/v1/models', /^Send GET, HEAD to this path/],
    ['GET', '/%zz', /^Use \/llm as the endpoint/],
  ])('%s %s is a short 404', async (method, path, message) => {
    const { status, text, headers } = await send(url(), method, path);
    expect(status).toBe(404);
    expect(JSON.parse(text).error).toMatchObject({
      code: 'not_found',
      message: expect.stringMatching(message),
    });
    expect(text.length).toBeLessThan(400);
    if (String(message).includes('Send')) expect(headers.allow).toBeDefined();
  });
});

describe('a deployment whose name has a slash', () => {
  let slashed: Router;
  beforeAll(async () => {
    slashed = await startRouter({ settings });
  });
  afterAll(() => slashed.close());

  test.each([
    '/llm/openai/deployments/openai%2Fgpt-oss-120b/chat/completions',
    '/llm/openai/deployments/openai%2fgpt-oss-120b/chat/completions',
    '/llm/openai/deployments/openai/gpt-oss-120b/chat/completions',
    '/llm/deployments/openai%2Fgpt-oss-120b/chat/completions',
  ])('is called at %s', async (path) => {
    const { headers } = await send(slashed.url, 'POST', path, CHAT);
    expect(headers['x-smart-router-reason']).toBe('deployment');
    expect(headers['x-smart-router-selected-model']).toBe('gpt-oss-120b');
  });

  test('is called by the clients of the openai package, and found by them', async () => {
    const model = 'openai/gpt-oss-120b';
    const azure = new AzureOpenAI({
      endpoint: `${slashed.url}/llm`,
      apiKey: 'any',
      apiVersion: '2024-10-21',
      maxRetries: 0,
    });
    const plain = new OpenAI({ baseURL: `${slashed.url}/v1`, apiKey: 'any', maxRetries: 0 });
    for (const client of [azure, plain]) {
      expect(await client.models.retrieve(model)).toMatchObject({ id: model });
      const ids = (await client.models.list()).data.map(({ id }) => id);
      expect(ids).toContain(model);
      const call = client.chat.completions.create({
        model,
        messages: [{ role: 'user', content: 'Hi' }],
      });
      // The simulator has no deployment of this name, and its refusal shows that it was asked.
      await expect(call).rejects.toMatchObject({ status: 404, code: 'DeploymentNotFound' });
    }
  });
});

test('another spelling of a path does not get around the key of the host, nor around the keys', async () => {
  const door = await startRouter({
    settings: { FRONT_DOOR: 'function-key' },
    functionKey: 'the-key-of-the-host',
  });
  const paths = ['/v1/chat/completions', '//llm//route', '/llm/openai/v1/models//', '/v1/models'];
  for (const path of paths) {
    expect((await send(door.url, 'POST', path, CHAT)).status).toBe(401);
    expect((await send(door.url, 'HEAD', path)).status).toBe(401);
  }
  const answer = await post(
    `${door.url}/v1/chat/completions`,
    { prompt: 'Hi' },
    {
      'x-functions-key': 'the-key-of-the-host',
    },
  );
  expect(answer.status).toBe(200);
  await door.close();
  const keyed = await startServer({ ROUTER_API_KEYS: `app=${'0'.repeat(64)}` });
  for (const path of paths)
    expect((await send(keyed.url, 'POST', path, CHAT)).status).not.toBe(200);
  expect((await send(keyed.url, 'POST', '/v1/chat/completions', CHAT)).status).toBe(401);
  expect((await send(keyed.url, 'HEAD', '/v1/models')).status).toBe(401);
  await keyed.stop();
});
