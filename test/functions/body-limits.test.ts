import { connect } from 'node:net';
import { promisify } from 'node:util';
import { brotliCompress, deflate, gzip, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

const MAX_HEADER_BYTES = 20_000;
const MEBIBYTE = 1024 * 1024;

let router: Router;
beforeAll(async () => {
  router = await startRouter({
    settings: {
      MAX_BODY_BYTES: String(2 * MEBIBYTE),
      MAX_BODY_BYTES_IN_FLIGHT: String(3 * MEBIBYTE),
      MAX_HEADER_BYTES: String(MAX_HEADER_BYTES),
      MAX_BODY_DEPTH: '10',
      MAX_BODY_VALUES: '1000',
      languageWorkers__node__arguments: '--max-http-header-size=65536',
    },
  });
});
afterAll(() => router.close());

const messages = [{ role: 'user', content: 'Hi' }];

/** Returns a field that makes the whole body this deep. */
function nested(levels: number): string {
  return `{"prompt":"Hi","deep":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
}

describe('a body is refused before it is parsed', () => {
  test('when it is nested deeper than MAX_BODY_DEPTH', async () => {
    expect((await post(router.url + ROUTED, nested(10))).status).toBe(200);
    const { status, body } = await post(router.url + ROUTED, nested(11));
    expect(status).toBe(400);
    expect(body.error).toMatchObject({
      param: 'body',
      message: expect.stringContaining('MAX_BODY_DEPTH'),
    });
  });

  test('when it has more values than MAX_BODY_VALUES, of which a key counts as five', async () => {
    const list = (length: number) => ({ prompt: 'Hi', metadata: Array(length).fill(0) });
    const keys = (length: number) => ({
      prompt: 'Hi',
      metadata: Object.fromEntries(Array.from({ length }, (_, index) => [`k${index}`, 0])),
    });
    for (const [fits, does_not] of [
      [list(980), list(1_000)],
      [keys(195), keys(200)],
    ]) {
      expect((await post(router.url + ROUTED, fits)).status).toBe(200);
      const { status, body } = await post(router.url + ROUTED, does_not);
      expect(status).toBe(400);
      expect(body.error).toMatchObject({
        param: 'body',
        message: expect.stringContaining('MAX_BODY_VALUES'),
      });
    }
  });

  test('but not for brackets, quotes and commas within its texts', async () => {
    for (const content of ['[{'.repeat(5_000), ','.repeat(5_000), '\\"['.repeat(5_000), '"\\']) {
      const { status } = await post(router.url + ROUTED, { messages: [{ role: 'user', content }] });
      expect(status).toBe(200);
    }
  });

  test.each([
    ['gzip', gzip],
    ['GZIP', gzip],
    ['x-gzip', gzip],
    ['identity, gzip', gzip],
    ['deflate', deflate],
    ['br', brotliCompress],
  ] as const)(
    'but not when it is compressed with %s and small enough',
    async (encoding, packer) => {
      // In the background: a connection would go stale while the packing holds everything up.
      const pack = promisify<Buffer, Buffer>(packer);
      const text = (body: object | string) =>
        pack(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)));
      const ask = (body: Uint8Array) =>
        post(router.url + ROUTED, new Uint8Array(body), { 'content-encoding': encoding });
      expect((await ask(await text({ messages }))).status).toBe(200);
      // A bomb of a few hundred KB at most, which would take ten times what is allowed.
      const bomb = await ask(await pack(Buffer.alloc(20 * MEBIBYTE, ' ')));
      expect([bomb.status, bomb.body.error.code]).toEqual([413, 'body_too_large']);
      const wrong = await ask(Buffer.from('no such thing'));
      expect([wrong.status, wrong.body.error.param]).toEqual([400, 'content-encoding']);
      const cut = await ask((await text({ messages })).subarray(0, 20));
      expect([cut.status, cut.body.error.param]).toEqual([400, 'content-encoding']);
      const deep = await ask(await text(nested(11)));
      expect([deep.status, deep.body.error.param]).toEqual([400, 'body']);
    },
  );

  test('when it is compressed in a way that is not known', async () => {
    const body = new Uint8Array(gzipSync(JSON.stringify({ messages })));
    for (const encoding of ['zstd', 'gzip, br', 'x']) {
      const answer = await post(router.url + ROUTED, body, { 'content-encoding': encoding });
      expect(answer.status).toBe(415);
      expect(answer.body.error).toMatchObject({
        code: 'unsupported_encoding',
        param: 'content-encoding',
      });
    }
    for (const encoding of ['identity', 'Identity', '']) {
      const answer = await post(
        router.url + ROUTED,
        { messages },
        { 'content-encoding': encoding },
      );
      expect(answer.status).toBe(200);
    }
  });
});

test('an error repeats little of what is wrong', async () => {
  const unknown = Array.from({ length: 150 }, (_, index) => [`${'k'.repeat(100)}${index}`, 0]);
  const { status, body } = await post(router.url + ROUTED, {
    messages,
    routing: Object.fromEntries(unknown),
  });
  expect(status).toBe(400);
  expect(body.error.param).toBe('routing');
  expect(body.error.message.length).toBeLessThan(500);
});

test('headers larger than MAX_HEADER_BYTES get a 431 that names it', async () => {
  const small = await post(router.url + ROUTED, { messages }, { 'x-big': 'x'.repeat(18_000) });
  expect(small.status).toBe(200);
  const large = await post(router.url + ROUTED, { messages }, { 'x-big': 'x'.repeat(20_500) });
  expect(large.status).toBe(431);
  expect(large.body.error).toMatchObject({
    code: 'headers_too_large',
    message: expect.stringContaining('MAX_HEADER_BYTES'),
  });
  const health = await fetch(`${router.url}/health`, {
    headers: { 'x-big': 'x'.repeat(20_500) },
  });
  expect(health.status).toBe(431);
});

describe('bodies in flight', () => {
  test('with too many bytes together get a 429, and are accepted again later', async () => {
    // Chunked: the host holds other bodies until they are complete.
    const slow = await startUpload(2 * MEBIBYTE - 1_000);
    const prompt = 'x'.repeat(1.5 * MEBIBYTE);
    const refused = await post(router.url + ROUTED, { prompt });
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(refused.body.error).toMatchObject({
      type: 'rate_limit_error',
      code: 'too_many_bytes',
      message: expect.stringContaining('MAX_BODY_BYTES_IN_FLIGHT'),
    });
    // A small body still fits.
    expect((await post(router.url + ROUTED, { messages })).status).toBe(200);
    expect(await slow.finish()).toContain('HTTP/1.1 200');
    expect((await post(router.url + ROUTED, { prompt })).status).toBe(200);
  });

  test('give their bytes back however their requests end', async () => {
    const prompt = 'x'.repeat(1.5 * MEBIBYTE);
    for (let round = 0; round < 3; round += 1) {
      const gone = await startUpload(2 * MEBIBYTE - 1_000);
      gone.leave();
      await post(router.url + ROUTED, { prompt: 'x'.repeat(2.5 * MEBIBYTE) });
      await post(router.url + ROUTED, `{"prompt":"${prompt}`);
      await post(`${router.url}${ROUTED}?headers=x`, { prompt });
      const stream = await fetch(router.url + ROUTED, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ prompt, stream: true }),
      });
      await stream.text();
    }
    await expect.poll(async () => (await post(router.url + ROUTED, { prompt })).status).toBe(200);
  });
});

/** Starts an upload whose sender delays the last bytes. */
async function startUpload(bytes: number) {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect(Number(new URL(router.url).port), '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk) => {
    answer += String(chunk);
  });
  socket.on('error', () => undefined);
  socket.on('close', () => resolve(answer));
  socket.write(
    `POST ${ROUTED} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n`,
  );
  const first = `{"messages":[{"role":"user","content":"Hi"}],"user":"${'x'.repeat(bytes)}`;
  await new Promise((written) =>
    socket.write(`${first.length.toString(16)}\r\n${first}\r\n`, written),
  );
  // It waits until the app has the bytes, and not only this system's buffers.
  await new Promise((later) => setTimeout(later, 500));
  return {
    finish: () => {
      socket.write('2\r\n"}\r\n0\r\n\r\n');
      return promise;
    },
    leave: () => socket.destroy(),
  };
}
