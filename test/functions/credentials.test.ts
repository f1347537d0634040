import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

const FUNCTION_KEY = 'secret-of-the-host';
const hashOf = (key: string): string => createHash('sha256').update(key).digest('hex');
const question = { prompt: 'Hi, how are you today?' };

/** Credentials that all contain the word `secret`, which occurs nowhere else. */
const CREDENTIALS = {
  authorization: 'Bearer secret-of-ann',
  'api-key': 'secret-of-ann',
  cookie: 'session=secret',
  'x-functions-key': FUNCTION_KEY,
  'x-front-door-caller': 'secret-name',
  'x-ms-client-principal': 'secret',
  'x-ms-client-principal-id': 'secret',
  'x-ms-token-aad-access-token': 'secret',
  'ocp-apim-subscription-key': 'secret',
  'proxy-authorization': 'Basic secret',
  'x-api-key': 'secret',
  'X-USE_CASE': 'secret-project',
  'openai-organization': 'secret',
  forwarded: 'for=secret',
  'x-forwarded-for': 'secret',
};

/** The headers that a deployment may receive, whatever a caller sends. */
const SENT = [
  'accept-encoding',
  'api-key',
  'connection',
  'content-length',
  'content-type',
  'host',
  'traceparent',
  'tracestate',
  'x-ms-client-request-id',
];

const PATHS = [
  ROUTED,
  '/llm/openai/v1/chat/completions',
  '/llm/openai/deployments/strong/chat/completions',
  '/llm/openai/deployments/embedding/embeddings',
];

describe("a caller's credentials", () => {
  const ways: [string, Record<string, string>][] = [
    ['its own key', { ROUTER_API_KEYS: `ann=${hashOf('secret-of-ann')}` }],
    [
      "the front door's key",
      { ROUTER_API_KEYS: `gate=${hashOf('secret-of-ann')};role=front-door` },
    ],
    ["the host's key", { FRONT_DOOR: 'function-key' }],
    ['none', { ROUTER_AUTH: 'none' }],
  ];

  test.each(ways)('never reach a deployment: %s', async (_way, settings) => {
    const router = await startRouter({
      settings: { EMBEDDING_DEPLOYMENT: 'embedding', ...settings },
      functionKey: FUNCTION_KEY,
    });
    try {
      for (const path of PATHS) {
        for (const stream of [false, true]) {
          const response = await fetch(`${router.url}${path}?code=${FUNCTION_KEY}&key=secret`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', ...CREDENTIALS },
            body: JSON.stringify({ ...question, input: 'Hi', stream }),
          });
          expect([path, response.status]).toEqual([path, 200]);
          await response.text();
        }
      }
      expect(router.simulator.requests).toHaveLength(2 * PATHS.length);
      for (const request of router.simulator.requests) {
        expect(JSON.stringify(request)).not.toContain('secret');
        expect(SENT).toEqual(expect.arrayContaining(Object.keys(request.headers)));
      }
      expect(router.output()).not.toMatch(/secret-of|session=/);
    } finally {
      await router.close();
    }
  });
});

describe("a deployment's own key", () => {
  const keys = { STRONG_API_KEY: 'sk-key+of/strong=="\\', WEAK_API_KEY: 'key-of-weak-123' };
  let status = 401;
  let echoing: Server;
  let router: Router;
  beforeAll(async () => {
    // The deployment repeats the request that it received, raw and as JSON.
    echoing = createServer((request, response) => {
      const key = request.headers['api-key'];
      const error = { message: `Wrong key ${key}.`, code: key, more: { headers: request.headers } };
      request.resume();
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error }));
    }).listen(0, '127.0.0.1');
    await once(echoing, 'listening');
    const endpoint = `http://127.0.0.1:${(echoing.address() as AddressInfo).port}`;
    router = await startRouter({
      settings: {
        ...keys,
        STRONG_ENDPOINT: endpoint,
        WEAK_ENDPOINT: endpoint,
        EMBEDDING_DEPLOYMENT: 'embedding',
        EMBEDDING_ENDPOINT: endpoint,
        EMBEDDING_API_KEY: keys.WEAK_API_KEY,
      },
    });
  });
  afterAll(async () => {
    await router.close();
    echoing.closeAllConnections();
    echoing.close();
  });
  beforeEach(() => {
    status = 401;
  });

  test.each([400, 401, 403, 404, 429, 500])(
    'is taken out of what the deployment says with %i',
    async (answered) => {
      status = answered;
      for (const path of PATHS) {
        for (const more of [{}, { stream: true }, { routing: { explain: true } }]) {
          const said = await post(router.url + path, { ...question, input: 'Hi', ...more });
          expect(said.status).toBeGreaterThanOrEqual(400);
          expect(said.body.error.message).toEqual(expect.any(String));
          const text = JSON.stringify([said.body, [...said.headers]]);
          expect(text).not.toMatch(/sk-key|of\/strong|key-of-weak/);
        }
      }
      expect(router.output()).not.toMatch(/sk-key|of\/strong|key-of-weak/);
    },
  );

  test('leaves the rest as it was', async () => {
    const { body } = await post(`${router.url}${PATHS[3]}`, { input: 'Hi' });
    expect(body.error).toMatchObject({ message: 'Wrong key [key].', code: '[key]' });
  });

  test('is not told by /ready', async () => {
    const text = await (await fetch(`${router.url}/ready`)).text();
    expect(text).toContain('unauthorized');
    expect(text).not.toMatch(/sk-key|of\/strong|key-of-weak/);
  });
});
