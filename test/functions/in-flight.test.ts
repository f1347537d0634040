import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

const MAX_IN_FLIGHT = 3;

let router: Router;
beforeAll(async () => {
  router = await startRouter({
    settings: { MAX_IN_FLIGHT: String(MAX_IN_FLIGHT) },
    hangMs: 60_000,
  });
});
afterAll(() => router.close());
beforeEach(() => router.simulator.reset());

const routing = { threshold: 1 };

/** Starts a request that takes a place for as long as its client stays. */
async function occupy(stream: boolean): Promise<() => void> {
  const controller = new AbortController();
  const before = router.simulator.requests.length;
  const prompt = stream ? '[sim:chunks:100000:20]' : '[sim:stall:0]';
  const answer = fetch(router.url + ROUTED, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt, stream, routing }),
    signal: controller.signal,
  });
  answer.catch(() => undefined);
  // The handler of a stream has long returned.
  if (stream) await (await answer).body?.getReader().read();
  await expect.poll(() => router.simulator.requests.length).toBeGreaterThan(before);
  return () => controller.abort();
}

async function askStatus(body: unknown = { prompt: 'Hi', routing }): Promise<number> {
  return (await post(router.url + ROUTED, body)).status;
}

test('immediately turns away requests when all places are taken, for plain answers and streams alike', async () => {
  const leave = [await occupy(true), await occupy(true), await occupy(false)];
  const { status, headers, body } = await post(router.url + ROUTED, { prompt: 'Hi' });
  expect(status).toBe(429);
  expect(headers.get('retry-after')).toBe('1');
  expect(headers.get('x-smart-router-request-id')).not.toBeNull();
  expect(body.error).toEqual({
    message: expect.stringContaining('MAX_IN_FLIGHT'),
    type: 'rate_limit_error',
    param: null,
    code: 'too_many_requests',
  });
  expect(router.simulator.requests).toHaveLength(MAX_IN_FLIGHT);

  // A request that is turned away is not inspected, and its large body does no harm.
  expect(await askStatus('no JSON')).toBe(429);
  expect(await askStatus({ prompt: 'x'.repeat(5_000_000) })).toBe(429);
  const chunked = await fetch(router.url + ROUTED, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: new Blob(['x'.repeat(1_000_000)]).stream(),
    duplex: 'half',
  });
  expect(chunked.status).toBe(429);

  expect((await fetch(`${router.url}/health`)).status).toBe(200);
  expect((await fetch(`${router.url}/ready`)).status).toBe(200);

  for (const one of leave) {
    one();
    await expect.poll(() => askStatus()).toBe(200);
  }
});

test('gives a place back however a request ends', async () => {
  for (let round = 0; round < 2 * MAX_IN_FLIGHT; round += 1) {
    expect(await askStatus()).toBe(200);
    expect(await askStatus('no JSON')).toBe(400);
    expect(await askStatus({ prompt: '[sim:400]', routing })).toBe(400);
    const stream = await fetch(router.url + ROUTED, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: '[sim:cut]', stream: true, routing }),
    });
    expect(stream.status).toBe(200);
    await stream.text();
  }
});

test('gives no place to uploads without a credential, however slow they are', async () => {
  const key = 'of-the-test';
  const sha256 = createHash('sha256').update(key).digest('hex');
  const closed = await startRouter({
    settings: { MAX_IN_FLIGHT: '2', ROUTER_API_KEYS: `test=${sha256}` },
    hangMs: 60_000,
  });
  const port = Number(new URL(closed.url).port);
  const uploads = Array.from({ length: 6 }, () => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(
      `POST ${ROUTED} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n`,
    );
    return socket;
  });
  try {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const { status } = await post(closed.url + ROUTED, { prompt: 'Hi' }, { 'api-key': key });
    expect(status).toBe(200);
  } finally {
    for (const socket of uploads) socket.destroy();
    await closed.close();
  }
});
