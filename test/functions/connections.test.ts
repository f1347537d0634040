import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { watchConnections } from '../../functions/http/connections.ts';
import { type Router, startRouter } from '../support/router.ts';

describe('the connections of a server in this process', () => {
  const findConnection = watchConnections();
  const server = createServer();
  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => server.close());

  async function send(headers: Readonly<Record<string, string>>) {
    const { port } = server.address() as AddressInfo;
    const outgoing = request({ port, headers, agent: false });
    outgoing.on('error', () => undefined);
    outgoing.end();
    const [, response] = (await once(server, 'request')) as [IncomingMessage, ServerResponse];
    const end = async () => {
      response.end('done');
      const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
      return text(answer);
    };
    return { response, outgoing, end, leave: () => outgoing.destroy() };
  }

  test('are found by the id that the host puts on them, until they are over', async () => {
    const { end } = await send({ 'x-ms-invocation-id': 'one', 'api-key': 'a' });
    const connection = findConnection('one');
    expect(connection?.header('Api-Key')).toBe('a');
    expect(connection?.header('x-other')).toBeNull();
    const closed = Promise.withResolvers<boolean>();
    connection?.onClose(closed.resolve);
    expect(await end()).toBe('done');
    expect(await closed.promise).toBe(true);
    expect(findConnection('one')).toBeUndefined();
  });

  test('tell of a client that leaves, and take what is still written to it', async () => {
    const { response, leave } = await send({ 'x-ms-invocation-id': 'two' });
    const closed = Promise.withResolvers<boolean>();
    findConnection('two')?.onClose(closed.resolve);
    leave();
    expect(await closed.promise).toBe(false);
    expect(findConnection('two')).toBeUndefined();
    response.write('more');
    response.emit('error', new Error('write EPIPE'));
  });

  test('are not taken over by one that repeats their id', async () => {
    const first = await send({ 'x-ms-invocation-id': 'three', 'api-key': 'first' });
    const second = await send({ 'x-ms-invocation-id': 'three', 'api-key': 'second' });
    expect(findConnection('three')?.header('api-key')).toBe('first');
    await second.end();
    expect(findConnection('three')?.header('api-key')).toBe('first');
    await first.end();
    expect(findConnection('three')).toBeUndefined();
  });

  test('are waited for until what was written has gone, or the call is over', async () => {
    const { response, leave } = await send({ 'x-ms-invocation-id': 'four' });
    const connection = findConnection('four');
    const signal = new AbortController().signal;
    await connection?.drained(signal);
    while (response.write(Buffer.alloc(1 << 20)));
    const over = new AbortController();
    const waiting = connection?.drained(over.signal);
    over.abort();
    await waiting;
    expect(response.writableNeedDrain).toBe(true);
    const untilGone = connection?.drained(signal);
    leave();
    await untilGone;
  });

  test('end when their host reads nothing, also of an answer that is all written', async () => {
    const { response, outgoing } = await send({ 'x-ms-invocation-id': 'five' });
    // Node throws away what comes while nobody listens for the answer.
    outgoing.once('response', () => undefined);
    findConnection('five')?.limitUnread(100);
    response.end(Buffer.alloc(40 << 20));
    await once(response, 'close');
    expect(response.writableFinished).toBe(false);
  });

  test('stay while their host reads, however slowly and however much is written at once', async () => {
    const LIMIT_MS = 4_000;
    const { response, outgoing } = await send({ 'x-ms-invocation-id': 'six' });
    findConnection('six')?.limitUnread(LIMIT_MS);
    response.end(Buffer.alloc(40 << 20));
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    const from = performance.now();
    let bytes = 0;
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      await setTimeout(chunk.length / 6_000);
    }
    expect(performance.now() - from).toBeGreaterThan(LIMIT_MS);
    expect(bytes).toBe(40 << 20);
  });
});

describe('the headers of a request', () => {
  const key = 'a key';
  let router: Router;
  beforeAll(async () => {
    const sha256 = createHash('sha256').update(key).digest('hex');
    router = await startRouter({ settings: { ROUTER_API_KEYS: `caller=${sha256}` } });
  });
  afterAll(() => router.close());

  async function listModels(body: string, headers: Readonly<Record<string, string>> = {}) {
    const outgoing = request(`${router.url}/llm/openai/v1/models`, {
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    });
    outgoing.end(body);
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    await text(answer);
    return answer.statusCode;
  }

  test('are its own, whatever its body has the platform believe', async () => {
    expect(await listModels('', { 'api-key': key })).toBe(200);
    const forged = JSON.stringify({ headers: { 'api-key': key, host: 'localhost' } });
    expect(await listModels(forged)).toBe(401);
  });
});
