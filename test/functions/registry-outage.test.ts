import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Azurite, startAzurite } from '../../tools/local-services/azurite.ts';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

let dataFolder: string;
let azurite: Azurite;
let router: Router;
beforeAll(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), 'smart-router-tables-'));
  azurite = await startAzurite({ dataFolder });
});
afterAll(async () => {
  await router?.close();
  await azurite.close();
  await rm(dataFolder, { recursive: true, force: true });
});

function tablePortOf({ connectionString }: Azurite): number {
  return Number(/TableEndpoint=http:\/\/127\.0\.0\.1:(\d+)/.exec(connectionString)?.[1]);
}

async function change(weight: number) {
  const response = await fetch(`${router.url}/llm/deployments/weak`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ weight }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape.
  return { status: response.status, body: (await response.json()) as any };
}

async function registryState() {
  const response = await fetch(`${router.url}/ready`);
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape.
  return (await response.json()) as any;
}

const add = (name: string) =>
  fetch(`${router.url}/llm/deployments/${name}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      endpoint: router.simulator.url,
      deployment: 'weak',
      model: 'kept',
      auth: { type: 'app_setting', name: 'UPSTREAM_KEY_SIM' },
      scorer_model: 'mixtral-8x7b',
    }),
  });

describe('while the table of the registry is away', () => {
  test('what it last said stays in force, changes are refused, and all is well again afterwards', async () => {
    const port = tablePortOf(azurite);
    const settings = {
      TABLES_CONNECTION_STRING: azurite.connectionString,
      UPSTREAM_KEY_SIM: 'key-of-the-simulator',
      REGISTRY_REFRESH_MS: '200',
    };
    router = await startRouter({ settings });
    expect((await add('kept')).status).toBe(201);
    await azurite.close();
    const refused = await change(2);
    expect(refused).toMatchObject({
      status: 503,
      body: { error: { code: 'registry_unreachable' } },
    });
    await expect.poll(async () => (await registryState()).registry.state).toBe('unreachable');
    expect(await registryState()).toMatchObject({
      status: 'degraded',
      registry: { age_ms: expect.any(Number), problems: [] },
    });
    const direct = { prompt: 'Hi', model: 'kept' };
    expect((await post(`${router.url}/llm/openai/v1/chat/completions`, direct)).body).toMatchObject(
      {
        selected_model: 'kept',
      },
    );
    azurite = await startAzurite({ dataFolder, tablePort: port });
    await expect.poll(async () => (await registryState()).registry.state).toBe('ok');
    expect(await change(2)).toMatchObject({ status: 200, body: { version: 2 } });
  });

  test('a router that starts has the deployments of the settings, and soon the others', async () => {
    const port = tablePortOf(azurite);
    await azurite.close();
    const settings = {
      TABLES_CONNECTION_STRING: azurite.connectionString,
      UPSTREAM_KEY_SIM: 'key-of-the-simulator',
      REGISTRY_REFRESH_MS: '200',
    };
    const fresh = await startRouter({ settings, simulator: router.simulator });
    try {
      expect((await post(fresh.url + ROUTED, { prompt: 'Hi' })).status).toBe(200);
      const path = `${fresh.url}/llm/openai/v1/chat/completions`;
      expect((await post(path, { prompt: 'Hi', model: 'kept' })).status).toBe(404);
      azurite = await startAzurite({ dataFolder, tablePort: port });
      await expect
        .poll(async () => (await post(path, { prompt: 'Hi', model: 'kept' })).status, {})
        .toBe(200);
    } finally {
      await fresh.close();
    }
  });
});
