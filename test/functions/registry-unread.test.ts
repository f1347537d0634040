import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type StorageProxy, startStorageProxy } from '../../tools/local-services/storage-proxy.ts';
import { takeStorageAccount } from '../support/azurite.ts';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

let storage: StorageProxy;
let first: Router;
beforeAll(async () => {
  storage = await startStorageProxy(takeStorageAccount().connectionString);
  first = await start();
  await put('limited', { models: ['weak'] });
  await put('spent', { daily_budget: 0.000_001 });
  // The answer goes to the strong deployment, and spends the budget.
  await ask(first, 'spent');
  const isSpent = async () =>
    (await ask(first, 'spent')).headers.get('x-smart-router-selected-model') === WEAK;
  while (!(await isSpent())) await new Promise((resolve) => setTimeout(resolve, 50));
});
afterAll(async () => {
  storage.behave('usual');
  await first.close();
  await storage.close();
});

const WEAK = 'gpt-5.6-luna';

const start = (settings: Readonly<Record<string, string>> = {}) =>
  startRouter({
    settings: {
      TABLES_CONNECTION_STRING: storage.connectionString,
      REGISTRY_REFRESH_MS: '200',
      STORAGE_TIMEOUT_MS: '1000',
      STRONG_PRICE: '4/20',
      WEAK_PRICE: '0.2/1.2',
      ...settings,
    },
  });

const put = (name: string, policy: object) =>
  fetch(`${first.url}/llm/use-cases/${name}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(policy),
  });

const ask = ({ url }: Router, useCase?: string) =>
  post(
    url + ROUTED,
    { prompt: `Hi ${crypto.randomUUID()}`, routing: { threshold: 0 } },
    useCase === undefined ? {} : { 'x-use_case': useCase },
  );

describe.each(['refusing', 'silent'] as const)(
  'an instance that starts while the tables are %s',
  (manner) => {
    test('refuses use cases until it knows their policies, and says so', async () => {
      storage.behave(manner);
      const router = await start();
      try {
        for (const useCase of ['limited', 'spent', 'any']) {
          const refused = await ask(router, useCase);
          expect(refused).toMatchObject({
            status: 503,
            body: { error: { code: 'registry_unread' } },
          });
          expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
        }
        expect((await ask(router)).status).toBe(200);
        const ready = await fetch(`${router.url}/ready`);
        expect(await ready.json()).toMatchObject({
          status: 'degraded',
          registry: { state: 'unread' },
          tables: { state: 'unreachable' },
        });
        await expect.poll(() => router.output()).toContain('"job":"registry"');
        storage.behave('usual');
        await expect
          .poll(async () => (await ask(router, 'spent')).status, { timeout: 20_000 })
          .toBe(200);
        for (const useCase of ['limited', 'spent']) {
          const { headers } = await ask(router, useCase);
          expect(headers.get('x-smart-router-selected-model')).toBe(WEAK);
        }
      } finally {
        storage.behave('usual');
        await router.close();
      }
    });
  },
);

test('with REGISTRY_UNREAD=settings it answers them by the settings', async () => {
  storage.behave('refusing');
  const router = await start({ REGISTRY_UNREAD: 'settings' });
  try {
    expect((await ask(router, 'limited')).status).toBe(200);
  } finally {
    storage.behave('usual');
    await router.close();
  }
});
