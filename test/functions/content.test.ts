import { describe, expect, test } from 'vitest';
import { takeStorageAccount } from '../support/azurite.ts';
import { post, ROUTED, type Router, startRouter, untilIdsAreSigned } from '../support/router.ts';

const PROMPT = 'Tell ann@mail.example about the lighthouse at the end of the world.';

const azurite = takeStorageAccount();

/** Starts a router and waits for the key of its request ids, which it reads during the first requests. */
async function start(settings: Record<string, string>): Promise<Router> {
  const router = await startRouter({
    settings: { TABLES_CONNECTION_STRING: azurite.connectionString, ...settings },
  });
  await untilIdsAreSigned(router);
  return router;
}

/** Sends a plain request, a streamed one, and a dry run. */
async function askAll(router: Router): Promise<void> {
  await post(router.url + ROUTED, { prompt: PROMPT });
  const response = await fetch(router.url + ROUTED, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: PROMPT, stream: true }),
  });
  await response.text();
  await post(`${router.url}/llm/route`, { prompts: [PROMPT] });
  await post(`${router.url}/llm/openai/v1/embeddings`, { model: 'embedding', input: PROMPT });
}

async function decisionsOf(router: Router, count: number) {
  const list = async () => {
    const response = await fetch(`${router.url}/llm/decisions`);
    return ((await response.json()) as { data: Record<string, unknown>[] }).data;
  };
  await expect.poll(async () => (await list()).length).toBe(count);
  return list();
}

function chatLines(router: Router): Record<string, unknown>[] {
  const lines = router
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'));
  return lines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'chat');
}

describe('what is asked and answered', () => {
  test('is in no log and no table, whatever the level', async () => {
    const router = await start({
      LOG_LEVEL: 'debug',
      EMBEDDING_DEPLOYMENT: 'embedding',
      DECISIONS_TABLE: 'withoutcontent',
    });
    try {
      await askAll(router);
      const decisions = await decisionsOf(router, 2);
      expect(JSON.stringify(decisions)).not.toMatch(/lighthouse|ann@/);
      await expect.poll(() => chatLines(router)).toHaveLength(2);
      expect(router.output()).not.toMatch(/lighthouse|ann@|simulated/);
      const events = router.output().match(/(?<="event":")[\w-]+/g);
      expect(events).toEqual(
        expect.arrayContaining(['chat', 'route', 'upstream-attempt', 'embeddings', 'request']),
      );
    } finally {
      await router.close();
    }
  });

  test('is in the log, and the former with its decision, where LOG_CONTENT says so; redacted', async () => {
    const router = await start({ LOG_CONTENT: 'true', DECISIONS_TABLE: 'withcontent' });
    const kept = 'Tell [email] about the lighthouse at the end of the world.';
    try {
      await askAll(router);
      await expect.poll(() => chatLines(router)).toHaveLength(2);
      for (const line of chatLines(router)) {
        expect(line).toMatchObject({ prompt: kept, answer: expect.stringMatching(/\w/) });
      }
      expect(chatLines(router)).toHaveLength(2);
      for (const decision of await decisionsOf(router, 2)) expect(decision['prompt']).toBe(kept);
      expect(router.output()).not.toContain('ann@');
    } finally {
      await router.close();
    }
  });

  test('is kept with no other value', async () => {
    await expect(start({ LOG_CONTENT: 'yes' })).rejects.toThrow('LOG_CONTENT');
  });
});
