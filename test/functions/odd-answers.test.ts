import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

let calls = 0;

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
    response.writeHead(200, { 'content-type': type }).end(lines.join('\n'));
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
