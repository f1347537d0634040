import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { findReadSettings } from '../../tools/infra/app-settings.ts';
import {
  simulatorSettings,
  startLocalServices,
} from '../../tools/local-services/local-services.ts';
import { startSimulator } from '../../tools/upstream-simulator/simulator.ts';
import { post, ROUTED, startRouter } from '../support/router.ts';

/** Every setting that the configuration asks for, without what the platform sets. */
async function settingsRead(): Promise<string[]> {
  const names = await findReadSettings('models');
  return [...names].filter((name) => !name.startsWith('WEBSITE_'));
}

async function readJson<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(path, 'utf8')) as T;
}

type LocalSettings = { readonly Values: Readonly<Record<string, string>> };

describe('local.settings.sample.json', () => {
  test('lists every setting, and no other', async () => {
    const { Values: values } = await readJson<LocalSettings>('local.settings.sample.json');
    const ofTheHost = [
      'AzureWebJobsStorage',
      'FUNCTIONS_WORKER_RUNTIME',
      'languageWorkers__node__arguments',
    ];
    expect(Object.keys(values).toSorted()).toEqual(
      [...(await settingsRead()), ...ofTheHost].toSorted(),
    );
  });

  test('has values that work locally', async () => {
    const { Values: values } = await readJson<LocalSettings>('local.settings.sample.json');
    const simulator = await startSimulator();
    const router = await startRouter({
      simulator,
      settings: { ...values, AZURE_OPENAI_ENDPOINT: simulator.url },
    });
    const { status } = await post(router.url + ROUTED, { prompt: 'Hi' });
    expect(status).toBe(200);
    await router.close();
    await simulator.close();
  });
});

test('copied sample settings still get a simulator and Azurite of their own', async () => {
  const { Values: values } = await readJson<LocalSettings>('local.settings.sample.json');
  const services = await startLocalServices(values);
  expect(services.simulatorUrl).toBeDefined();
  expect(services.settings).toMatchObject({
    AZURE_OPENAI_ENDPOINT: services.simulatorUrl,
    TABLES_CONNECTION_STRING: expect.stringContaining('TableEndpoint=http://127.0.0.1:'),
  });
  await services.close();
  const real = { ...values, AZURE_OPENAI_ENDPOINT: 'https://x.openai.azure.com' };
  const beside = await startLocalServices(real);
  expect(beside.simulatorUrl).toBeUndefined();
  expect(beside.settings).toMatchObject({ AZURE_OPENAI_ENDPOINT: real.AZURE_OPENAI_ENDPOINT });
  await beside.close();
});

test("a deployment of the user's own keeps its name beside the simulated ones", () => {
  const settings = simulatorSettings('http://127.0.0.1:1', { STRONG_DEPLOYMENT: 'mine' });
  expect(settings).not.toHaveProperty('STRONG_MODEL');
  expect(settings).toMatchObject({ WEAK_DEPLOYMENT: 'weak', WEAK_MODEL: 'gpt-5.6-luna' });
});

test('docs/settings.md explains every setting once, and no other', async () => {
  const { Values: values } = await readJson<LocalSettings>('local.settings.sample.json');
  const page = await readFile('docs/settings.md', 'utf8');
  const firstCells = [...page.matchAll(/^\| (`[^|]+) \|/gm)].map(([, cell]) => cell ?? '');
  const explained = firstCells.flatMap((cell) =>
    [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name),
  );
  const expected = Object.keys(values).filter((name) => name !== 'FUNCTIONS_WORKER_RUNTIME');
  expect(explained.toSorted()).toEqual(expected.toSorted());
});

describe('no address of a registry is in', () => {
  test.each(['package-lock.json', 'tools/packages/package-lock.json'])('%s', async (file) => {
    const lock = await readFile(file, 'utf8');
    expect(lock).not.toMatch(/"resolved"|https?:\/\/[^"]*registry/);
  });
});

describe('docs/deploy.md', () => {
  async function namesIn(path: string, pattern: RegExp): Promise<string[]> {
    return [...(await readFile(path, 'utf8')).matchAll(pattern)].map(([, name]) => name ?? '');
  }

  test.each([
    ['parameter', 'infra/main.bicep', /^param (\w+)/gm],
    ['output', 'infra/main.bicep', /^output (\w+)/gm],
    ['value of the azd environment', 'infra/main.bicepparam', /readEnvironmentVariable\('(\w+)'/g],
  ])('names every %s of the templates', async (_what, path, pattern) => {
    const guide = await readFile('docs/deploy.md', 'utf8');
    const names = await namesIn(path, pattern);
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter((name) => !guide.includes(`\`${name}\``))).toEqual([]);
  });
});
