import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROUTED } from '../support/router.ts';
import { type RouterServer, startServer } from '../support/server.ts';

const APP = 'http://localhost:5173';
const JSON_TYPE = { 'content-type': 'application/json' };
const hash = (key: string) => createHash('sha256').update(key).digest('hex');

/** Sends what a browser would: fetch sets some of these headers itself. */
function send(
  { url }: RouterServer,
  headers: Readonly<Record<string, string>>,
  { method = 'POST', path = ROUTED } = {},
): Promise<{ readonly status: number; readonly code: string | undefined }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; code: string }>();
  const sent = request(url + path, { method, headers }, (answer) => {
    let text = '';
    answer.setEncoding('utf8');
    answer.on('data', (chunk) => {
      text += chunk;
    });
    answer.on('end', () => {
      const { error } = text.startsWith('{') ? JSON.parse(text) : {};
      resolve({ status: answer.statusCode ?? 0, code: error?.code });
    });
  });
  sent.on('error', reject);
  sent.end(method === 'POST' ? JSON.stringify({ prompt: 'Hi' }) : undefined);
  return promise;
}

describe('a router without keys', () => {
  let server: RouterServer;
  let own: string;
  beforeAll(async () => {
    server = await startServer({ ROUTER_CORS_ORIGINS: APP });
    own = new URL(server.url).host;
  });
  afterAll(async () => {
    await server.stop();
  });

  test.each(['localhost', 'LOCALHOST:7071', '127.0.0.1:80', '[::1]:7071', 'router.localhost'])(
    'answers to the name %s',
    async (host) => {
      expect(await send(server, { ...JSON_TYPE, host })).toMatchObject({ status: 200 });
    },
  );

  test.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example:7071',
    '10.0.0.5',
    '0.0.0.0:7071',
    'localhost@evil.example',
    'evil.example#localhost',
  ])('does not answer to the name %s, wherever it stands', async (host) => {
    const refused = { status: 403, code: 'host_not_allowed' };
    expect(await send(server, { ...JSON_TYPE, host })).toEqual(refused);
    expect(await send(server, { ...JSON_TYPE, 'x-forwarded-host': host })).toEqual(refused);
    expect(await send(server, { host }, { method: 'GET', path: '/health' })).toEqual(refused);
  });

  test('takes requests of its own page and of the listed origins', async () => {
    for (const origin of [`http://${own}`, APP]) {
      expect(await send(server, { ...JSON_TYPE, origin })).toMatchObject({ status: 200 });
    }
  });

  test.each(['https://evil.example', 'null', 'http://localhost:9999', 'file://', ''])(
    'takes no request of a page of %j, of any kind',
    async (origin) => {
      const refused = { status: 403, code: 'origin_not_allowed' };
      expect(await send(server, { ...JSON_TYPE, origin })).toEqual(refused);
      expect(await send(server, { 'content-type': 'text/plain', origin })).toEqual(refused);
      const rollback = { path: '/llm/deployments/strong/rollback' };
      expect(await send(server, { ...JSON_TYPE, origin }, rollback)).toEqual(refused);
    },
  );

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=application/json',
    'text/plain; application/json',
  ])('takes no body of the type %s', async (type) => {
    const { status, code } = await send(server, { 'content-type': type });
    expect([status, code]).toEqual([415, 'unsupported_media_type']);
  });

  test('takes no body without a type, and JSON with parameters', async () => {
    expect(await send(server, {})).toMatchObject({ status: 415 });
    const type = 'Application/JSON; charset=utf-8';
    expect(await send(server, { 'content-type': type })).toMatchObject({ status: 200 });
  });

  test('tells a browser before it asks', async () => {
    const asked = { origin: APP, 'access-control-request-method': 'POST' };
    expect(await send(server, asked, { method: 'OPTIONS' })).toMatchObject({ status: 204 });
  });
});

test('with keys, only the routes of admins take JSON alone, and any name is answered', async () => {
  const keys = `app=${hash('app')},admin=${hash('admin')};role=admin`;
  const server = await startServer({ ROUTER_API_KEYS: keys });
  try {
    const plain = { host: 'router.example.com', 'content-type': 'text/plain' };
    expect(await send(server, { ...plain, 'api-key': 'app' })).toMatchObject({ status: 200 });
    const rollback = { path: '/llm/deployments/strong/rollback' };
    const admin = await send(server, { ...plain, 'api-key': 'admin' }, rollback);
    expect(admin).toEqual({ status: 415, code: 'unsupported_media_type' });
  } finally {
    await server.stop();
  }
});
