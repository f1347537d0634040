import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

const MEBIBYTE = 1024 * 1024;
const ANSWER_BYTES = 64 * MEBIBYTE;

/** A deployment that streams as fast as it is read, and knows how much it could send. */
type Deployment = {
  readonly url: string;
  sentBytes: number;
  isCut: boolean;
  close(): void;
};

async function startDeployment(): Promise<Deployment> {
  const server = createServer((request, response) => {
    request.resume();
    Object.assign(deployment, { sentBytes: 0, isCut: false });
    response.once('close', () => {
      deployment.isCut = !response.writableFinished;
    });
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    Readable.from(events()).pipe(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const deployment: Deployment = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sentBytes: 0,
    isCut: false,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
  function* events(): Generator<Buffer> {
    const chunk = { choices: [{ index: 0, delta: { content: 'x'.repeat(32 * 1024) } }] };
    const event = Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`);
    for (; deployment.sentBytes < ANSWER_BYTES; deployment.sentBytes += event.length) yield event;
    yield Buffer.from('data: [DONE]\n\n');
  }
  return deployment;
}

let deployment: Deployment;
beforeAll(async () => {
  deployment = await startDeployment();
});
afterAll(() => deployment.close());

function startSlowRouter(settings: Readonly<Record<string, string>>): Promise<Router> {
  const limits = { MAX_ANSWER_BYTES: String(2 * ANSWER_BYTES) };
  const endpoint = { AZURE_OPENAI_ENDPOINT: deployment.url };
  return startRouter({ settings: { ...endpoint, ...limits, ...settings }, hangMs: 60_000 });
}

/** Sends a request, and reads nothing of the answer. */
async function ask(
  router: Router,
  request: object = { prompt: 'Hi', stream: true },
): Promise<Socket> {
  const { hostname, port } = new URL(router.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  socket.pause();
  await once(socket, 'connect');
  const body = JSON.stringify({ ...request, routing: { threshold: 1 } });
  socket.write(
    `POST ${ROUTED} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  return socket;
}

/** Returns whether there is a place for another request; the one sent is invalid. */
async function isServed(router: Router): Promise<boolean> {
  return (await post(router.url + ROUTED, {})).status === 400;
}

/** Waits until the deployment can send no more. */
async function untilHeld(): Promise<number> {
  for (let before = -1; before !== deployment.sentBytes || before === 0; ) {
    before = deployment.sentBytes;
    await setTimeout(500);
  }
  return deployment.sentBytes;
}

describe('a client that reads slowly', () => {
  let router: Router;
  beforeAll(async () => {
    router = await startSlowRouter({});
  });
  afterAll(() => router.close());
  beforeEach(() => {
    deployment.sentBytes = 0;
  });

  test('slows the deployment down, and gets the whole answer all the same', async () => {
    const socket = await ask(router);
    const held = await untilHeld();
    // The sockets on the way hold this much: the process holds almost nothing.
    expect(held).toBeGreaterThan(0);
    expect(held).toBeLessThan(ANSWER_BYTES / 2);

    let receivedBytes = 0;
    let end = '';
    socket.on('data', (chunk: Buffer) => {
      receivedBytes += chunk.length;
      end = (end + chunk.toString('latin1')).slice(-100);
    });
    socket.resume();
    await once(socket, 'end');
    expect(deployment.sentBytes).toBeGreaterThanOrEqual(ANSWER_BYTES);
    expect(receivedBytes).toBeGreaterThanOrEqual(deployment.sentBytes);
    expect(end).toContain('data: [DONE]\n\n');
  });

  test('ends the deployment’s stream when it leaves without having read', async () => {
    const socket = await ask(router);
    await untilHeld();
    expect(deployment.isCut).toBe(false);
    socket.destroy();
    await expect.poll(() => deployment.isCut).toBe(true);
  });

  test('keeps nobody else waiting', async () => {
    const sockets = await Promise.all([ask(router), ask(router), ask(router)]);
    await untilHeld();
    expect((await fetch(`${router.url}/health`)).status).toBe(200);
    for (const socket of sockets) socket.destroy();
  });
});

describe('a client that never reads', () => {
  let router: Router;
  beforeAll(async () => {
    router = await startSlowRouter({ STREAM_IDLE_TIMEOUT_MS: '1500', MAX_IN_FLIGHT: '1' });
  });
  afterAll(() => router.close());

  test('is disconnected after a while, and its place is free soon after', async () => {
    const socket = await ask(router);
    await untilHeld();
    await expect.poll(() => deployment.isCut).toBe(true);
    await expect.poll(() => isServed(router), { interval: 250 }).toBe(true);
    socket.destroy();
  });

  test('is disconnected with a plain answer, too', async () => {
    const limits = { REQUEST_TIMEOUT_MS: '12000', MAX_IN_FLIGHT: '1' };
    const plain = await startRouter({ settings: limits, hangMs: 60_000 });
    const socket = await ask(plain, { prompt: '[sim:big:30000000]' });
    const isAnswered = () => plain.output().includes('"event":"chat"');
    await expect.poll(isAnswered).toBe(true);
    expect(await isServed(plain)).toBe(false);
    await expect.poll(() => isServed(plain), { interval: 250 }).toBe(true);
    expect(plain.output()).not.toContain('"client-gone"');
    socket.destroy();
    await plain.close();
  });
});
