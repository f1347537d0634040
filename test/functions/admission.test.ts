import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Operation } from '../../shared/openapi/operation.ts';
import { operations } from '../../shared/openapi/operations.ts';
import { ROUTED } from '../support/router.ts';
import { type RouterServer, startServer } from '../support/server.ts';

const hash = (key: string) => createHash('sha256').update(key).digest('hex');
const routing = { threshold: 1 };
const ROUTES = Object.entries<Operation>(operations);

type Asked = { readonly status: number; readonly code: string | undefined };

async function ask(
  server: RouterServer,
  key: string,
  { method = 'POST', path = ROUTED, body = { prompt: 'Hi', routing } as unknown } = {},
): Promise<Asked> {
  const response = await fetch(server.url + path, {
    method,
    headers: { 'api-key': key, 'content-type': 'application/json' },
    ...(method !== 'GET' && method !== 'DELETE' && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const code = response.status < 400 ? undefined : JSON.parse(text).error.code;
  return { status: response.status, code };
}

async function start(settings: Record<string, string>): Promise<RouterServer> {
  const server = await startServer(settings);
  onTestFinished(async () => {
    await server.stop();
  });
  return server;
}

function pathOf({ path }: Operation): string {
  return path.replace('{deployment}', 'smart-router').replaceAll(/\{\w+\}/g, 'nothing');
}

describe('each route of the table', () => {
  let server: RouterServer;
  beforeAll(async () => {
    const keys = ROUTES.map(([id]) => `${id}=${hash(`key of ${id}`)}`);
    const admin = `admin=${hash('key of an admin')};role=admin`;
    server = await startServer({
      ROUTER_API_KEYS: [...keys, admin].join(','),
      ROUTER_RATE_LIMITS: 'key=1',
    });
  });
  afterAll(async () => {
    await server.stop();
  });

  test.each(ROUTES)('%s has its callers’ rights and limits', async (id, operation) => {
    const { method, access } = operation;
    const path = pathOf(operation);
    const asked = (key: string) => ask(server, key, { method, path, body: {} });
    if (access === 'open') {
      expect([401, 403, 429]).not.toContain((await asked('no key')).status);
      return;
    }
    expect(await asked('no key')).toMatchObject({ status: 401 });
    const first = await asked(`key of ${id}`);
    if (access === 'admin') {
      expect(first).toEqual({ status: 403, code: 'admin_required' });
      for (let turn = 0; turn < 3; turn += 1) {
        expect((await asked('key of an admin')).code).not.toBe('rate_limit_exceeded');
      }
      return;
    }
    expect([401, 403, 429]).not.toContain(first.status);
    expect(await asked(`key of ${id}`)).toEqual({ status: 429, code: 'rate_limit_exceeded' });
  });
});

/** Begins an upload, and never sends its end. */
async function upload(server: RouterServer, key: string): Promise<Socket> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  onTestFinished(() => {
    socket.destroy();
  });
  socket.write(
    `POST ${ROUTED} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\napi-key: ${key}\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n`,
  );
  return socket;
}

const KEYS = [
  ...['a', 'b', 'c', 'd', 'e'].map((name) => `${name}=${hash(name)}`),
  `admin=${hash('admin')};role=admin`,
].join(',');

/** Starts a request that keeps its place until its client leaves; gives the status. */
async function occupy(server: RouterServer, key: string, leaving = new AbortController()) {
  onTestFinished(() => leaving.abort());
  const response = await fetch(server.url + ROUTED, {
    method: 'POST',
    headers: { 'api-key': key, 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: '[sim:chunks:100000:50]', stream: true, routing }),
    signal: leaving.signal,
  });
  await response.body?.getReader().read();
  return response.status;
}

async function occupyAll(server: RouterServer, keys: readonly string[]): Promise<number[]> {
  const statuses: number[] = [];
  for (const key of keys) statuses.push(await occupy(server, key));
  return statuses;
}

const REFUSED = { status: 429, code: 'too_many_requests' };

describe('places', () => {
  test('are not all taken by one caller, and some are kept for admins', async () => {
    const server = await start({ ROUTER_API_KEYS: KEYS, MAX_IN_FLIGHT: '8' });
    expect(await occupyAll(server, ['a', 'a', 'a'])).toEqual([200, 200, 429]);
    expect(await occupyAll(server, ['b', 'b', 'c', 'c', 'd', 'd'])).toEqual(Array(6).fill(200));
    expect(await ask(server, 'e')).toEqual(REFUSED);
    expect(await ask(server, 'admin')).toMatchObject({ status: 200 });
  });

  test('are given back when their callers leave', async () => {
    const server = await start({ ROUTER_API_KEYS: KEYS, MAX_IN_FLIGHT: '4' });
    const leaving = new AbortController();
    expect(await occupy(server, 'a', leaving)).toBe(200);
    expect(await ask(server, 'a')).toEqual(REFUSED);
    leaving.abort();
    await expect.poll(() => ask(server, 'a')).toMatchObject({ status: 200 });
  });

  test('are all for the caller where there is only one, who has the reserve as an admin', async () => {
    const only = `only=${hash('only')};role=admin`;
    const server = await start({ ROUTER_API_KEYS: only, MAX_IN_FLIGHT: '4' });
    expect(await occupyAll(server, Array(4).fill('only'))).toEqual([200, 200, 200, 200]);
    expect(await ask(server, 'only')).toMatchObject({ status: 200 });
    expect(await occupyAll(server, ['only', 'only'])).toEqual([200, 429]);
  });

  test('of one caller can be set', async () => {
    const settings = { MAX_IN_FLIGHT: '4', MAX_IN_FLIGHT_PER_CALLER: '3' };
    const server = await start({ ROUTER_API_KEYS: KEYS, ...settings });
    expect(await occupyAll(server, ['a', 'a', 'a', 'a'])).toEqual([200, 200, 200, 429]);
  });
});

describe('a body', () => {
  test('that comes too slowly is given up', async () => {
    const server = await start({ ROUTER_API_KEYS: KEYS });
    const socket = await upload(server, 'a');
    const drip = setInterval(() => socket.write('1\r\n \r\n'), 500);
    const [answer] = await once(socket, 'data');
    clearInterval(drip);
    expect(String(answer)).toContain('HTTP/1.1 408');
    expect(String(answer)).toContain('upload_timeout');
  });

  test('has a time', async () => {
    const server = await start({ ROUTER_API_KEYS: KEYS, BODY_TIMEOUT_MS: '500' });
    const [answer] = await once(await upload(server, 'a'), 'data');
    expect(String(answer)).toContain('HTTP/1.1 408');
  });

  test('is not waited for where the caller has used up its requests', async () => {
    const server = await start({ ROUTER_API_KEYS: KEYS, ROUTER_RATE_LIMITS: 'key=1' });
    expect(await ask(server, 'a')).toMatchObject({ status: 200 });
    const socket = await upload(server, 'a');
    socket.write('0\r\n\r\n');
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toContain('rate_limit_exceeded');
  });
});
