import type { Socket } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readAnswer } from '../../../shared/upstream/read-answer.ts';
import {
  createUpstream,
  cut,
  outcome,
  request,
  startScriptedDeployment,
  status,
} from '../../support/scripted-deployment.ts';

const later = () => AbortSignal.timeout(10_000);

describe('an answer', () => {
  test.each([
    ['gzip', gzipSync],
    ['GZip, identity', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ] as const)('in the encoding %s is read, up to its limit', async (encoding, pack) => {
    let body = pack('{"a":1}');
    const server = await startScriptedDeployment((response) => {
      response.writeHead(200, { 'content-encoding': encoding }).end(body);
    });
    const upstream = createUpstream(server);
    const read = async (maxBytes: number) => {
      const answer = await upstream.send(request());
      expect(answer.headers).not.toHaveProperty('content-encoding');
      return readAnswer(answer, { maxBytes, signal: later() });
    };
    expect(String(await read(1_000))).toBe('{"a":1}');
    body = pack(Buffer.alloc(5_000_000));
    await expect(read(1_000_000)).rejects.toMatchObject({ code: 'answer_too_large' });
    body = pack(Buffer.alloc(50_000)).subarray(0, -4);
    await expect(read(1_000_000)).rejects.toMatchObject({ code: 'upstream_incomplete' });
    await expect.poll(() => upstream.state().in_flight).toBe(0);
  });

  test.each(['x-unknown', 'gzip, br'])('in the encoding %s is a 502', async (encoding) => {
    let isGivenUp = false;
    const server = await startScriptedDeployment((response) => {
      response.writeHead(200, { 'content-encoding': encoding }).write(gzipSync('{}'));
      response.once('close', () => {
        isGivenUp = true;
      });
    });
    const upstream = createUpstream(server);
    await expect(upstream.send(request())).rejects.toMatchObject({
      status: 502,
      code: 'upstream_invalid',
      message: expect.stringContaining('weak'),
    });
    // The rest of the body is not waited for either.
    await expect.poll(() => isGivenUp).toBe(true);
  });

  test('that says it is not encoded is accepted', async () => {
    const headers = { 'content-encoding': 'identity' };
    const upstream = createUpstream(await startScriptedDeployment(status(200, headers)));
    expect(await outcome(upstream)).toBe(200);
  });

  test('that points elsewhere is passed on unchanged, and not followed', async () => {
    const elsewhere = await startScriptedDeployment();
    const location = elsewhere.deployment.endpoint;
    for (const code of [301, 302, 307, 308]) {
      const server = await startScriptedDeployment(status(code, { location }));
      const upstream = createUpstream(server);
      expect(await outcome(upstream)).toBe(code);
      server.answerProbe = status(code, { location });
      expect(await upstream.probe('chat/completions', later())).toBe(code);
    }
    expect(elsewhere).toMatchObject({ calls: 0, probes: 0 });
  });

  test.each([
    ['of many bytes', [['x-long', 'a'.repeat(20_000)]]],
    ['of many fields', Array.from({ length: 5_000 }, (_, index) => [`x-${index}`, '1'])],
  ] as const)('with headers %s is a 502', async (_, fields) => {
    const head = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    const server = await startScriptedDeployment((response) =>
      response.socket?.write(`HTTP/1.1 200 OK\r\n${head}content-length: 2\r\n\r\n{}`),
    );
    await expect(createUpstream(server).send(request())).rejects.toMatchObject({
      status: 502,
      code: 'upstream_invalid',
    });
  });

  test.each([
    'hello\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n bad\r\n\r\n',
  ])('that is not HTTP is a 502: %j', async (bytes) => {
    const server = await startScriptedDeployment((response) => response.socket?.write(bytes));
    const sent = createUpstream(server).send(request());
    await expect(
      sent.then((answer) => readAnswer(answer, { maxBytes: 1e6, signal: later() })),
    ).rejects.toMatchObject({
      status: 502,
    });
  });
});

describe('a connection that was used before', () => {
  test('and was closed meanwhile is replaced, and the call sent once', async () => {
    let socket: Socket | null = null;
    const server = await startScriptedDeployment((response) => {
      socket = response.socket;
      status(200)(response);
    });
    const upstream = createUpstream(server);
    for (let call = 1; call <= 20; call += 1) {
      expect(await outcome(upstream)).toBe(200);
      await new Promise((resolve) => setTimeout(resolve, 5));
      // In the same turn as the next call: the close has arrived, and has not been handled yet.
      (socket as Socket | null)?.destroy();
    }
    expect(server.calls).toBe(20);
  });

  test('and breaks once the call was sent does not make the call be sent twice', async () => {
    const server = await startScriptedDeployment();
    const upstream = createUpstream(server);
    expect(await outcome(upstream)).toBe(200);
    server.answer = cut;
    expect(await outcome(upstream)).toBe('upstream_unreachable');
    expect(server.calls).toBe(2);
  });
});
