import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import OpenAI, { AzureOpenAI } from 'openai';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { takeStorageAccount } from '../support/azurite.ts';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

type Message = Readonly<Record<string, unknown>>;
type Body = { readonly messages: readonly Message[]; readonly stream?: boolean };

/** The message that the deployment answers with, and its deltas in a stream. */
let answer: { readonly message: Message; readonly deltas: readonly Message[] };
/** A field of messages that it refuses. */
let refused: string | undefined;
const received: Body[] = [];

const deployment = createServer(async (request, response) => {
  const text = (await request.toArray()).join('');
  const body = JSON.parse(text) as Body;
  received.push(body);
  const at = body.messages.findIndex((message) => refused !== undefined && refused in message);
  if (at !== -1) {
    const message = `'messages.${at}' : property '${refused}' is unsupported`;
    response.writeHead(400, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: { message, type: 'invalid_request_error' } }));
    return;
  }
  const common = { id: 'c', created: 1, model: 'm' };
  if (!body.stream) {
    const choices = [{ index: 0, message: answer.message, finish_reason: 'stop' }];
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ ...common, object: 'chat.completion', choices }));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const [index, delta] of answer.deltas.entries()) {
    const isLast = index === answer.deltas.length - 1;
    const choices = [{ index: 0, delta, finish_reason: isLast ? 'stop' : null }];
    const chunk = { ...common, object: 'chat.completion.chunk', choices };
    response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  }
  response.end('data: [DONE]\n\n');
});

const azurite = takeStorageAccount();
let router: Router;

beforeAll(async () => {
  deployment.listen(0, '127.0.0.1');
  await once(deployment, 'listening');
  const { port } = deployment.address() as AddressInfo;
  router = await startRouter({
    settings: {
      TABLES_CONNECTION_STRING: azurite.connectionString,
      WEAK_ENDPOINT: `http://127.0.0.1:${port}`,
      WEAK_API_KEY: 'key-of-the-one-that-thinks',
    },
  });
});

afterAll(async () => {
  await router.close();
  deployment.close();
});

beforeEach(() => {
  refused = undefined;
  received.length = 0;
});

const CALL = { id: 'call_1', type: 'function', function: { name: 'w', arguments: '{}' } };
const SIGNED = { ...CALL, extra_content: { google: { thought_signature: 'c2ln' } } };
const DETAIL = { type: 'reasoning.text', text: 'I think', format: 'f', index: 0 };

const thinking: typeof answer = {
  message: {
    role: 'assistant',
    content: 'Hi',
    refusal: null,
    reasoning_content: 'I think',
    reasoning_details: [DETAIL],
    tool_calls: [SIGNED],
  },
  deltas: [
    { role: 'assistant', content: '', reasoning_content: 'I ' },
    { reasoning_details: [{ ...DETAIL, text: 'I ' }] },
    { reasoning_content: 'think', reasoning_details: [{ ...DETAIL, text: 'think' }] },
    { content: 'Hi' },
    { tool_calls: [{ index: 0, ...SIGNED }] },
  ],
};

const spoken: typeof answer = {
  message: {
    role: 'assistant',
    content: null,
    audio: { id: 'audio_1', data: 'AAAA', transcript: 'Hi there', expires_at: 4_102_444_800 },
  },
  deltas: [
    { role: 'assistant', audio: { id: 'audio_1', transcript: 'Hi ' } },
    { audio: { data: 'AAAA', transcript: 'there' } },
    { audio: { expires_at: 4_102_444_800 } },
  ],
};

async function createThread(messages: readonly object[] = []): Promise<string> {
  const { status, body } = await post(`${router.url}/llm/threads`, { messages });
  expect(status).toBe(201);
  return body.id;
}

const url = () => router.url;
/** Has the deployment answer in a thread, by the client of the openai package for that style. */
async function talk(style: 'azure' | 'openai', isStreamed: boolean, thread: string) {
  const client =
    style === 'openai'
      ? new OpenAI({ baseURL: `${url()}/llm/openai/v1`, apiKey: 'any' })
      : new AzureOpenAI({
          endpoint: `${url()}/llm`,
          apiKey: 'any',
          apiVersion: '2024-10-21',
          deployment: 'router-mf-1',
        });
  const body = { model: 'router-mf-1', messages: [{ role: 'user' as const, content: 'Hello' }] };
  const options = { headers: { 'x-smart-router-thread': thread } };
  if (isStreamed) await client.chat.completions.stream(body, options).finalChatCompletion();
  else await client.chat.completions.create(body, options);
}

/** The answer as a deployment is sent it with the next request of its thread. */
async function sentBack(thread: string, threshold: number, messages: readonly object[]) {
  const body = { messages, thread_id: thread, routing: { threshold, session_affinity: 'none' } };
  const { status, headers } = await post(router.url + ROUTED, body);
  expect(status).toBe(200);
  const [sent] =
    threshold === 1
      ? received.slice(-1)
      : router.simulator.requests.slice(-1).map((one) => one.body as Body);
  return { message: sent?.messages.find(({ role }) => role === 'assistant'), headers };
}

const RESULT = [{ role: 'tool', tool_call_id: 'call_1', content: '5' }];
const NEXT = [{ role: 'user', content: 'And then?' }];

for (const style of ['azure', 'openai'] as const) {
  for (const isStreamed of [false, true]) {
    test(`an answer goes back with all of its fields: ${style}, ${isStreamed ? 'streamed' : 'plain'}`, async () => {
      answer = thinking;
      const thread = await createThread();
      await talk(style, isStreamed, thread);
      const { message } = await sentBack(thread, 1, RESULT);
      expect(message).toEqual({
        role: 'assistant',
        content: 'Hi',
        reasoning_content: 'I think',
        reasoning_details: [DETAIL],
        tool_calls: [SIGNED],
      });
    });
  }
}

test('another deployment gets the fields that every one takes', async () => {
  answer = thinking;
  const thread = await createThread();
  await talk('openai', true, thread);
  const { message } = await sentBack(thread, 0, RESULT);
  expect(message).toEqual({ role: 'assistant', content: 'Hi', tool_calls: [CALL] });
});

test.each([false, true])('a spoken answer is kept; streamed: %s', async (isStreamed) => {
  answer = spoken;
  const thread = await createThread();
  await talk('openai', isStreamed, thread);
  const kept = await fetch(`${router.url}/llm/threads/${thread}/messages`);
  expect(await kept.json()).toMatchObject({ data: [{}, spoken.message] });
  expect((await sentBack(thread, 1, NEXT)).message).toEqual({
    role: 'assistant',
    content: null,
    audio: { id: 'audio_1' },
  });
  expect((await sentBack(await sameAgain(), 0, NEXT)).message).toEqual({
    role: 'assistant',
    content: 'Hi there',
  });
});

/** Another thread in which the same was said. */
async function sameAgain(): Promise<string> {
  const thread = await createThread();
  await talk('azure', false, thread);
  return thread;
}

test('a spoken answer that its service has forgotten goes back as a text', async () => {
  answer = {
    ...spoken,
    message: { ...spoken.message, audio: { id: 'a', transcript: 'Hi', expires_at: 1 } },
  };
  const thread = await createThread();
  await talk('openai', false, thread);
  expect((await sentBack(thread, 1, NEXT)).message).toEqual({ role: 'assistant', content: 'Hi' });
});

test('thoughts within the content stay with the deployment that had them', async () => {
  const content = [
    { type: 'thinking', thinking: [{ type: 'text', text: 'Hm' }] },
    { type: 'text', text: 'Hi' },
  ];
  answer = { message: { role: 'assistant', content }, deltas: [] };
  const thread = await createThread();
  await talk('openai', false, thread);
  expect((await sentBack(thread, 1, NEXT)).message).toEqual({ role: 'assistant', content });
  const other = await sameAgain();
  expect((await sentBack(other, 0, NEXT)).message).toEqual({ role: 'assistant', content: 'Hi' });
});

test('a message that a caller sent goes to any deployment as it is', async () => {
  const own = { role: 'assistant', content: 'Hi', reasoning_content: 'mine' };
  const thread = await createThread([{ role: 'user', content: 'Hello' }, own]);
  expect((await sentBack(thread, 0, NEXT)).message).toEqual(own);
});

test('a field that its deployment does not take back is left out from then on', async () => {
  answer = {
    message: { role: 'assistant', content: 'Hi', reasoning: 'I think', reasoning_id: 'r' },
    deltas: [],
  };
  const thread = await createThread();
  await talk('openai', false, thread);
  refused = 'reasoning';
  const first = await sentBack(thread, 1, NEXT);
  expect(first.message).toEqual({ role: 'assistant', content: 'Hi', reasoning_id: 'r' });
  expect(first.headers.get('x-smart-router-warnings')).toBe('messages;dropped=reasoning');
  expect(first.headers.get('x-smart-router-attempts')).toBe('2');
  const second = await sentBack(thread, 1, NEXT);
  expect(second.headers.get('x-smart-router-attempts')).toBe('1');
  // Another one is learned as well.
  refused = 'reasoning_id';
  expect((await sentBack(thread, 1, NEXT)).message).toEqual({ role: 'assistant', content: 'Hi' });
});

test('the simulator’s thoughts go back to it', async () => {
  const thread = await createThread();
  const body = { thread_id: thread, routing: { threshold: 0 }, prompt: 'Hello [sim:thoughts]' };
  expect((await post(router.url + ROUTED, { ...body, stream: false })).status).toBe(200);
  expect((await sentBack(thread, 0, NEXT)).message).toMatchObject({
    reasoning_content: 'This is simulated reasoning.',
    reasoning_details: [{ text: 'This is simulated reasoning.' }],
  });
});
