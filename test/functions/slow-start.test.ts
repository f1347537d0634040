import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

// A weak deployment that begins in ways that the simulator does not.
let weak: Server;
let router: Router;
let behaviour = '';

beforeAll(async () => {
  weak = createServer((request, response) => {
    request.resume();
    const [status = 200, contentType = 'application/json'] =
      behaviour === 'silent refusal'
        ? [503]
        : behaviour === 'filtered in the stream'
          ? [200, 'text/event-stream']
          : [200];
    response.writeHead(status, { 'content-type': contentType });
    response.flushHeaders();
    if (behaviour === 'filtered in the stream') {
      response.end('data: {"error":{"code":"content_filter","message":"No.","status":400}}\n\n');
    }
  });
  await new Promise<void>((resolve) => weak.listen(0, '127.0.0.1', resolve));
  const { port } = weak.address() as AddressInfo;
  router = await startRouter({
    settings: {
      WEAK_ENDPOINT: `http://127.0.0.1:${port}`,
      WEAK_API_KEY: 'any',
      FIRST_BYTE_TIMEOUT_MS: '2000',
      CIRCUIT_FAILURES: '1000',
    },
    hangMs: 30_000,
  });
});

afterAll(async () => {
  await router.close();
  weak.closeAllConnections();
  weak.close();
});

const toWeak = { routing: { threshold: 1 } };

test.each([
  ['silent answer', 'weak;upstream_timeout, strong;200'],
  ['silent refusal', 'weak;503, strong;200'],
])('a deployment that sends headers and then nothing is passed over: %s', async (kind, chain) => {
  behaviour = kind;
  const { status, headers } = await post(router.url + ROUTED, {
    prompt: `Hi ${kind}`,
    ...toWeak,
  });
  expect(status).toBe(200);
  expect(headers.get('x-smart-router-attempt-chain')).toBe(chain);
});

test('a prompt that is filtered inside a stream is answered by no other deployment', async () => {
  behaviour = 'filtered in the stream';
  const answer = await fetch(router.url + ROUTED, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: 'Hi', stream: true, ...toWeak }),
  });
  const text = await answer.text();
  expect(text).toContain('content_filter');
  expect(text).not.toContain('[DONE]');
  expect(answer.headers.get('x-smart-router-attempt-chain')).toBe('weak;upstream_error_event');
});
