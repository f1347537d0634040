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
    STRONG_CAPABILITIES: 'context=100000000',
    WEAK_CAPABILITIES: 'context=100000000',
  });
});
afterAll(async () => {
  await server.stop();
});

const statusOf = async (answer: ReturnType<typeof post>) => {
  const { status, body } = await answer;
  return status === 429 ? body.error.code : status;
};

/** All are answered, some of them with a 429; afterwards there is room again. */
async function expectBounded(requests: readonly ReturnType<typeof post>[]): Promise<void> {
  const statuses = await Promise.all(requests.map(statusOf));
  expect(new Set(statuses)).toEqual(new Set([200, 'too_many_bytes']));
  await expect.poll(() => statusOf(post(server.url + ROUTED, { prompt: 'Hi' }))).toBe(200);
}

describe('memory that requests cause counts, beyond their bodies:', () => {
  test('a long conversation that is read back', async () => {
    const { body: thread } = await post(`${server.url}/llm/threads`, {});
    const path = `${server.url}/llm/threads/${thread.id}/messages`;
    for (let turn = 0; turn < 10; turn += 1) {
      const role = turn % 2 === 0 ? 'user' : 'assistant';
      const { status } = await post(path, { role, content: 'x'.repeat(MEBIBYTE) });
      expect(status).toBe(201);
    }
    const asked = { prompt: 'Hi', thread_id: thread.id };
    await expectBounded(Array.from({ length: 8 }, () => post(server.url + ROUTED, asked)));
  });

  test('answers that are read whole', async () => {
    const asked = { prompt: `[sim:big:${6 * MEBIBYTE}]` };
    await expectBounded(Array.from({ length: 8 }, () => post(server.url + ROUTED, asked)));
  });

  test('streams that are kept for their thread', async () => {
    const { body: thread } = await post(`${server.url}/llm/threads`, {});
    const ask = (count: number) =>
      Array.from({ length: count }, async () => {
        const response = await fetch(server.url + ROUTED, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            prompt: `[sim:big:${6 * MEBIBYTE}]`,
            thread_id: thread.id,
            stream: true,
          }),
        });
        return (await response.text()).slice(-400);
      });
    // Together they would hold twice what is allowed.
    const answers = await Promise.all(ask(8));
    expect(answers.some((end) => end.includes('too_many_bytes'))).toBe(true);
    for (const end of answers) expect(end).toMatch(/\[DONE\]|"error"/);
    expect(await Promise.all(ask(1))).toEqual([expect.stringContaining('[DONE]')]);
  });
});

test('24 requests of some bytes to a conversation of 30 MB are survived', async () => {
  const hash = createHash('sha256').update('key').digest('hex');
  const other = await startServer({
    TABLES_CONNECTION_STRING: azurite.connectionString,
    ROUTER_API_KEYS: `app=${hash}`,
    STRONG_CAPABILITIES: 'context=100000000',
    WEAK_CAPABILITIES: 'context=100000000',
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
