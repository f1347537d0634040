import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

/** The body of the newest call. */
let received = '';

/**
 * A deployment that answers each prompt with the content that stands in it after its type, for wordings
 * that the simulator has no marker for.
 */
const deployment = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk) => {
    body += chunk;
  });
  request.on('end', () => {
    const { messages = [] } = JSON.parse(body) as { messages?: { content: string }[] };
    const [type = '', ...lines] = (messages.at(-1)?.content ?? '').split('\n');
    received = body;
    const [, status = '200', media = ''] = /^(?:status (\d+) )?(.*)$/.exec(type) ?? [];
    response.writeHead(Number(status), { 'content-type': media });
    response.end(lines.join('\n'));
  });
});

let router: Router;

beforeAll(async () => {
  deployment.listen(0, '127.0.0.1');
  await once(deployment, 'listening');
  const { port } = deployment.address() as AddressInfo;
  router = await startRouter({
    settings: {
      WEAK_ENDPOINT: `http://127.0.0.1:${port}`,
      WEAK_API_KEY: 'key-of-the-odd-one',
      CIRCUIT_FAILURES: '1000',
    },
  });
});

afterAll(async () => {
  await router.close();
  deployment.close();
});

const JSON_TYPE = 'application/json';
const EVENTS = 'text/event-stream';

/** Asks the odd deployment first. */
function ask(type: string, answer: string, more: object = {}) {
  return { prompt: `${type}\n${answer}`, routing: { threshold: 1 }, ...more };
}

const HELLO = JSON.stringify({ choices: [{ index: 0, message: { content: 'Hi there' } }] });
async function askForStream(type: string, answer: string) {
  const response = await fetch(router.url + ROUTED, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(ask(type, answer, { stream: true })),
  });
  return { headers: response.headers, text: await response.text() };
}

test.each([
  ['{"detail":"Not today."}', 'Not today.'],
  ['{"error":"Out of order."}', 'Out of order.'],
  ['<html>Sorry</html>', "without an error in OpenAI's form"],
])('the error of a gateway is passed on in the form of OpenAI: %s', async (answer, message) => {
  const { status, body } = await post(router.url + ROUTED, ask('status 418 text/html', answer));
  expect(status).toBe(418);
  expect(body.error).toMatchObject({
    message: expect.stringContaining(message),
    type: 'upstream_error',
    code: expect.any(String),
  });
});

describe('a prompt that is too long for a model', () => {
  test('is answered by another one, in whatever words', async () => {
    const answer = '{"error":{"message":"prompt is too long: 9 tokens > 8 maximum"}}';
    const type = 'status 400 application/json';
    const { status, headers } = await post(router.url + ROUTED, ask(type, answer));
    expect(status).toBe(200);
    expect(headers.get('x-smart-router-tier')).toBe('strong');
    const streamed = await askForStream(type, answer);
    expect(streamed.headers.get('x-smart-router-tier')).toBe('strong');
  });

  test('also where a stream says so', async () => {
    const error = '{"error":{"code":"context_length_exceeded","message":"Too long."}}';
    const { headers, text } = await askForStream(EVENTS, `data: ${error}\n\n`);
    expect(headers.get('x-smart-router-tier')).toBe('strong');
    expect(text).toContain('[DONE]');
  });
});

test('a seed of 64 bits reaches the deployment as it was, in a large request as well', async () => {
  const padding = 'x'.repeat(400_000);
  const content = JSON.stringify(`${JSON_TYPE}\n${HELLO}`);
  const text = `{"routing":{"threshold":1},"metadata":{"a":"${padding}"},"seed":9223372036854775807,"messages":[{"role":"user","content":${content}}]}`;
  expect((await post(router.url + ROUTED, text)).status).toBe(200);
  expect(received).toContain('"seed":9223372036854775807');
});

describe('an answer of status 200 that is none', () => {
  test.each([
    ['an error without a status', '{"error":{"message":"Sorry"}}', '502'],
    ['nothing', '{}', 'upstream_invalid'],
  ])('falls back: %s', async (_, answer, outcome) => {
    const { status, headers } = await post(router.url + ROUTED, ask(JSON_TYPE, answer));
    expect(status).toBe(200);
    expect(headers.get('x-smart-router-attempt-chain')).toBe(`weak;${outcome}, strong;200`);
  });

  test('is the client’s where it blames the request', async () => {
    const answer = '{"error":{"code":"content_filter","message":"No."}}';
    const { status, body, headers } = await post(router.url + ROUTED, ask(JSON_TYPE, answer));
    expect(status).toBe(400);
    expect(body).toEqual(JSON.parse(answer));
    expect(headers.get('x-smart-router-attempt-chain')).toBe('weak;400');
  });
});
