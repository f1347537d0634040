import { createHash, randomUUID } from 'node:crypto';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SmartRouterClient } from '../../shared/client/index.ts';
import { startAzurite } from '../../tools/local-services/azurite.ts';
import { takeStorageAccount } from '../support/azurite.ts';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

const azurite = takeStorageAccount();
let router: Router;
beforeAll(async () => {
  const hash = (key: string) => createHash('sha256').update(key).digest('hex');
  router = await startRouter({
    settings: {
      TABLES_CONNECTION_STRING: azurite.connectionString,
      ROUTER_API_KEYS: `app=${hash('app')},other=${hash('other')}`,
      STRONG_PRICE: '4/20',
      WEAK_PRICE: '0.2/1.2',
      WEAK_CAPABILITIES: 'context=4000,output=500',
      STRONG_CAPABILITIES: 'context=8000,output=500',
      CIRCUIT_FAILURES: '1000',
    },
  });
});
afterAll(async () => {
  await router.close();
});

const APP = { 'api-key': 'app' };
const TO_WEAK = { threshold: 1 };
const TO_STRONG = { threshold: 0 };

async function createThread(body: object = {}): Promise<string> {
  const made = await post(`${router.url}/llm/threads`, body, APP);
  expect(made.status).toBe(201);
  return made.body.id;
}

function ask(body: object, headers: Readonly<Record<string, string>> = {}) {
  return post(router.url + ROUTED, body, { ...APP, ...headers });
}

async function messagesOf(id: string) {
  const url = `${router.url}/llm/threads/${id}/messages?limit=100`;
  const response = await fetch(url, { headers: APP });
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape.
  return ((await response.json()) as any).data;
}

async function stream(body: object, headers: Readonly<Record<string, string>> = {}) {
  const response = await fetch(router.url + ROUTED, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...APP, ...headers },
    body: JSON.stringify({ ...body, stream: true }),
  });
  return { headers: response.headers, text: await response.text() };
}

/** Returns the messages of the newest call to a deployment. */
function sent(): readonly { readonly role: string; readonly content: string }[] {
  // biome-ignore lint/suspicious/noExplicitAny: the same.
  return (router.simulator.requests.at(-1) as any).body.messages;
}

const fn = { name: 'lookup', parameters: { type: 'object', properties: {} } };
const TOOLS = [{ type: 'function', function: fn }];

describe('a chat completion in a thread', () => {
  test('is sent with the earlier messages first, and is added with its answer', async () => {
    const id = await createThread({ messages: [{ role: 'system', content: 'Be brief.' }] });
    const first = await ask({ prompt: 'My name is Ada.', thread_id: id });
    expect(first.status).toBe(200);
    expect(first.headers.get('x-smart-router-thread')).toBe(id);
    expect(first.headers.get('x-smart-router-session')).toBe('initialize');
    expect(router.simulator.requests.at(-1)?.body).not.toHaveProperty('thread_id');
    const second = await ask({ prompt: 'Who am I?' }, { 'x-smart-router-thread': id });
    expect(second.headers.get('x-smart-router-session')).toBe('retain');
    expect(sent()).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'My name is Ada.' },
      { role: 'assistant', content: first.body.response },
      { role: 'user', content: 'Who am I?' },
    ]);
    expect(await messagesOf(id)).toMatchObject([
      { role: 'system' },
      { role: 'user', content: 'My name is Ada.', status: 'completed' },
      {
        role: 'assistant',
        content: first.body.response,
        status: 'completed',
        model: first.body.selected_model,
        request_id: first.headers.get('x-smart-router-request-id'),
      },
      { role: 'user', content: 'Who am I?' },
      { role: 'assistant', content: second.body.response },
    ]);
  });

  test('is added before a streamed answer ends', async () => {
    const id = await createThread();
    const response = await fetch(router.url + ROUTED, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...APP },
      body: JSON.stringify({ prompt: '[sim:chunks:20:5] Hi', thread_id: id, stream: true }),
    });
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      if (text.includes('[DONE]')) break;
    }
    const contents = [...text.matchAll(/^data: (\{.*)$/gm)].map(
      ([, json = '']) => JSON.parse(json).choices[0]?.delta.content ?? '',
    );
    expect(contents.length).toBeGreaterThan(19);
    expect(await messagesOf(id)).toMatchObject([
      { role: 'user', content: '[sim:chunks:20:5] Hi' },
      { role: 'assistant', content: contents.join(''), status: 'completed' },
    ]);
  });

  test('goes on where messages were added without an answer', async () => {
    const id = await createThread({ messages: [{ role: 'user', content: 'Hi' }] });
    expect((await ask({ thread_id: id })).status).toBe(200);
    expect(await messagesOf(id)).toMatchObject([{ role: 'user' }, { role: 'assistant' }]);
    const empty = await ask({ thread_id: await createThread() });
    expect(empty).toMatchObject({ status: 400, body: { error: { param: 'messages' } } });
  });

  test('may be long: all of it is sent that a model could take, in its order', async () => {
    const id = await createThread({ messages: [{ role: 'system', content: 'rules' }] });
    const large = 'x'.repeat(40_000);
    const url = `${router.url}/llm/threads/${id}/messages`;
    for (let count = 0; count < 649; count += 1) {
      const role = count % 2 === 0 ? 'user' : 'assistant';
      // Large messages are in blobs, and a page has fewer of them.
      const content = count > 200 && count < 202 ? large : String(count);
      const added = await post(url, { role, content }, APP);
      expect(added.status).toBe(201);
    }
    // A deployment whose context window is unknown.
    const settings = {
      TABLES_CONNECTION_STRING: azurite.connectionString,
      ROUTER_API_KEYS: `app=${createHash('sha256').update('app').digest('hex')}`,
    };
    const own = await startRouter({ settings, simulator: router.simulator });
    const body = { prompt: 'last', thread_id: id };
    expect((await post(own.url + ROUTED, body, APP)).status).toBe(200);
    await own.close();
    const numbers = sent().map(({ content }) => content);
    expect(numbers).toHaveLength(651);
    expect(numbers[0]).toBe('rules');
    const expected = Array.from({ length: 649 }, (_, count) =>
      count === 201 ? large : String(count),
    );
    expect(numbers.slice(1, -1)).toEqual(expected);
  }, 30_000);

  test('keeps instructions once that come with each request', async () => {
    const id = await createThread();
    const system = { role: 'system', content: 'Be brief.' };
    for (const content of ['one', 'two']) {
      await ask({ messages: [system, { role: 'user', content }], thread_id: id });
    }
    const roles = ['system', 'user', 'assistant', 'user'];
    expect(sent().map(({ role }) => role)).toEqual(roles);
    expect((await messagesOf(id)).map(({ role }: { role: string }) => role)).toEqual([
      ...roles,
      'assistant',
    ]);
  });

  test('works with OpenAI’s own client, plain and streamed', async () => {
    const id = await createThread();
    const client = new OpenAI({
      baseURL: `${router.url}/llm/openai/v1`,
      apiKey: 'app',
      defaultHeaders: { 'x-smart-router-thread': id },
    });
    const request = { model: 'smart-router', messages: [{ role: 'user', content: 'Hi' }] } as const;
    const plain = await client.chat.completions.create({
      ...request,
      messages: [...request.messages],
    });
    const streamed = await client.chat.completions.create({
      ...request,
      messages: [...request.messages],
      stream: true,
    });
    let text = '';
    for await (const chunk of streamed) text += chunk.choices[0]?.delta.content ?? '';
    const kept = await messagesOf(id);
    expect(kept.map(({ content }: { content: string }) => content)).toEqual([
      'Hi',
      plain.choices[0]?.message.content,
      'Hi',
      text,
    ]);
  });

  test('can be decided on without being asked', async () => {
    const id = await createThread({ messages: [{ role: 'user', content: 'x '.repeat(5_000) }] });
    const answer = await post(`${router.url}/llm/route`, { prompt: 'Hi', thread_id: id }, APP);
    expect(answer.body.data).toMatchObject([{ reason: 'requirements', tier: 'strong' }]);
    expect(await messagesOf(id)).toHaveLength(1);
  });
});

describe('nothing is added', () => {
  test.each([
    ['that is refused', { prompt: '[sim:content_filter] Hi' }, 400],
    ['that fails', { prompt: '[sim:500] Hi' }, 500],
    ['that is wrong', { messages: [{ role: 'robot', content: 'Hi' }] }, 400],
    [
      'of more than 63 messages',
      { messages: Array(64).fill({ role: 'user', content: 'Hi' }) },
      400,
    ],
    [
      'with the result of a tool that nobody called',
      { messages: [{ role: 'tool', tool_call_id: 'call_x', content: '5' }] },
      400,
    ],
  ])('of a request %s', async (_, body, status) => {
    const id = await createThread();
    const answer = await ask({ ...body, thread_id: id });
    expect(answer.status).toBe(status);
    expect(await messagesOf(id)).toEqual([]);
  });

  test('to a thread that is somebody else’s, or is not there', async () => {
    const id = await createThread({ user: 'ada' });
    for (const [body, headers] of [
      [{ thread_id: id }, { 'api-key': 'other' }],
      [{ thread_id: id, user: 'bob' }, {}],
      [{ thread_id: `thread_${'0'.repeat(32)}` }, {}],
      [{ thread_id: "x' or true" }, {}],
    ] as const) {
      const answer = await ask({ prompt: 'Hi', ...body }, headers);
      expect(answer).toMatchObject({
        status: 404,
        body: { error: { code: 'thread_not_found', param: 'thread_id' } },
      });
    }
    expect((await ask({ prompt: 'Hi', thread_id: id, user: 'ada' })).status).toBe(200);
    const two = await ask({ prompt: 'Hi', thread_id: id }, { 'x-smart-router-thread': 'thread_x' });
    expect(two).toMatchObject({ status: 400, body: { error: { param: 'thread_id' } } });
  });
});

describe('an answer that breaks off', () => {
  test('is added as far as it came, and said to be incomplete', async () => {
    const id = await createThread();
    const { text } = await stream({ prompt: '[sim:cut:3] Tell me', thread_id: id });
    expect(text).not.toContain('[DONE]');
    const [, answer] = await messagesOf(id);
    expect(answer).toMatchObject({ role: 'assistant', status: 'incomplete' });
    expect(answer.content.length).toBeGreaterThan(3);
    // The incomplete answer is part of the conversation.
    await ask({ prompt: 'Go on.', thread_id: id });
    expect(sent()).toHaveLength(3);
  });

  test('is so when its client leaves', async () => {
    const id = await createThread();
    const controller = new AbortController();
    const response = await fetch(router.url + ROUTED, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...APP },
      body: JSON.stringify({ prompt: '[sim:chunks:500:10] Hi', thread_id: id, stream: true }),
      signal: controller.signal,
    });
    let seen = 0;
    try {
      for await (const _ of response.body ?? []) {
        seen += 1;
        if (seen === 5) controller.abort();
      }
    } catch {
      // The client itself broke off the answer.
    }
    await expect.poll(async () => (await messagesOf(id)).length).toBe(2);
    const [, answer] = await messagesOf(id);
    expect(answer).toMatchObject({ status: 'incomplete' });
    expect(answer.content.length).toBeGreaterThan(0);
  });

  test('is replaced when its request is sent again with its key', async () => {
    const id = await createThread();
    const key = { 'idempotency-key': randomUUID() };
    const body = { prompt: '[sim:cut:3:1] Tell me', thread_id: id };
    await stream(body, key);
    expect(await messagesOf(id)).toMatchObject([{}, { status: 'incomplete' }]);
    const again = await stream(body, key);
    expect(again.text).toContain('[DONE]');
    expect(sent()).toEqual([{ role: 'user', content: body.prompt }]);
    const [, answer, ...more] = await messagesOf(id);
    expect(more).toEqual([]);
    expect(answer).toMatchObject({
      status: 'completed',
      request_id: again.headers.get('x-smart-router-request-id'),
    });
  });
});

describe('a request that is sent again with its Idempotency-Key', () => {
  test.each([false, true])(
    'has the answer that it had, and adds nothing (stream: %s)',
    async (streamed) => {
      const id = await createThread();
      const key = { 'idempotency-key': randomUUID() };
      const first = await ask({ prompt: 'Hi', thread_id: id }, key);
      await ask({ prompt: 'And?', thread_id: id });
      const calls = router.simulator.requests.length;
      if (streamed) {
        const { text, headers } = await stream({ prompt: 'Hi', thread_id: id }, key);
        const events = [...text.matchAll(/^data: (\{.*)$/gm)].map(([, json = '']) =>
          JSON.parse(json),
        );
        expect(events[0].choices[0].delta.content).toBe(first.body.response);
        expect(events.at(-1).choices[0].finish_reason).toBe('stop');
        expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
        expect(headers.get('x-smart-router-replayed')).toBe('true');
      } else {
        const again = await ask({ prompt: 'Hi', thread_id: id }, key);
        expect(again.headers.get('x-smart-router-replayed')).toBe('true');
        expect(again.body).toMatchObject({
          object: 'chat.completion',
          response: first.body.response,
          selected_model: first.body.selected_model,
          choices: [{ message: { content: first.body.response }, finish_reason: 'stop' }],
        });
      }
      expect(router.simulator.requests).toHaveLength(calls);
      expect(await messagesOf(id)).toHaveLength(4);
    },
  );

  test('is refused when it says something else', async () => {
    const id = await createThread();
    const key = { 'idempotency-key': randomUUID() };
    await ask({ prompt: 'Hi', thread_id: id }, key);
    const other = await ask({ prompt: 'Bye', thread_id: id }, key);
    expect(other).toMatchObject({
      status: 422,
      body: { error: { code: 'idempotency_key_reused' } },
    });
  });

  test('adds nothing twice when both come concurrently', async () => {
    const id = await createThread();
    const key = { 'idempotency-key': randomUUID() };
    const both = await Promise.all(
      [1, 2, 3].map(() => ask({ prompt: '[sim:slow:50] Hi', thread_id: id }, key)),
    );
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 409, 409]);
    expect(await messagesOf(id)).toHaveLength(2);
  });
});

describe('concurrent requests on one thread', () => {
  test('are all added, each followed by its answer', async () => {
    const id = await createThread();
    const prompts = Array.from({ length: 20 }, (_, index) => `[sim:slow:20] ask ${index}`);
    const answers = await Promise.all(prompts.map((prompt) => ask({ prompt, thread_id: id })));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    const kept = await messagesOf(id);
    expect(kept).toHaveLength(40);
    const pairs = new Map<string, string>();
    for (let at = 0; at < kept.length; at += 2) pairs.set(kept[at].content, kept[at + 1].content);
    for (const [index, prompt] of prompts.entries()) {
      expect(pairs.get(prompt)).toBe(answers[index]?.body.response);
    }
  });

  test('do not come between the calls of tools and their results', async () => {
    const id = await createThread();
    const called = await ask({ prompt: '[sim:tool] Look it up.', tools: TOOLS, thread_id: id });
    const [call] = called.body.choices[0].message.tool_calls;
    await ask({ prompt: 'Something else', thread_id: id });
    // A request that comes before the result is sent without the unanswered call.
    expect(sent().map(({ role }) => role)).toEqual(['user', 'user']);
    const result = { role: 'tool', tool_call_id: call.id, content: '42' };
    const answered = await ask({ messages: [result], tools: TOOLS, thread_id: id });
    expect(answered.status).toBe(200);
    expect(sent().map(({ role }) => role)).toEqual([
      'user',
      'assistant',
      'tool',
      'user',
      'assistant',
    ]);
  });
});

describe('a conversation that is too long', () => {
  const turn = (text: string, words: number) => [
    { role: 'user', content: `${text} ${'word '.repeat(words)}` },
    { role: 'assistant', content: `Yes, ${text}.` },
  ];

  test('goes to a model that has room for all of it', async () => {
    const id = await createThread({ messages: turn('long', 5_000) });
    const { headers } = await ask({ prompt: 'Hi', thread_id: id, routing: TO_WEAK });
    expect(headers.get('x-smart-router-tier')).toBe('strong');
    expect(headers.get('x-smart-router-reason')).toBe('requirements');
    expect(headers.get('x-smart-router-warnings')).toBeNull();
    expect(sent()).toHaveLength(3);
  });

  test('is cut by whole turns where no model has, and says so; instructions stay', async () => {
    const system = { role: 'system', content: 'Be brief.' };
    const turns = ['one', 'two', 'three', 'four'].flatMap((text) => turn(text, 2_500));
    const id = await createThread({ messages: [system, ...turns] });
    const { status, headers } = await ask({ prompt: 'Hi', thread_id: id });
    expect(status).toBe(200);
    expect(headers.get('x-smart-router-warnings')).toBe('history;cut=4');
    expect(sent()[0]).toEqual(system);
    expect(sent().map(({ role }) => role)).toEqual([
      ...['system', 'user', 'assistant', 'user', 'assistant', 'user'],
    ]);
    expect(sent()[1]?.content).toMatch(/^three /);
  });

  test('is cut for the deployment that the request names', async () => {
    const turns = ['one', 'two', 'three'].flatMap((text) => turn(text, 1_500));
    const id = await createThread({ messages: turns });
    const path = '/llm/openai/deployments/weak/chat/completions';
    const answer = await post(router.url + path, { prompt: 'Hi', thread_id: id }, APP);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-smart-router-warnings')).toBe('history;cut=2');
    expect(sent()[0]?.content).toMatch(/^two /);
  });

  test('keeps a call of tools with its result, and the turn that they are in', async () => {
    const id = await createThread({ messages: turn('old', 6_000) });
    const prompt = `[sim:tool] ${'word '.repeat(2_500)}`;
    const called = await ask({ prompt, tools: TOOLS, thread_id: id });
    expect(called.headers.get('x-smart-router-warnings')).toMatch(/^history;cut=2,/);
    const [call] = called.body.choices[0].message.tool_calls;
    const result = { role: 'tool', tool_call_id: call.id, content: 'word '.repeat(1_000) };
    const { headers } = await ask({ messages: [result], tools: TOOLS, thread_id: id });
    expect(headers.get('x-smart-router-warnings')).toMatch(/^history;cut=2,/);
    expect(sent().map(({ role }) => role)).toEqual(['user', 'assistant', 'tool']);
  });

  test('is refused when the new messages alone are too long', async () => {
    const id = await createThread({ messages: turn('one', 100) });
    const answer = await ask({ prompt: 'word '.repeat(9_000), thread_id: id });
    expect(answer).toMatchObject({
      status: 400,
      body: { error: { code: 'no_capable_deployment' } },
    });
  });
});

describe('the model of a thread', () => {
  test('goes up at any time, and comes down when that is clear', async () => {
    const id = await createThread();
    const steps = [];
    for (const routing of [TO_WEAK, TO_STRONG, TO_STRONG, TO_WEAK]) {
      const { headers } = await ask({ prompt: 'Hi', thread_id: id, routing });
      steps.push(`${headers.get('x-smart-router-session')} ${headers.get('x-smart-router-tier')}`);
    }
    expect(steps).toEqual(['initialize weak', 'switch strong', 'retain strong', 'switch weak']);
  });

  test('stays when the win rate is within the margin of the threshold', async () => {
    const id = await createThread();
    const first = await ask({ prompt: 'Hi', thread_id: id, routing: TO_STRONG });
    const winRate = Number(first.headers.get('x-smart-router-win-rate'));
    const near = { threshold: winRate + 0.04, explain: true };
    const second = await ask({ prompt: 'Hi', thread_id: id, routing: near });
    expect(second.headers.get('x-smart-router-tier')).toBe('strong');
    expect(second.headers.get('x-smart-router-reason')).toBe('session');
    expect(second.headers.get('x-smart-router-candidates')).toContain('passed-over=session');
    const { cost_to_stay: stay, cost_to_switch: leave } = second.body.routing;
    expect(stay).toBeGreaterThan(leave);
    const alone = await ask({ prompt: 'Hi', routing: near });
    expect(alone.headers.get('x-smart-router-tier')).toBe('weak');
    const clear = { threshold: winRate + 0.06 };
    const third = await ask({ prompt: 'Hi', thread_id: id, routing: clear });
    expect(third.headers.get('x-smart-router-session')).toBe('switch');
  });

  test('is that of the calls during a loop of tools', async () => {
    const id = await createThread();
    const body = { tools: TOOLS, thread_id: id };
    const called = await ask({ prompt: '[sim:tool] Hi', ...body, routing: TO_STRONG });
    const [call] = called.body.choices[0].message.tool_calls;
    const result = { role: 'tool', tool_call_id: call.id, content: '42' };
    const answered = await ask({ messages: [result], ...body, routing: TO_WEAK });
    expect(answered.headers.get('x-smart-router-tier')).toBe('strong');
    expect(answered.headers.get('x-smart-router-reason')).toBe('tool-loop');
    expect(answered.headers.get('x-smart-router-session')).toBe('retain');
  });

  test('never changes when it is sticky, and is chosen anew each time without affinity', async () => {
    const id = await createThread();
    const tiers = async (affinity: object, routing: object) => {
      const { headers } = await ask({ prompt: 'Hi', thread_id: id, ...affinity, routing });
      return [headers.get('x-smart-router-tier'), headers.get('x-smart-router-session')];
    };
    await ask({ prompt: 'Hi', thread_id: id, routing: TO_WEAK });
    expect(await tiers({}, { ...TO_STRONG, session_affinity: 'sticky' })).toEqual([
      'weak',
      'retain',
    ]);
    expect(await tiers({}, { ...TO_STRONG, session_affinity: 'none' })).toEqual(['strong', null]);
  });

  test('is reported in the same way as by Foundry’s router', async () => {
    const id = await createThread();
    const config = { mode: 'cost', session_affinity: 'sticky' };
    const { body } = await ask(
      { prompt: 'Hi', thread_id: id, routing_config: config },
      { 'foundry-features': 'ModelRouterControls=V1Preview' },
    );
    expect(body.model_selection_details.session_affinity).toEqual({
      mode: 'sticky',
      decision: 'initialize',
    });
  });

  test('is another one when it cannot answer', async () => {
    const id = await createThread();
    await ask({ prompt: 'Hi', thread_id: id, routing: TO_WEAK });
    const { status, headers } = await ask({
      prompt: '[sim:500@weak] Hi',
      thread_id: id,
      routing: TO_WEAK,
    });
    expect(status).toBe(200);
    expect(headers.get('x-smart-router-session')).toBe('switch');
  });
});

describe('the client library', () => {
  test('talks in threads, lists, reads and deletes them', async () => {
    const client = new SmartRouterClient({ baseUrl: router.url, apiKey: 'app' });
    const user = randomUUID();
    const made = await client.createThread({ user, metadata: { plan: 'free' } });
    const answer = await made.send('My name is Ada.');
    expect(answer.routing).toMatchObject({ threadId: made.id, session: 'initialize' });
    const thread = client.thread(made.id, { user });
    let text = '';
    const streamed = await thread.send({ prompt: 'Who am I?', stream: true });
    for await (const chunk of streamed) text += chunk.choices[0]?.delta.content ?? '';
    expect(streamed.routing.session).toBe('retain');
    await thread.add({ role: 'user', content: 'One more thing.' });
    const last = await thread.send({ routing: { session_affinity: 'sticky' } });
    const contents: unknown[] = [];
    for await (const { content } of thread.messages()) contents.push(content);
    expect(contents).toEqual([
      ...['My name is Ada.', answer.response, 'Who am I?', text],
      ...['One more thing.', last.response],
    ]);
    expect(await thread.facts()).toMatchObject({ id: made.id, user, message_count: 6 });
    const listed: string[] = [];
    for await (const { id } of client.threads({ user })) listed.push(id);
    expect(listed).toEqual([made.id]);
    await expect(client.thread(made.id, { user: 'bob' }).send('Hi')).rejects.toMatchObject({
      status: 404,
    });
    await thread.delete();
    await expect(thread.facts()).rejects.toMatchObject({ status: 404 });
  });

  test('pages through many messages, and adds none twice with one key', async () => {
    const client = new SmartRouterClient({ baseUrl: router.url, apiKey: 'app' });
    const messages = Array.from({ length: 64 }, () => ({ role: 'user', content: 'x' }) as const);
    const thread = await client.createThread({ messages });
    for (let count = 0; count < 70; count += 1) await thread.add({ role: 'user', content: 'y' });
    const answers = [];
    for (let count = 0; count < 2; count += 1) {
      answers.push((await thread.send('Hi', { idempotencyKey: 'mine' })).response);
    }
    expect(answers[0]).toBe(answers[1]);
    let count = 0;
    for await (const _ of thread.messages()) count += 1;
    expect(count).toBe(136);
  });
});

describe('while the storage is away', () => {
  test('a request in a thread is refused, one that it is lost for is told so, and others are answered', async () => {
    const storage = await startAzurite({});
    const own = await startRouter({
      settings: { TABLES_CONNECTION_STRING: storage.connectionString },
      simulator: router.simulator,
    });
    try {
      const made = await post(`${own.url}/llm/threads`, {});
      const body = { prompt: '[sim:chunks:40:50] Hi', thread_id: made.body.id };
      const streaming = fetch(own.url + ROUTED, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...body, stream: true }),
      });
      const response = await streaming;
      await storage.close();
      const text = await response.text();
      expect(text).toContain('"code":"threads_unreachable"');
      expect(text).not.toContain('[DONE]');
      // The client had its 200, and the line says what became of the answer.
      const requestId = response.headers.get('x-smart-router-request-id');
      const isLine = (line: string) =>
        line.includes('"event":"chat"') && line.includes(String(requestId));
      await expect.poll(() => own.output().split('\n').find(isLine)).toBeDefined();
      expect(JSON.parse(own.output().split('\n').find(isLine) ?? '')).toMatchObject({
        level: 'warning',
        status: 200,
        error: expect.stringContaining('threads_unreachable'),
      });
      const refused = await post(own.url + ROUTED, body);
      expect(refused).toMatchObject({
        status: 503,
        body: { error: { code: 'threads_unreachable' } },
      });
      expect(refused.headers.get('retry-after')).toBe('2');
      expect((await post(own.url + ROUTED, { prompt: 'Hi' })).status).toBe(200);
    } finally {
      await own.close();
      await storage.close();
    }
  }, 60_000);
});
