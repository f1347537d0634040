import { createParser } from 'eventsource-parser';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { takeStorageAccount } from '../support/azurite.ts';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

const azurite = takeStorageAccount();
let router: Router;

beforeAll(async () => {
  router = await startRouter({
    settings: { TABLES_CONNECTION_STRING: azurite.connectionString, CIRCUIT_FAILURES: '1000' },
  });
});

afterAll(() => router.close());

const TOOL = {
  type: 'function' as const,
  function: { name: 'now', parameters: { type: 'object', properties: {} } },
};

/** Asks the weak deployment first, in which alone the markers act. */
function toBody(markers: readonly string[], more: object) {
  const prompt = `Hi ${markers.map((one) => `[sim:${one}@weak]`).join('')}`;
  return { prompt, routing: { threshold: 1, session_affinity: 'none' }, ...more };
}

async function ask(markers: readonly string[], more: object = {}) {
  const { status, headers, body } = await post(router.url + ROUTED, toBody(markers, more));
  return { status, headers, body, chain: headers.get('x-smart-router-attempt-chain') };
}

async function askForStream(markers: readonly string[], more: object = {}) {
  const { status, headers, ...response } = await receive(
    toBody(markers, { stream: true, ...more }),
  );
  const data: string[] = [];
  const parser = createParser({ onEvent: (event) => data.push(event.data) });
  parser.feed(response.text);
  const chunks = data.filter((one) => one !== '[DONE]').map((one) => JSON.parse(one));
  const content = chunks.map(({ choices }) => choices?.[0]?.delta?.content ?? '').join('');
  const chain = headers.get('x-smart-router-attempt-chain');
  return { status, headers, chain, content, last: data.at(-1) };
}

async function receive(body: object) {
  const response = await fetch(router.url + ROUTED, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** What the router has logged about a request. */
async function logged(headers: Headers): Promise<Record<string, number>> {
  const requestId = String(headers.get('x-smart-router-request-id'));
  const line = () =>
    router
      .output()
      .split('\n')
      .find((one) => one.includes('"event":"chat"') && one.includes(requestId));
  await expect.poll(line).toBeDefined();
  return JSON.parse(line() ?? '');
}

/** Each marker, with the attempts for a plain answer and for a stream. */
const FORMS: readonly (readonly [marker: string, plain: string, streamed: string])[] = [
  ['usage_beside', 'weak;200', 'weak;200'],
  ['no_done', 'weak;200', 'weak;200'],
  ['done_fields', 'weak;200', 'weak;200'],
  ['lines', 'weak;200', 'weak;200'],
  ['crlf', 'weak;200', 'weak;200'],
  ['cr', 'weak;200', 'weak;200'],
  ['bom', 'weak;200', 'weak;200'],
  ['comments', 'weak;200', 'weak;200'],
  ['whole', 'weak;200', 'weak;200'],
  ['gzip', 'weak;200', 'weak;200'],
  ['br', 'weak;200', 'weak;200'],
  ['header_case', 'weak;200', 'weak;200'],
  ['identity', 'weak;200', 'weak;200'],
  ['error_200', 'weak;502, strong;200', 'weak;502, strong;200'],
  ['error_object', 'weak;200', 'weak;upstream_error_event, strong;200'],
  ['error_named', 'weak;200', 'weak;upstream_error_event, strong;200'],
  ['no_choices', 'weak;upstream_invalid, strong;200', 'weak;upstream_incomplete, strong;200'],
  ['too_long', 'weak;400, strong;200', 'weak;400, strong;200'],
  ['context_length', 'weak;400, strong;200', 'weak;400, strong;200'],
];

test.each(FORMS)('[sim:%s] gives a client a whole answer', async (marker, plain, streamed) => {
  const nameIn = (chain: string) => (chain === 'weak;200' ? 'weak' : 'strong');
  const answer = await ask([marker]);
  expect(answer).toMatchObject({ status: 200, chain: plain });
  expect(answer.headers.has('content-encoding')).toBe(false);
  expect(answer.body.response).toContain(`simulated answer of ${nameIn(plain)}`);
  const stream = await askForStream([marker]);
  expect(stream).toMatchObject({ status: 200, chain: streamed, last: '[DONE]' });
  expect(stream.headers.get('content-type')).toContain('text/event-stream');
  expect(stream.content).toContain(`simulated answer of ${nameIn(streamed)}`);
});

test('several forms at once', async () => {
  const { chain, content, last } = await askForStream([
    'gzip',
    'header_case',
    'bom',
    'cr',
    'comments',
    'lines',
    'usage_beside',
    'done_fields',
  ]);
  expect({ chain, last }).toEqual({ chain: 'weak;200', last: '[DONE]' });
  expect(content).toContain('simulated answer of weak');
});

describe('two calls of a tool', () => {
  test.each(['same_index', 'no_index'])('[sim:%s] are kept as two', async (marker) => {
    const thread = await post(`${router.url}/llm/threads`, {});
    const more = { thread_id: thread.body.id, tools: [TOOL] };
    expect((await askForStream([marker], more)).chain).toBe('weak;200');
    const kept = await fetch(`${router.url}/llm/threads/${thread.body.id}/messages`);
    const call = { id: expect.any(String), type: 'function', function: { name: 'now' } };
    expect(await kept.json()).toMatchObject({ data: [{}, { tool_calls: [call, call] }] });
  });

  test('of a whole answer are two for the openai package', async () => {
    const client = new OpenAI({ baseURL: `${router.url}/llm/openai/v1`, apiKey: 'any' });
    const stream = client.chat.completions.stream({
      model: 'router-mf-1',
      messages: [{ role: 'user', content: 'Hi [sim:whole@weak][sim:no_index@weak]' }],
      tools: [TOOL],
      stream_options: { include_usage: true },
    });
    const { choices, usage } = await stream.finalChatCompletion();
    expect(choices[0]?.finish_reason).toBe('tool_calls');
    expect(choices[0]?.message.tool_calls).toHaveLength(2);
    expect(usage?.total_tokens).toBeGreaterThan(0);
  });
});

test('[sim:usage_beside] is counted', async () => {
  const { headers } = await askForStream(['usage_beside', 'chunks:7']);
  expect(await logged(headers)).toMatchObject({ completionTokens: 7 });
});

test('[sim:hidden_reasoning] is paid for', async () => {
  const { headers, body } = await ask(['chunks:100', 'hidden_reasoning:6000']);
  const line = await logged(headers);
  expect(line).toMatchObject({ completionTokens: 6_100 });
  // The prices of the weak model are 0.2 and 1.2 USD a million.
  const usd = (body.usage.prompt_tokens * 0.2 + 6_100 * 1.2) / 1e6;
  expect(line['usd']).toBeCloseTo(usd, 8);
});

// The deployment is taught for good, so each has a field of its own, and these tests come late.
describe('[sim:refuse] costs one more call, once', () => {
  const developer = [{ role: 'developer', content: 'Be brief.' }];
  const tools = { tools: [TOOL], parallel_tool_calls: true };

  test.each([
    ['seed', 'weak;400', { seed: 1 }, 'seed;dropped'],
    ['parallel_tool_calls:fastapi', 'weak;422', tools, 'parallel_tool_calls;dropped'],
    ['developer:fastapi', 'weak;422', { messages: developer }, 'messages;role=system'],
    ['stream_options:foundry', 'weak;400', { stream: true }, 'stream_options;dropped'],
  ])('%s', async (refused, attempt, more, warning) => {
    const marker = `[sim:refuse:${refused}@weak]`;
    const messages = [
      ...('messages' in more ? more.messages : []),
      { role: 'user', content: `Hi ${marker}` },
    ];
    for (const expected of [`${attempt}, weak;200`, 'weak;200']) {
      const { status, headers, text } = await receive({
        ...more,
        messages,
        routing: { threshold: 1 },
      });
      expect(status).toBe(200);
      expect(headers.get('x-smart-router-attempt-chain')).toBe(expected);
      expect(headers.get('x-smart-router-warnings')).toContain(warning);
      expect(text).toContain('"choices"');
    }
  });

  test('and a field of its own earlier answers', async () => {
    const { body } = await post(`${router.url}/llm/threads`, {});
    const more = { thread_id: body.id };
    expect((await ask(['thoughts'], more)).chain).toBe('weak;200');
    const { chain, headers } = await ask(['refuse:reasoning_content:foundry'], more);
    expect(chain).toBe('weak;400, weak;200');
    const warnings = headers.get('x-smart-router-warnings');
    expect(warnings).toBe('messages;dropped=reasoning_content');
  });
});

// The deployments rest after these, so they come last.
describe('[sim:apim_429]', () => {
  test('of one deployment is made good by another', async () => {
    expect(await ask(['apim_429'])).toMatchObject({ status: 200, chain: 'weak;429, strong;200' });
  });

  test('of all of them is passed on in the form of OpenAI', async () => {
    const prompt = 'Hi [sim:apim_429@chat]';
    const { status, body } = await post(router.url + ROUTED, { prompt });
    expect(status).toBe(429);
    expect(body.error).toMatchObject({
      message: 'Rate limit is exceeded. Try again in 1 seconds.',
      type: 'upstream_error',
      code: '429',
    });
  });
});
