import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { takeStorageAccount } from '../support/azurite.ts';
import { type Router, startRouter } from '../support/router.ts';

const azurite = takeStorageAccount();
let router: Router;
beforeAll(async () => {
  const hash = (key: string) => createHash('sha256').update(key).digest('hex');
  router = await startRouter({
    settings: {
      TABLES_CONNECTION_STRING: azurite.connectionString,
      ROUTER_API_KEYS: `app=${hash('app')},other=${hash('other')}`,
    },
  });
});
afterAll(async () => {
  await router.close();
});

type Options = { readonly key?: string; readonly headers?: Readonly<Record<string, string>> };

async function send(method: string, path: string, body?: unknown, options: Options = {}) {
  const response = await fetch(`${router.url}/llm/threads${path}`, {
    method,
    headers: {
      'api-key': options.key ?? 'app',
      'content-type': 'application/json',
      ...options.headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape.
  return { status: response.status, body: (await response.json()) as any };
}

async function create(body: object = {}): Promise<string> {
  const made = await send('POST', '', body);
  expect(made.status).toBe(201);
  return made.body.id;
}

describe('a thread', () => {
  test('is created, got, listed and deleted', async () => {
    const made = await send('POST', '', { user: 'ada', metadata: { plan: 'free' } });
    expect(made).toMatchObject({
      status: 201,
      body: {
        id: expect.stringMatching(/^thread_[0-9a-f]{32}$/),
        object: 'thread',
        user: 'ada',
        metadata: { plan: 'free' },
        message_count: 0,
      },
    });
    const { id, created_at: at, expires_at: end } = made.body;
    expect(Math.abs(at - Date.now() / 1_000)).toBeLessThan(10);
    expect(end - at).toBe(30 * 86_400);
    expect(await send('GET', `/${id}`)).toEqual({ status: 200, body: made.body });
    const newer = await create({ user: 'ada' });
    const { body } = await send('GET', '?user=ada&limit=1');
    expect(body).toMatchObject({ object: 'list', data: [{ id: newer }], has_more: true });
    expect(await send('GET', `?user=ada&after=${body.last_id}`)).toMatchObject({
      body: { data: [{ id }], has_more: false },
    });
    expect(await send('DELETE', `/${id}`)).toEqual({
      status: 200,
      body: { id, object: 'thread.deleted', deleted: true },
    });
    expect(await send('GET', `/${id}`)).toMatchObject({
      status: 404,
      body: { error: { code: 'thread_not_found' } },
    });
  });

  test('keeps messages as they are sent, and pages them, the oldest first', async () => {
    const call = { id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } };
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: [{ type: 'text', text: 'Hi' }], name: 'Ada' },
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', content: '5', tool_call_id: 'call_1' },
    ];
    const id = await create({ messages });
    const large = 'x'.repeat(300_000);
    const added = await send('POST', `/${id}/messages`, { role: 'user', content: large });
    expect(added).toMatchObject({
      status: 201,
      body: { id: 'msg_0000000004', object: 'thread.message', thread_id: id, status: 'completed' },
    });
    const first = await send('GET', `/${id}/messages?limit=3`);
    expect(first.body).toMatchObject({
      has_more: true,
      last_id: 'msg_0000000002',
      data: messages.slice(0, 3),
    });
    const rest = await send('GET', `/${id}/messages?after=${first.body.last_id}`);
    expect(rest.body).toMatchObject({ has_more: false, data: [messages[3], { content: large }] });
    expect((await send('GET', `/${id}`)).body.message_count).toBe(5);
  });

  test.each([
    ['another caller', '', { key: 'other' }],
    ["another one of the caller's users", '?user=bob', {}],
  ])('is like none to %s', async (_, query, options) => {
    const id = await create({ user: 'ada', messages: [{ role: 'user', content: 'secret' }] });
    const message = { role: 'user', content: 'x' };
    for (const [method, path, body] of [
      ['GET', `/${id}${query}`],
      ['GET', `/${id}/messages${query}`],
      ['POST', `/${id}/messages${query}`, message],
      ['DELETE', `/${id}${query}`],
    ] as const) {
      const answer = await send(method, path, body, options);
      expect(answer).toMatchObject({ status: 404, body: { error: { code: 'thread_not_found' } } });
    }
    const listed = await send('GET', query === '' ? '?user=ada' : query, undefined, options);
    expect(listed.body.data).toEqual([]);
    expect(await send('GET', `/${id}?user=ada`)).toMatchObject({ body: { message_count: 1 } });
  });

  test('takes a message of one Idempotency-Key once', async () => {
    const id = await create();
    const options = { headers: { 'idempotency-key': 'first try' } };
    const message = { role: 'user', content: 'Hi' };
    const answers = await Promise.all(
      [1, 2, 3].map(() => send('POST', `/${id}/messages`, message, options)),
    );
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(await send('GET', `/${id}`)).toMatchObject({ body: { message_count: 1 } });
  });

  test.each([
    ['POST', '', { nonsense: 1 }, 'body'],
    ['POST', '', { metadata: { a: 5 } }, 'metadata.a'],
    ['POST', '', { messages: [{ role: 'robot', content: 'x' }] }, 'messages.0.role'],
    [
      'POST',
      '',
      { messages: Array.from({ length: 65 }, () => ({ role: 'user', content: 'x' })) },
      'messages',
    ],
    ['POST', '/ID/messages', { content: 'x' }, 'role'],
    ['POST', '/ID/messages', { role: 'user', content: 5 }, 'content'],
    ['GET', '/ID/messages?limit=0', undefined, 'limit'],
    ['GET', '/ID/messages?limit=101', undefined, 'limit'],
    ['GET', '/ID/messages?after=nonsense', undefined, 'after'],
    ['GET', '?limit=x', undefined, 'limit'],
  ])('refuses %s %s with %j', async (method, path, body, param) => {
    const id = await create();
    const answer = await send(method, path.replace('ID', id), body);
    expect(answer).toMatchObject({ status: 400, body: { error: { param } } });
    expect((await send('GET', `/${id}`)).body.message_count).toBe(0);
  });

  test.each(["a'b", '%23', 'thread_%20or%201', 'x'.repeat(1_500)])(
    'of the id %s is none',
    async (id) => {
      for (const more of ['', '/messages']) {
        expect(await send('GET', `/${id}${more}`)).toMatchObject({ status: 404 });
      }
    },
  );
});

test('without storage, threads are refused with what to set', async () => {
  const bare = await startRouter({ simulator: router.simulator });
  const response = await fetch(`${bare.url}/llm/threads`);
  expect(response.status).toBe(409);
  expect(await response.json()).toMatchObject({ error: { code: 'threads_not_configured' } });
  await bare.close();
});

test('behind a front door, threads and what continues them are of those whom it names', async () => {
  const door = await startRouter({
    simulator: router.simulator,
    functionKey: 'the-key-of-the-host',
    settings: { TABLES_CONNECTION_STRING: azurite.connectionString, FRONT_DOOR: 'function-key' },
  });
  const call = async (caller: string, path: string, body?: object) => {
    const response = await fetch(door.url + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { 'x-functions-key': 'the-key-of-the-host', 'x-front-door-caller': caller },
      ...(body && { body: JSON.stringify(body) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape.
    return { status: response.status, body: (await response.json()) as any };
  };
  const { body } = await call('team-7', '/llm/threads', {});
  const chat = { prompt: 'Hi', thread_id: body.id };
  expect((await call('team-7', '/llm/chat/completions', chat)).status).toBe(200);
  expect((await call('team-8', '/llm/chat/completions', chat)).status).toBe(404);
  expect((await call('team-8', `/llm/threads/${body.id}`)).status).toBe(404);
  expect((await call('team-8', '/llm/threads')).body.data).toEqual([]);
  expect((await call('team-7', `/llm/threads/${body.id}`)).body.message_count).toBe(2);
  await door.close();
});
