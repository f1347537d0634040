import { afterAll, beforeAll, expect, test } from 'vitest';
import { type StorageProxy, startStorageProxy } from '../../tools/local-services/storage-proxy.ts';
import { takeStorageAccount } from '../support/azurite.ts';
import { post, ROUTED, type Router, startRouter, untilIdsAreSigned } from '../support/router.ts';

const STORAGE_TIMEOUT_MS = 1_000;

let storage: StorageProxy;
let router: Router;
let thread: string;
let requestId: string;

beforeAll(async () => {
  storage = await startStorageProxy(takeStorageAccount().connectionString);
  router = await startRouter({
    settings: {
      TABLES_CONNECTION_STRING: storage.connectionString,
      VECTOR_STORE_FILE: ':memory:',
      STORAGE_TIMEOUT_MS: String(STORAGE_TIMEOUT_MS),
      MAX_STORAGE_CALLS: '8',
      MAX_IN_FLIGHT: '64',
    },
  });
  await untilIdsAreSigned(router);
  thread = (await post(`${router.url}/llm/threads`, {})).body.id;
  const answered = await post(router.url + ROUTED, { prompt: 'Hi', thread_id: thread });
  expect(answered.status).toBe(200);
  requestId = answered.headers.get('x-smart-router-request-id') ?? '';
});

afterAll(async () => {
  storage.behave('usual');
  await router.close();
  await storage.close();
});

const get = (path: string) => fetch(router.url + path);
const send = (path: string, body: object) =>
  fetch(router.url + path, {
    method: path.includes('deployments/weak') && !path.includes('chat') ? 'PUT' : 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

/** Every operation that needs the storage. */
const OPERATIONS: readonly (readonly [string, () => Promise<Response>])[] = [
  ['a chat of a thread', () => send(ROUTED, { prompt: 'Hi', thread_id: thread })],
  ['a thread', () => get(`/llm/threads/${thread}`)],
  ['threads', () => get('/llm/threads')],
  ['messages', () => get(`/llm/threads/${thread}/messages`)],
  ['a new thread', () => send('/llm/threads', {})],
  ['a new message', () => send(`/llm/threads/${thread}/messages`, { role: 'user', content: 'Hi' })],
  ['stats', () => get('/llm/stats')],
  ['decisions', () => get('/llm/decisions')],
  ['a decision', () => get(`/llm/decisions/${requestId}`)],
  ['an outcome', () => send('/llm/outcomes', { request_id: requestId, verdict: 'good' })],
  ['vector stores', () => get('/llm/vector_stores')],
  ['a new vector store', () => send('/llm/vector_stores', { name: 'x' })],
  ['deployments', () => get('/llm/deployments')],
  ['use cases', () => get('/llm/use-cases')],
];

test.each(['silent', 'refusing'] as const)(
  'a storage that is %s fails the requests that need it, and no others',
  async (manner) => {
    storage.behave(manner);
    try {
      for (const [name, ask] of OPERATIONS) {
        const answer = await ask();
        const { error } = (await answer.json()) as { error?: { message: string } };
        expect([name, answer.status]).toEqual([name, 503]);
        expect(error?.message).toMatch(/^The (storage|table) of the .* cannot be reached/);
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      }
      const plain = await post(router.url + ROUTED, { prompt: `Hi ${manner}` });
      expect(plain.status).toBe(200);
    } finally {
      storage.behave('usual');
    }
  },
);

test('a storage whose answers are none fails single requests, and no others', async () => {
  storage.behave('nonsense');
  try {
    for (const [, ask] of OPERATIONS) {
      const answer = await ask();
      expect(answer.headers.get('content-type')).toContain('application/json');
      expect(answer.status).not.toBe(500);
      await answer.json();
    }
    expect((await post(router.url + ROUTED, { prompt: 'Hi nonsense' })).status).toBe(200);
  } finally {
    storage.behave('usual');
  }
});

test('many requests that wait for a silent storage take no places from those that do not', async () => {
  storage.behave('silent');
  try {
    const waiting = Array.from({ length: 40 }, () =>
      send(ROUTED, { prompt: 'Hi', thread_id: thread }),
    );
    const plain = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        post(router.url + ROUTED, { prompt: `Hi ${index}` }),
      ),
    );
    expect(plain.map(({ status }) => status)).toEqual(plain.map(() => 200));
    const answers = await Promise.all(waiting);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
  } finally {
    storage.behave('usual');
  }
});

test('a storage that is back is used again', async () => {
  const isBack = async () =>
    (await post(router.url + ROUTED, { prompt: 'Hi', thread_id: thread })).status;
  await expect.poll(isBack, { timeout: 20_000 }).toBe(200);
  await expect.poll(async () => (await get('/llm/stats')).status, { timeout: 20_000 }).toBe(200);
});
