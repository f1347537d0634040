import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROUTED, type Router, startRouter } from '../support/router.ts';
import { type RouterServer, startServer } from '../support/server.ts';

const APP = 'https://app.example.com';
const KEYS = `app=${createHash('sha256').update('key-of-a-page').digest('hex')}`;
let host: Router;
let server: RouterServer;

beforeAll(async () => {
  const settings = {
    ROUTER_API_KEYS: KEYS,
    ROUTER_CORS_ORIGINS: `${APP}, http://localhost:5173`,
  };
  [host, server] = await Promise.all([startRouter({ settings }), startServer(settings)]);
});

afterAll(async () => {
  await Promise.all([host.close(), server.stop()]);
});

type Headers = Readonly<Record<string, string>>;

function preflight(url: string, headers: Headers): Promise<Response> {
  const method = { 'access-control-request-method': 'POST' };
  return fetch(url, { method: 'OPTIONS', headers: { ...method, ...headers } });
}

describe.each([
  ['the local host', () => host.url],
  ['the server', () => server.url],
] as const)('in %s', (_, url) => {
  test.each([
    [ROUTED, 'POST'],
    ['/v1/chat/completions', 'POST'],
    ['/llm/openai/v1/models', 'GET, HEAD'],
    ['/llm/threads', 'GET, HEAD, POST'],
    ['/llm/deployments/openai%2Fgpt', 'GET, HEAD, PUT, PATCH, DELETE'],
    ['/health', 'GET, HEAD'],
  ])('the preflight of %s needs no key and allows %s', async (path, methods) => {
    const { status, headers } = await preflight(url() + path, { origin: APP });
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe(APP);
    expect(headers.get('access-control-allow-methods')).toBe(methods);
    expect(headers.get('vary')?.toLowerCase()).toContain('origin');
    expect(headers.has('access-control-allow-credentials')).toBe(false);
  });

  test('a preflight allows the headers of clients, and no others', async () => {
    const known =
      'authorization, api-key, content-type, x-use_case, idempotency-key, x-smart-router-thread, x-stainless-os';
    const asked = `${known}, x-functions-key, X-Front-Door-Caller, cookie`;
    const { headers } = await preflight(url() + ROUTED, {
      origin: APP,
      'access-control-request-headers': asked,
    });
    expect(headers.get('access-control-allow-headers')).toBe(known);
  });

  test('the preflight of a path that does not exist is a 404', async () => {
    expect((await preflight(`${url()}/nonsense`, { origin: APP })).status).toBe(404);
  });

  test.each([
    'https://evil.example.com',
    'https://app.example.com.evil.com',
    'null',
    `${APP}:8443`,
  ])('nothing is allowed to %s', async (origin) => {
    for (const { headers } of [
      await preflight(url() + ROUTED, { origin }),
      await fetch(`${url()}/health`, { headers: { origin } }),
    ]) {
      expect(headers.has('access-control-allow-origin')).toBe(false);
      expect(headers.has('access-control-allow-methods')).toBe(false);
      expect(headers.get('vary')?.toLowerCase()).toContain('origin');
    }
  });

  test.each([
    ['an answer', { 'api-key': 'key-of-a-page' }, { prompt: 'Hi' }, 200],
    ['a stream', { 'api-key': 'key-of-a-page' }, { prompt: 'Hi', stream: true }, 200],
    ['a refusal', { 'api-key': 'key-of-a-page' }, { prompt: '' }, 400],
    ['a missing key', {}, { prompt: 'Hi' }, 401],
  ])('%s can be read with its headers', async (_name, credential, body, status) => {
    const response = await fetch(url() + ROUTED, {
      method: 'POST',
      headers: { origin: APP, 'content-type': 'application/json', ...credential },
      body: JSON.stringify(body),
    });
    await response.text();
    const { headers } = response;
    expect(response.status).toBe(status);
    expect(headers.get('access-control-allow-origin')).toBe(APP);
    const exposed = headers.get('access-control-expose-headers')?.split(', ') ?? [];
    const own = [...headers.keys()].filter((name) => name.startsWith('x-smart-router-'));
    expect(exposed).toEqual(expect.arrayContaining([...own, 'x-request-id']));
    expect(own.length).toBeGreaterThan(status === 200 ? 6 : 1);
  });

  test('an answer to no page has no more than that it differs by origin', async () => {
    const { headers } = await fetch(`${url()}/dashboard`);
    expect(headers.get('vary')).toBe('accept-encoding, origin');
    expect(headers.has('access-control-allow-origin')).toBe(false);
  });
});

test('with *, each origin may call, with a key', async () => {
  const open = await startServer({ ROUTER_API_KEYS: KEYS, ROUTER_CORS_ORIGINS: '*' });
  const origin = 'https://anybody.example.com';
  const { headers } = await preflight(open.url + ROUTED, { origin });
  expect(headers.get('access-control-allow-origin')).toBe('*');
  const refused = await fetch(open.url + ROUTED, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin },
    body: '{}',
  });
  expect(refused.status).toBe(401);
  await open.stop();
});

test('without the setting, no page of another origin may call', async () => {
  const closed = await startServer();
  expect((await preflight(closed.url + ROUTED, { origin: APP })).status).toBe(404);
  const { headers } = await fetch(`${closed.url}/health`, { headers: { origin: APP } });
  expect(headers.has('access-control-allow-origin')).toBe(false);
  expect(headers.has('vary')).toBe(false);
  await closed.stop();
});

test.each([
  ['* without keys', { ROUTER_CORS_ORIGINS: '*' }, 'ROUTER_CORS_ORIGINS=* lets every page call'],
  ['a path', { ROUTER_CORS_ORIGINS: `${APP}/` }, 'ROUTER_CORS_ORIGINS: entry 1 must be an origin'],
  ['no scheme', { ROUTER_CORS_ORIGINS: `${APP},app.example.com` }, 'entry 2 must be an origin'],
  ['null', { ROUTER_CORS_ORIGINS: 'null' }, 'entry 1 must be an origin'],
])('the router does not start with %s', async (_, settings, problem) => {
  await expect(startServer(settings)).rejects.toThrow(problem);
});
