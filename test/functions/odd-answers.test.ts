import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

let calls = 0;
/** The body of the newest call. */
let received = '';

const PACKERS = new Map([
  ['gzip', gzipSync],
  ['br', brotliCompressSync],
]);

/**
 * A deployment that answers each prompt with the content that stands in it after its type. Where the first
 * line is `refuse` and a field, it refuses requests with that field as services built with FastAPI do.
 */
const deployment = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk) => {
    body += chunk;
  });
  request.on('end', () => {
    const { messages = [], ...fields } = JSON.parse(body) as { messages?: { content: string }[] };
    let [type = 'application/json', ...lines] = (messages.at(-1)?.content ?? '').split('\n');
    calls += 1;
    const [, refused] = /^refuse (\w+)$/.exec(type) ?? [];
    if (refused !== undefined && refused in fields) {
      const msg = 'Extra inputs are not permitted';
      const detail = [{ type: 'extra_forbidden', loc: ['body', refused], msg }];
      response.writeHead(422, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ detail }));
      return;
    }
    if (refused !== undefined) [type = '', ...lines] = lines;
    received = body;
    const [, status = '200', encoding = '', media = ''] =
      /^(?:status (\d+) )?(?:encoding (\S+) )?(.*)$/.exec(type) ?? [];
    response.writeHead(Number(status), {
      'content-type': media,
      ...(encoding !== '' && { 'content-encoding': encoding }),
    });
    const text = lines.join('\n');
    response.end(PACKERS.get(encoding.toLowerCase())?.(text) ?? text);
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

const completion = {
  id: 'c',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices: [
    {
      index: 0,
      message: {
        role: 'assistant',
        content: null,
        tool_calls: [
          { id: 'call_1', type: 'function', function: { name: 'w', arguments: '{"c":"A"}' } },
          { id: 'call_2', type: 'function', function: { name: 'w', arguments: '{"c":"B"}' } },
        ],
      },
      finish_reason: 'tool_calls',
    },
  ],
  usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
};

/** Asks the odd deployment first. */
function ask(type: string, answer: string, more: object = {}) {
  return { prompt: `${type}\n${answer}`, routing: { threshold: 1 }, ...more };
}

const HELLO = JSON.stringify({ choices: [{ index: 0, message: { content: 'Hi there' } }] });
const HELLO_STREAM =
  'data: {"choices":[{"index":0,"delta":{"content":"Hi there"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';

async function askForStream(type: string, answer: string) {
  const response = await fetch(router.url + ROUTED, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(ask(type, answer, { stream: true })),
  });
  return { headers: response.headers, text: await response.text() };
}

describe('an answer whose headers are written in another way', () => {
  test.each([
    'encoding gzip application/json',
    'encoding BR application/json',
    'encoding Identity Application/JSON; charset=UTF-8',
  ])('%s', async (type) => {
    const { headers, body } = await post(router.url + ROUTED, ask(type, HELLO));
    expect(headers.get('x-smart-router-tier')).toBe('weak');
    expect(headers.has('content-encoding')).toBe(false);
    expect(body.response).toBe('Hi there');
  });

  test.each([
    'Text/Event-Stream; Charset=UTF-8',
    'encoding gzip text/event-stream',
    'encoding br TEXT/EVENT-STREAM',
  ])('a stream: %s', async (type) => {
    const { headers, text } = await askForStream(type, HELLO_STREAM);
    expect(headers.get('x-smart-router-attempt-chain')).toBe('weak;200');
    expect(text).toBe(HELLO_STREAM);
  });
});

test.each([
  ['{"statusCode":418,"message":"Rate limit is exceeded. Try again."}', 'Rate limit is exceeded'],
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
  test.each([
    ['{"error":{"code":"context_length_exceeded","message":"Too long."}}'],
    [
      '{"object":"error","message":"This model\'s maximum context length is 4096 tokens.","code":400}',
    ],
    ['{"error":{"message":"prompt is too long: 9 tokens > 8 maximum"}}'],
  ])('is answered by another one: %s', async (answer) => {
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
    ['an error', '{"error":{"code":502,"message":"Sorry"}}', '502'],
    ['an error without a status', '{"error":{"message":"Sorry"}}', '502'],
    ['no choices', '{"choices":[],"usage":{"total_tokens":1}}', 'upstream_invalid'],
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

  test.each([
    ['an error', JSON_TYPE, '{"error":{"code":502}}'],
    ['an event of an error', EVENTS, 'data: {"object":"error","message":"Sorry"}\n\n'],
    ['no answer', EVENTS, 'data: [DONE]\n\n'],
  ])('falls back for a stream: %s', async (_, type, answer) => {
    const response = await fetch(router.url + ROUTED, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(ask(type, answer, { stream: true })),
    });
    expect(response.headers.get('x-smart-router-tier')).toBe('strong');
    expect(await response.text()).toContain('data: [DONE]');
  });
});

test('a whole answer to a request for a stream is one to the openai package', async () => {
  const client = new OpenAI({ baseURL: `${router.url}/llm/openai/v1`, apiKey: 'any' });
  const stream = client.chat.completions.stream({
    model: 'router-mf-1',
    messages: [{ role: 'user', content: `${JSON_TYPE}\n${JSON.stringify(completion)}` }],
    stream_options: { include_usage: true },
  });
  const { choices, usage } = await stream.finalChatCompletion();
  expect(choices[0]).toMatchObject(completion.choices[0] ?? {});
  expect(usage).toMatchObject(completion.usage);
});

test('reasoning that only the total counts is paid for', async () => {
  const answer = JSON.stringify({
    ...completion,
    usage: { prompt_tokens: 1_000, completion_tokens: 100, total_tokens: 7_100 },
  });
  const { headers } = await post(router.url + ROUTED, ask(JSON_TYPE, answer));
  const requestId = String(headers.get('x-smart-router-request-id'));
  const line = () =>
    router
      .output()
      .split('\n')
      .find((one) => one.includes('"event":"chat"') && one.includes(requestId));
  await expect.poll(line).toBeDefined();
  // 1,000 tokens of input at 0.2 and 6,100 of output at 1.2 USD a million.
  expect(JSON.parse(line() ?? '')).toMatchObject({ completionTokens: 6_100, usd: 0.00752 });
});

test('a field that the router has added is taken back where it is refused, and not sent again', async () => {
  const content = '{"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}';
  const answer = `${EVENTS}\ndata: ${content}\n\ndata: [DONE]\n\n`;
  for (const [round, expected] of [2, 1].entries()) {
    calls = 0;
    const response = await fetch(router.url + ROUTED, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(ask('refuse stream_options', answer, { stream: true })),
    });
    expect(response.headers.get('x-smart-router-tier')).toBe('weak');
    expect(await response.text()).toContain('"content":"Hi"');
    expect(calls, `round ${round}`).toBe(expected);
  }
});
