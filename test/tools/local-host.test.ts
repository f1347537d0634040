import { once } from 'node:events';
import { Agent, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  afterAll,
  beforeAll,
  beforeEach,
  describe,
  expect,
  type MockInstance,
  test,
  vi,
} from 'vitest';
import { type LocalHost, startLocalHost } from '../../tools/local-host/local-host.ts';

const MAX_BODY_BYTES = 104_857_600;

type Options = {
  /** A folder within the fixture. */
  readonly variant?: string;
  readonly hangMs?: number;
  readonly env?: Readonly<Record<string, string>>;
};

type Host = LocalHost & { output(): string };

async function start({ variant = '', hangMs = 60_000, env = {} }: Options = {}): Promise<Host> {
  let output = '';
  const host = await startLocalHost({
    appFolder: fileURLToPath(new URL(`../fixtures/quirks-app/${variant}`, import.meta.url)),
    hangMs,
    env,
    onOutput: (chunk) => {
      output += chunk;
    },
  });
  return { ...host, output: () => output };
}

/** Starts a host for the tests of one block. */
function useHost(options: Options = {}): {
  get(path: string, init?: RequestInit): Promise<Response>;
  readonly current: Host;
} {
  let host: Host;
  beforeAll(async () => {
    host = await start(options);
  });
  afterAll(() => host.close());
  return {
    get: (path, init) => fetch(`${host.url}${path}`, init),
    get current() {
      return host;
    },
  };
}

const host = useHost();

/** The host's log. */
let log: MockInstance;
beforeEach(() => {
  log = vi.spyOn(console, 'error').mockReturnValue();
});

function logged(): string {
  return log.mock.calls.flat().join('\n');
}

/** Opens a bare connection, so that a test decides when to read and when to leave. */
function sendRaw({ url }: LocalHost, ...lines: string[]): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  socket.write([...lines, 'host: x', '', ''].join('\r\n'));
  return socket;
}

/** Sends a body of `size` zero bytes without holding it in memory. */
async function sendZeros(host: LocalHost, path: string, size: number): Promise<IncomingMessage> {
  const outgoing = request(`${host.url}${path}`, {
    method: 'POST',
    headers: { 'content-length': size },
  });
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
  const chunk = Buffer.alloc(1 << 20);
  const chunks = Array.from({ length: size / chunk.length }, () => chunk);
  await pipeline(Readable.from(chunks), outgoing);
  const [answer] = await answered;
  return answer;
}

/** Reads until the end of the body, or until the connection breaks. */
async function readAll(response: Response): Promise<{ body: string; isBroken: boolean }> {
  let body = '';
  try {
    for await (const chunk of response.body ?? []) body += Buffer.from(chunk).toString();
    return { body, isBroken: false };
  } catch {
    return { body, isBroken: true };
  }
}

async function emptyStatus(answer: Promise<Response>): Promise<number> {
  const response = await answer;
  expect(await response.text()).toBe('');
  return response.status;
}

type Echo = {
  readonly function: string;
  readonly url: string;
  readonly params: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly pid: number;
};

async function echoOf(answer: Promise<Response>): Promise<Echo> {
  const response = await answer;
  expect(response.status).toBe(200);
  return (await response.json()) as Echo;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('answers', () => {
  async function streamState(id: string): Promise<unknown> {
    return (await host.get(`/api/stream-state?id=${id}`)).json();
  }

  async function release(id: string): Promise<void> {
    await host.get(`/api/release?id=${id}`, { method: 'POST' });
  }

  test('passes events on one by one, the first at once, with the headers of the real host', async () => {
    const response = await host.get('/api/stream?id=sse&chunks=3&gate=1');
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/event-stream',
      'transfer-encoding': 'chunked',
      server: 'Kestrel',
      date: expect.stringMatching(/GMT$/),
      'x-ms-invocation-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    const reader = response.body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('data: 1\n\n');
    expect(await streamState('sse')).toMatchObject({ pulled: 1 });
    await release('sse');
    let rest = '';
    for (let part = await reader?.read(); !part?.done; part = await reader?.read()) {
      rest += Buffer.from(part?.value ?? []).toString();
    }
    expect(rest).toBe('data: 2\n\ndata: 3\n\n');
  });

  test('gives texts a content type, and chunks them unless they have a length', async () => {
    const chunked = await host.get('/api/text');
    expect(chunked.headers.get('content-type')).toBe('text/plain;charset=UTF-8');
    expect(chunked.headers.get('transfer-encoding')).toBe('chunked');
    expect(await chunked.text()).toBe('plain words');
    const sized = await host.get('/api/sized');
    expect(sized.headers.get('content-length')).toBe('11');
    expect(sized.headers.has('transfer-encoding')).toBe(false);
    expect(await sized.text()).toBe('plain words');
  });

  test.each([1, 2])(
    'breaks the connection after the %i events of a stream that fails',
    async (sent) => {
      const response = await host.get(`/api/stream?id=fails&chunks=9&failAfter=${sent}`);
      expect(response.status).toBe(200);
      const events = ['data: 1\n\n', 'data: 2\n\n'].slice(0, sent).join('');
      expect(await readAll(response)).toEqual({ body: events, isBroken: true });
      expect(logged()).toContain('The stream fails.');
    },
  );

  test('reads a stream to its end whose client has left, and logs it as failed', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const response = await host.get('/api/stream?id=left&chunks=20&pauseMs=10', { signal });
    await response.body?.getReader().read();
    controller.abort();
    const end = { pulled: 20, ended: true, cancelled: false };
    await expect.poll(() => streamState('left')).toEqual(end);
    await expect.poll(logged).toMatch(/stream .*Failed \(ResponseBodyCanceled\)/);
  });

  test('runs a function to its end whose client left before the answer began', async () => {
    const socket = sendRaw(host.current, 'GET /api/stream?id=early&chunks=3&gate=0 HTTP/1.1');
    await expect.poll(() => streamState('early')).toMatchObject({ ended: false });
    socket.destroy();
    // This gives the host time to notice it.
    await setTimeout(50);
    await release('early');
    const end = { pulled: 3, ended: true, cancelled: false };
    await expect.poll(() => streamState('early')).toEqual(end);
    await expect.poll(logged).toMatch(/stream .*Failed \(ResponseBodyCanceled\)/);
  });

  test('pulls a whole body however slow its reader is', async () => {
    const path = '/api/stream?id=slow&chunks=512&size=65536';
    const socket = sendRaw(host.current, `GET ${path} HTTP/1.1`);
    socket.pause();
    await expect
      .poll(() => streamState('slow'))
      .toEqual({ pulled: 512, ended: true, cancelled: false });
    expect(socket.bytesRead).toBeLessThan(1 << 20);
    socket.destroy();
  });

  test('keeps the last of two Set-Cookie headers, and all cookies', async () => {
    const byHeaders = await host.get('/api/cookies-by-headers');
    expect(byHeaders.headers.getSetCookie()).toEqual(['b=2']);
    const cookies = await host.get('/api/cookies');
    expect(cookies.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  });

  test('answers many requests at once, each with its own answer', async () => {
    const names = Array.from({ length: 200 }, (_, index) => `name-${index}`);
    const echoes = await Promise.all(names.map((name) => echoOf(host.get(`/api/echo/${name}`))));
    expect(echoes.map(({ params }) => params['name'])).toEqual(names);
  });

  test('keeps a connection open for more requests', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const reused: boolean[] = [];
    for (const method of ['GET', 'POST', 'HEAD', 'GET']) {
      const options: RequestOptions = { agent, method };
      const outgoing = request(`${host.current.url}/api/echo/again`, options).end();
      const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
      await text(answer);
      reused.push(outgoing.reusedSocket);
    }
    agent.destroy();
    expect(reused).toEqual([false, true, true, true]);
  });
});

describe('requests', () => {
  function post(path: string, body: string, type = 'application/json'): Promise<Echo> {
    return echoOf(host.get(path, { method: 'POST', body, headers: { 'content-type': type } }));
  }

  test('passes a body of 104,857,600 bytes', async () => {
    const answer = await sendZeros(host.current, '/api/count', MAX_BODY_BYTES);
    expect(JSON.parse(await text(answer))).toEqual({ bytes: MAX_BODY_BYTES });
  }, 60_000);

  test('answers an empty 500 to a body that is one byte longer', async () => {
    const size = `content-length: ${MAX_BODY_BYTES + 1}`;
    const socket = sendRaw(host.current, 'POST /api/count HTTP/1.1', size);
    const [head] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    expect(head.toString()).toMatch(/^HTTP\/1.1 500 .*content-length: 0\r\n.*\r\n\r\n$/is);
  });

  test('makes reading an upload reject that breaks off', async () => {
    const socket = sendRaw(host.current, 'POST /api/read HTTP/1.1', 'transfer-encoding: chunked');
    socket.write('5\r\nhello\r\n');
    const uploadState = async () => (await host.get('/api/upload')).text();
    await expect.poll(uploadState).toBe('begun');
    socket.destroy();
    await expect.poll(uploadState).toContain('aborted');
  });

  test('passes a body on whose client first asks whether to send it', async () => {
    const outgoing = request(`${host.current.url}/api/read`, {
      method: 'POST',
      headers: { expect: '100-continue', 'content-length': 5 },
    });
    outgoing.flushHeaders();
    await once(outgoing, 'continue');
    outgoing.end('hello');
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    expect(await text(answer)).toBe('hello');
  });

  test('answers 431 at once to headers over 32 KB, and 414 to a URL over 8 KB', async () => {
    const large = host.get('/api/text', { headers: { 'x-large': 'x'.repeat(33_000) } });
    expect(await emptyStatus(large)).toBe(431);
    expect(await emptyStatus(host.get(`/api/text?long=${'x'.repeat(8_200)}`))).toBe(414);
    expect((await host.get(`/api/text?long=${'x'.repeat(8_000)}`)).status).toBe(200);
  });

  test('leaves an encoded slash in a route value and encodes it again in the URL', async () => {
    const { params, url } = await echoOf(host.get('/api/echo/a%2Fb%20c?x=%2F'));
    expect(params['name']).toBe('a%2Fb c');
    expect(url).toBe(`${host.current.url}/api/echo/a%252Fb%20c?x=%2F`);
  });

  test('mixes the query and the strings of a JSON body into the route values, which win', async () => {
    const body = { name: 'body', model: 'gpt', Other: 'body', n: 1, stop: ['a'] };
    const path = '/api/echo/route?name=query&other=query&code=secret&api-version=1';
    const { params } = await post(path, JSON.stringify(body), 'text/plain');
    expect(params).toEqual({ name: 'route', model: 'gpt', Other: 'query', 'api-version': '1' });
  });

  test('does not look into bodies that are chunked or no JSON objects', async () => {
    const chunked = new Blob([JSON.stringify({ model: 'gpt' })]).stream();
    const init = { method: 'POST', body: chunked, duplex: 'half' as const };
    expect((await echoOf(host.get('/api/no-route', init))).params).toEqual({});
    for (const body of ['[{"model":"gpt"}]', '"model"', '{"model":', '']) {
      expect((await post('/api/no-route', body)).params).toEqual({});
    }
  });

  test.each([
    ['an object in a body', '/api/no-route', JSON.stringify({ Headers: { 'X-Forged': '1' } })],
    ['a JSON text in a body', '/api/no-route', JSON.stringify({ headers: '{"x-forged":"1"}' })],
    ['a query parameter', '/api/no-route?HEADERS=%7B%22x-forged%22%3A%221%22%7D', 'no JSON'],
  ])('lets %s named headers take the place of all headers', async (_, path, body) => {
    expect((await post(path, body, 'text/plain')).headers).toEqual({ 'x-forged': '1' });
  });

  test('keeps the headers before arrays, and before a chunked body', async () => {
    const forged = { headers: { 'x-forged': '1' } };
    const chunked = new Blob([JSON.stringify(forged)]).stream();
    const init = { method: 'POST', body: chunked, duplex: 'half' as const };
    for (const { headers } of [
      await post('/api/no-route', JSON.stringify([forged])),
      await post('/api/no-route', JSON.stringify({ headers: [['x-forged', '1']] })),
      await echoOf(host.get('/api/no-route', init)),
    ]) {
      expect(headers).toMatchObject({ host: new URL(host.current.url).host });
      expect(headers).not.toHaveProperty('x-forged');
    }
  });

  test.each(['HEAD', 'OPTIONS', 'POST', 'DELETE'])(
    'answers an empty 404 to %s on a GET route',
    async (method) => {
      expect(await emptyStatus(host.get('/api/text', { method }))).toBe(404);
    },
  );

  test('refuses registrations once the app has started', async () => {
    const response = await host.get('/api/late');
    expect(await response.text()).toBe('A function can only be registered during app startup.');
  });
});

describe('routes', () => {
  test.each([
    ['/api/v1/models/gpt-5.6:generate', 'generate', { model: 'gpt-5.6' }],
    ['/api/v1/models/gpt-5.6%3Agenerate', 'generate', { model: 'gpt-5.6' }],
    ['/api/.well-known/x.json', 'well-known', {}],
    ['/api/numbers/-12', 'integer', { id: '-12' }],
    ['/api/pages', 'optional-integer', {}],
    ['/api/pages/3', 'optional-integer', { page: '3' }],
    ['/api/echo', 'echo', {}],
    ['/api/files/a/b/c.txt', 'rest', { rest: 'a/b/c.txt' }],
    ['/api/files', 'rest', {}],
    ['/API/.Well-Known/X.JSON/', 'well-known', {}],
    ['/api/echo/Name/', 'echo', { name: 'Name' }],
    ['/api/order/exact', 'Order-A', { any: 'exact' }],
  ])('finds the function for %s', async (path, name, params) => {
    expect(await echoOf(host.get(path))).toMatchObject({ function: name, params });
  });

  test.each([
    '/text',
    '/api',
    '/api/Xwell-known/x.json',
    '/api/.well-known/xyjson',
    '/api/numbers/twelve',
    '/api/numbers',
    '/api/pages/3/4',
    '/api/v1/models/gpt',
    '/api/echo/a/b',
  ])('finds no function for %s', async (path) => {
    expect(await emptyStatus(host.get(path))).toBe(404);
  });
});

describe('requests that hang', () => {
  const HANG_MS = 600;
  const impatient = useHost({ hangMs: HANG_MS });
  const largeHeaders = { 'x-large': 'x'.repeat(20_000) };

  async function expectHang(path: string, headers: Record<string, string> = {}): Promise<void> {
    const startedAt = performance.now();
    expect(await emptyStatus(impatient.get(path, { headers }))).toBe(500);
    expect(performance.now() - startedAt).toBeGreaterThan(HANG_MS - 10);
  }

  test('ends those of a handler that throws', async () => {
    await expectHang('/api/throws');
    expect(logged()).toContain('The handler fails.');
  });

  test('ends those of a handler that returns nothing', () => expectHang('/api/nothing'));

  test('ends those of a handler that never returns', () => expectHang('/api/never'));

  test('ends those with headers of 20 KB', () => expectHang('/api/text', largeHeaders));

  test('ends those with an invocation id of the client', () =>
    expectHang('/api/text', { 'x-ms-invocation-id': '3f2504e0-4f89-11d3-9a0c-0305e82c3301' }));

  test('cuts a stream that stays silent', async () => {
    const response = await impatient.get('/api/stream?id=silent&chunks=2&gate=1');
    expect(await readAll(response)).toEqual({ body: 'data: 1\n\n', isBroken: true });
  });

  test('lets an upload last that is never silent for long', async () => {
    const body = Readable.from(slowly(20), { objectMode: false });
    const init = { method: 'POST', body, duplex: 'half' as const };
    const response = await impatient.get('/api/read', init);
    expect(await response.text()).toBe('x'.repeat(20));
  });

  async function* slowly(count: number): AsyncGenerator<Buffer> {
    for (let sent = 0; sent < count; sent += 1) {
      await setTimeout(40);
      yield Buffer.from('x');
    }
  }

  test('lets a stream last that is never silent for long', async () => {
    const response = await impatient.get('/api/stream?id=lasting&chunks=20&pauseMs=40');
    const { body, isBroken } = await readAll(response);
    expect(isBroken).toBe(false);
    expect(body).toContain('data: 20\n\n');
  });

  test('passes headers of 20 KB to a worker whose arguments allow them', async () => {
    const env = { languageWorkers__node__arguments: '--max-http-header-size=65536' };
    const wide = await start({ env });
    const echo = await echoOf(fetch(`${wide.url}/api/echo`, { headers: largeHeaders }));
    expect(echo.headers).toMatchObject(largeHeaders);
    await wide.close();
  });
});

describe('the worker', () => {
  const fragile = useHost();

  test.each([
    ['rejection', 'Nobody waits for this.'],
    ['timer', 'A timer fails.'],
  ])(
    'is replaced after an unhandled %s, and calls in flight get 500 at once',
    async (how, message) => {
      const { pid } = await echoOf(fragile.get('/api/echo'));
      expect(pid).toBe(fragile.current.workerPid());
      const waiting = emptyStatus(fragile.get('/api/never'));
      const stream = readAll(await fragile.get('/api/stream?id=cut&chunks=2&gate=1'));
      await fragile.get(`/api/crash?how=${how}`).catch(() => undefined);
      expect(await waiting).toBe(500);
      expect(await stream).toEqual({ body: 'data: 1\n\n', isBroken: true });
      await expect.poll(async () => (await fragile.get('/api/text')).status).toBe(200);
      expect((await echoOf(fragile.get('/api/echo'))).pid).not.toBe(pid);
      expect(fragile.current.workerPid()).not.toBe(pid);
      expect(isRunning(pid)).toBe(false);
      expect(fragile.current.output()).toContain(message);
    },
  );

  test('is ended by a function that runs into its time limit, with all its other streams', async () => {
    const brief = await start({ variant: 'short-timeout' });
    const get = (path: string) => fetch(`${brief.url}${path}`);
    const { pid } = await echoOf(get('/echo'));
    const first = readAll(await get('/stream?id=first&chunks=2&gate=1'));
    await setTimeout(600);
    const second = readAll(await get('/stream?id=second&chunks=2&gate=1'));
    const waiting = emptyStatus(get('/never'));
    const cut = { body: 'data: 1\n\n', isBroken: true };
    expect(await first).toEqual(cut);
    const cutAt = performance.now();
    expect(await second).toEqual(cut);
    // It has begun 600 ms later, and does not end by a limit of its own.
    expect(performance.now() - cutAt).toBeLessThan(500);
    expect(await waiting).toBe(500);
    await expect.poll(async () => (await get('/text')).status).toBe(200);
    expect((await echoOf(get('/echo'))).pid).not.toBe(pid);
    await brief.close();
  });
});

describe('hooks', () => {
  test('runs appStart before the first request', async () => {
    expect(await (await host.get('/api/started')).json()).toEqual(['appStart']);
  });

  test.each([
    ['replaced', 'from the hook'],
    ['amended', 'from the handler, before: amended'],
    ['rescued', 'The handler fails.'],
  ])('lets hooks around an invocation have it %s', async (path, body) => {
    expect(await (await host.get(`/api/${path}`)).text()).toBe(body);
  });
});

describe('closing', () => {
  test('is quick, runs appTerminate, cuts what is in flight and leaves no process', async () => {
    const open = await start();
    const pid = open.workerPid();
    const waiting = fetch(`${open.url}/api/never`).then(({ status }) => status);
    const stream = readAll(await fetch(`${open.url}/api/stream?id=open&chunks=2&gate=1`));
    await open.close();
    expect(open.output()).toContain('appTerminate ran');
    expect(await stream).toEqual({ body: 'data: 1\n\n', isBroken: true });
    expect(await waiting).toBe(500);
    expect(isRunning(pid)).toBe(false);
    await expect(fetch(open.url)).rejects.toThrow();
  });
});

describe('an app that cannot start', () => {
  test.each([
    ['whose entry point throws', { env: { QUIRK: 'fails' } }, 'ROUTER_SETTING must be set.'],
    ['without HTTP streams', { env: { QUIRK: 'buffered' } }, 'enableHttpStream'],
    ['with a route of the host', { env: { QUIRK: 'reserved-route' } }, 'admin/users'],
    ['with a route twice', { env: { QUIRK: 'same-route' } }, 'same route'],
    ['without files', { variant: 'no-files' }, 'Found zero files matching the supplied pattern'],
    ['without main', { variant: 'no-main' }, 'has no "main"'],
  ])('%s is refused with what is wrong', async (_, options: Options, message) => {
    await expect(start(options)).rejects.toThrow(message);
  });
});
