import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

let router: Router;
beforeAll(async () => {
  router = await startRouter();
});
afterAll(() => router.close());

const WORDS =
  'explain why the old pump stops in winter and list what a careful engineer would measure first prove that every finite group of prime order is cyclic then translate this note for my aunt'.split(
    ' ',
  );

/** Returns a prompt of this many characters, different for each number. */
function promptOf(number: number, characters: number): string {
  const words = [`Number ${number}`];
  for (let index = 0; words.length * 2 < characters; index += 1) {
    words.push(WORDS[(index * (number + 1) + number) % WORDS.length] ?? '');
  }
  return words.join(' ').slice(0, characters);
}

const promptsOf = (count: number, characters: number) =>
  Array.from({ length: count }, (_, number) => promptOf(number, characters));

describe('a batch of 1,000 prompts of 500 characters', () => {
  const prompts = promptsOf(1_000, 500);

  test('is answered, each prompt with its whole decision', async () => {
    const { status, body } = await post(`${router.url}/llm/route`, { prompts });
    expect(status).toBe(200);
    expect(body).toMatchObject({ object: 'list', scorer: expect.stringMatching(/^local@/) });
    expect(body.calibration).toMatch(/^.+@\d+$/);
    expect(body.data).toHaveLength(1_000);
    for (const [index, one] of body.data.entries()) {
      expect(one).toMatchObject({ object: 'routing.decision', index, deployment: one.tier });
      expect(one.win_rate).toBeGreaterThan(0);
      expect(one.win_rate).toBeLessThan(1);
      expect(one.percentile).toBeGreaterThanOrEqual(0);
      expect(one.percentile).toBeLessThanOrEqual(1);
      expect(one.selected_model).toEqual(expect.any(String));
      expect(one.reason).toBe('win-rate');
      expect(one.tier).toBe(one.win_rate >= one.threshold ? 'strong' : 'weak');
    }
    expect(
      new Set(body.data.map((one: { win_rate: number }) => one.win_rate)).size,
    ).toBeGreaterThan(500);
  });

  test('gets the decisions that its prompts get as requests', async () => {
    const { body } = await post(`${router.url}/llm/route`, { prompts });
    for (const index of [0, 63, 64, 500, 999]) {
      const { headers } = await post(router.url + ROUTED, { prompt: prompts[index] });
      const one = body.data[index];
      expect(headers.get('x-smart-router-tier')).toBe(one.tier);
      expect(headers.get('x-smart-router-reason')).toBe(one.reason);
      expect(Number(headers.get('x-smart-router-win-rate'))).toBeCloseTo(one.win_rate, 6);
      expect(Number(headers.get('x-smart-router-threshold'))).toBe(one.threshold);
    }
  });
});

test('leaves room for other requests while it is computed', async () => {
  let isOver = false;
  const batch = post(`${router.url}/llm/route`, { prompts: promptsOf(1_000, 6_000) }).finally(
    () => {
      isOver = true;
    },
  );
  let answered = 0;
  while (!isOver) {
    const health = await fetch(`${router.url}/health`);
    expect(await health.json()).toEqual({ status: 'online' });
    const { status } = await post(router.url + ROUTED, { prompt: 'Hi' });
    expect(status).toBe(200);
    if (!isOver) answered += 1;
  }
  expect((await batch).body.data).toHaveLength(1_000);
  expect(answered).toBeGreaterThan(0);
});
