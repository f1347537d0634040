import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRandom } from '../fakes/routellm-weights.ts';
import { takeStorageAccount } from '../support/azurite.ts';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

const azurite = takeStorageAccount();
const SHARE = 0.3;
const settings = {
  TABLES_CONNECTION_STRING: azurite.connectionString,
  ROUTER_STRONG_SHARE: String(SHARE),
  MAX_CONCURRENT_REQUESTS: '64',
};
const random = createRandom(11);
const oneOf = (list: readonly string[]) => list[Math.floor(random() * list.length)] ?? '';
const PEOPLE = ['Anna', 'my boss', 'the landlord', 'a friend', 'grandma', 'the team', 'our tutor'];
const WISHES = [
  'a short note',
  'a birthday wish',
  'an excuse',
  'a reminder',
  'a polite no',
  'a joke',
];
const THINGS = [
  'dinner on Friday',
  'the broken heater',
  'the school play',
  'a lost key',
  'the picnic',
];

/** A request as people chat, which win rates of a benchmark hardly cover. */
const chat = () => `Write ${oneOf(WISHES)} for ${oneOf(PEOPLE)} about ${oneOf(THINGS)} please`;

let router: Router;
beforeAll(async () => {
  router = await startRouter({ settings });
});
afterAll(() => router.close());

/** Sends prompts, 16 at a time, and returns the share that went to the strong model. */
async function send(
  count: number,
  { url }: Pick<Router, 'url'> = router,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  let [left, strong] = [count, 0];
  const work = async () => {
    while (left > 0) {
      left -= 1;
      const answer = await post(url + ROUTED, { prompt: chat() }, headers);
      expect(answer.status).toBe(200);
      strong += Number(answer.headers.get('x-smart-router-tier') === 'strong');
    }
  };
  await Promise.all(Array.from({ length: 16 }, work));
  return strong / count;
}

async function decide({ url }: Pick<Router, 'url'> = router, routing: object = {}) {
  const { body } = await post(`${url}/llm/route`, { prompts: ['Say hello to Anna'], routing });
  return body.data[0];
}

/** Asks until the quantiles of an instance are as they should be. */
async function until(instance: Router, isThere: (from: string) => boolean): Promise<void> {
  const isThereNow = async () => isThere((await decide(instance)).threshold_from);
  await expect.poll(isThereNow, { timeout: 60_000 }).toBe(true);
}

describe('a strong share', () => {
  test('starts by the quantiles that come with the scorer', async () => {
    expect(await decide()).toMatchObject({ threshold_from: 'shipped' });
    expect(await decide(router, { threshold: 0.4 })).toMatchObject({
      threshold: 0.4,
      threshold_from: 'request',
    });
  });

  test('is kept on traffic of another kind, on all instances', { timeout: 120_000 }, async () => {
    const { body } = await post(`${router.url}/llm/route`, {
      prompts: Array.from({ length: 300 }, chat),
    });
    const isStrong = ({ tier }: { readonly tier: string }) => tier === 'strong';
    // The quantiles of the benchmark are far off here.
    expect(body.data.filter(isStrong).length / 300).toBeLessThan(0.15);
    await send(900);
    const share = await send(600);
    expect(Math.abs(share - SHARE)).toBeLessThan(0.05);
    expect((await decide()).threshold_from).toMatch(/^own \d+%$/);
    const other = await startRouter({ settings, simulator: router.simulator });
    await until(other, (from) => Number.parseInt(from.slice(4), 10) > 90);
    expect(Math.abs((await send(400, other)) - SHARE)).toBeLessThan(0.07);
    await other.close();
  });

  test('is not changed by dry runs or by requests with their own threshold', async () => {
    const alone = await startRouter({ settings: { ROUTER_STRONG_SHARE: String(SHARE) } });
    const prompts = Array.from({ length: 200 }, chat);
    await post(`${alone.url}/llm/route`, { prompts });
    await send(200, alone, { 'x-smart-router-threshold': '0.5' });
    expect(await decide(alone)).toMatchObject({ threshold_from: 'shipped' });
    await send(200, alone);
    await until(alone, (from) => from.startsWith('own '));
    await alone.close();
  });

  test.each([
    [{ ROUTER_CALIBRATION: 'shipped' }, 'shipped'],
    [{ ROUTER_CALIBRATION: 'validation' }, 'shipped'],
    [{ ROUTER_STRONG_SHARE: '', ROUTER_THRESHOLD: '0.5' }, 'setting'],
  ])('stays as it is set by %o', async (more, from) => {
    const fixed = await startRouter({ settings: { ...settings, ...more } });
    await send(100, fixed);
    expect(await decide(fixed)).toMatchObject({ threshold_from: from });
    await fixed.close();
  });
});

test('the probability that the strong model is better is given where it was measured', async () => {
  const MODELS_FOLDER = await mkdtemp(join(tmpdir(), 'smart-router-outcomes-'));
  await cp('models/local', join(MODELS_FOLDER, 'local'), { recursive: true });
  const registry = JSON.parse(await readFile('models/registry.json', 'utf8'));
  const outcomes = { winRates: [0, 1], shares: [0.1, 0.9] };
  Object.assign(registry.scorers[0].calibrations[0], { outcomes });
  await writeFile(join(MODELS_FOLDER, 'registry.json'), JSON.stringify(registry));
  const measured = await startRouter({ settings: { MODELS_FOLDER } });
  const { win_rate: winRate, strong_better: better } = await decide(measured);
  expect(better).toBeCloseTo(0.1 + 0.8 * winRate, 9);
  await measured.close();
  await rm(MODELS_FOLDER, { recursive: true });
});
