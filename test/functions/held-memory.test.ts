import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { takeStorageAccount } from '../support/azurite.ts';
import { post, ROUTED } from '../support/router.ts';
import { type RouterServer, startServer } from '../support/server.ts';

const MEBIBYTE = 1024 * 1024;
const BUDGET = 24 * MEBIBYTE;

const azurite = takeStorageAccount();
let server: RouterServer;
beforeAll(async () => {
  server = await startServer({
    TABLES_CONNECTION_STRING: azurite.connectionString,
    MAX_BODY_BYTES: String(16 * MEBIBYTE),
    MAX_BODY_BYTES_IN_FLIGHT: String(BUDGET),
    STRONG_CAPABILITIES: 'context=100000000,input=100000000',
    WEAK_CAPABILITIES: 'context=100000000,input=100000000',
  });
});
afterAll(async () => {
  await server.stop();
});

/** Is refused for its memory alone; afterwards there is room again. */
async function expectTooMuch(answer: ReturnType<typeof post>): Promise<void> {
  const { status, body } = await answer;
  expect([status, body.error?.code, body.error?.message]).toEqual([
    429,
    'too_many_bytes',
    expect.any(String),
  ]);
  expect((await post(server.url + ROUTED, { prompt: 'Hi' })).status).toBe(200);
}

describe('memory that a request causes counts, beyond its body:', () => {
  test('a long conversation that is read back', async () => {
    const { body: thread } = await post(`${server.url}/llm/threads`, {});
    const path = `${server.url}/llm/threads/${thread.id}/messages`;
    for (let turn = 0; turn < 15; turn += 1) {
      const role = turn % 2 === 0 ? 'user' : 'assistant';
      const { status } = await post(path, { role, content: 'x'.repeat(MEBIBYTE) });
      expect(status).toBe(201);
    }
    const asked = { thread_id: thread.id };
    expect((await post(server.url + ROUTED, { ...asked, prompt: 'Hi' })).status).toBe(200);
    const large = { ...asked, prompt: 'x'.repeat(12 * MEBIBYTE) };
    await expectTooMuch(post(server.url + ROUTED, large));
  });

  test('an answer that is read whole', async () => {
    const ask = (mebibytes: number) =>
      post(server.url + ROUTED, { prompt: `[sim:big:${mebibytes * MEBIBYTE}]` });
    expect((await ask(6)).status).toBe(200);
    await expectTooMuch(ask(BUDGET / MEBIBYTE + 2));
  });

  test('a stream that is kept for its thread', async () => {
    const { body: thread } = await post(`${server.url}/llm/threads`, {});
    const endOf = async (mebibytes: number, threadId?: string) => {
      const response = await fetch(server.url + ROUTED, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          prompt: `[sim:big:${mebibytes * MEBIBYTE}]`,
          thread_id: threadId,
          stream: true,
        }),
      });
      return (await response.text()).slice(-400);
    };
    const tooMuch = BUDGET / MEBIBYTE + 2;
    expect(await endOf(1, thread.id)).toContain('[DONE]');
    expect(await endOf(tooMuch, thread.id)).toContain('too_many_bytes');
    // What is only passed on is not held.
    expect(await endOf(tooMuch)).toContain('[DONE]');
  });
});

test('24 requests of some bytes to a conversation of 30 MB are survived', async () => {
  const hash = createHash('sha256').update('key').digest('hex');
  const other = await startServer({
    TABLES_CONNECTION_STRING: azurite.connectionString,
    ROUTER_API_KEYS: `app=${hash}`,
    STRONG_CAPABILITIES: 'context=100000000,input=100000000',
    WEAK_CAPABILITIES: 'context=100000000,input=100000000',
  });
  try {
    const key = { 'api-key': 'key' };
    const { body: thread } = await post(`${other.url}/llm/threads`, {}, key);
    for (let turn = 0; turn < 30; turn += 1) {
      const message = {
        role: turn % 2 === 0 ? 'user' : 'assistant',
        content: 'x'.repeat(MEBIBYTE),
      };
      await post(`${other.url}/llm/threads/${thread.id}/messages`, message, key);
    }
    const asked = { prompt: 'Hi', thread_id: thread.id };
    const statuses = await Promise.all(
      Array.from({ length: 24 }, async () => {
        const { status } = await post(other.url + ROUTED, asked, key);
        return status;
      }),
    );
    // On a busy machine, the storage may be too slow for some of them.
    expect(statuses.filter((status) => ![200, 429, 503].includes(status))).toEqual([]);
    expect((await post(other.url + ROUTED, { prompt: 'Hi' }, key)).status).toBe(200);
  } finally {
    await other.stop();
  }
});
