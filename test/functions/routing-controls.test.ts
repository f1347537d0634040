import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

let router: Router;
beforeAll(async () => {
  router = await startRouter();
});
afterAll(() => router.close());

const prompt = 'Explain how a heat pump works.';

async function threshold(
  body: object,
  headers: Record<string, string> = {},
  path = ROUTED,
): Promise<number> {
  const answer = await post(router.url + path, { prompt, ...body }, headers);
  expect(answer.status).toBe(200);
  return Number(answer.headers.get('x-smart-router-threshold'));
}

describe('the threshold of a request', () => {
  test('is that of the body, then of the headers, then of the model, then the default', async () => {
    const header = { 'x-smart-router-threshold': '0.2' };
    const path = '/llm/openai/deployments/router-mf-0.3/chat/completions';
    expect(await threshold({ routing: { threshold: 0.1 } }, header, path)).toBe(0.1);
    expect(await threshold({}, header, path)).toBe(0.2);
    expect(await threshold({}, {}, path)).toBe(0.3);
    const byModel = { model: 'router-mf-0.11593' };
    expect(await threshold(byModel, {}, '/llm/openai/v1/chat/completions')).toBe(0.11593);
    const byDefault = await threshold({});
    expect(byDefault).toBe(await threshold({ routing: { strong_share: 0.5 } }));
  });

  test('falls as the strong share grows', async () => {
    const shares = [0, 0.2, 0.5, 0.8, 1];
    const thresholds = [];
    for (const strong_share of shares) {
      thresholds.push(await threshold({ routing: { strong_share } }));
    }
    expect(thresholds).toEqual(thresholds.toSorted((a, b) => b - a));
    expect(new Set(thresholds).size).toBe(shares.length);
    expect(await threshold({}, { 'x-smart-router-strong-share': '0.2' })).toBe(thresholds[1]);
  });

  test('is that of the mode', async () => {
    for (const [mode, strong_share] of Object.entries({ cost: 0.2, balanced: 0.5, quality: 0.8 })) {
      const expected = await threshold({ routing: { strong_share } });
      expect(await threshold({ routing: { mode } })).toBe(expected);
    }
  });
});

test('sends everything strong at a share of 1 and nothing at a share of 0', async () => {
  for (const [strong_share, tier] of [
    [1, 'strong'],
    [0, 'weak'],
  ]) {
    const { headers } = await post(router.url + ROUTED, { prompt, routing: { strong_share } });
    expect(headers.get('x-smart-router-tier')).toBe(tier);
  }
});

test('decides by win rate against threshold', async () => {
  const { headers } = await post(router.url + ROUTED, { prompt });
  const winRate = Number(headers.get('x-smart-router-win-rate'));
  for (const [routing, tier] of [
    [{ threshold: winRate }, 'strong'],
    [{ threshold: Math.min(1, winRate + 1e-9) }, 'weak'],
  ]) {
    const answer = await post(router.url + ROUTED, { prompt, routing });
    expect(answer.headers.get('x-smart-router-tier')).toBe(tier);
  }
});

test('chooses among the models that the request allows', async () => {
  for (const name of ['strong', 'weak']) {
    const { headers } = await post(router.url + ROUTED, { prompt, routing: { models: [name] } });
    expect(headers.get('x-smart-router-tier')).toBe(name);
    expect(headers.get('x-smart-router-reason')).toBe('models');
  }
  const routing = { models: ['weak', 'strong'], threshold: 0.5 };
  const both = await post(router.url + ROUTED, { prompt, routing });
  expect(both.headers.get('x-smart-router-reason')).toBe('win-rate');
});

describe('a dry run', () => {
  test('decides for a batch of prompts without a call', async () => {
    router.simulator.reset();
    const prompts = Array.from({ length: 100 }, (_, index) => `Prompt number ${index}`);
    const { status, body } = await post(`${router.url}/llm/route`, {
      prompts,
      routing: { threshold: 0.4 },
    });
    expect(status).toBe(200);
    expect(body.scorer).toMatch(/^local@/);
    expect(body.calibration).toMatch(/^.+@\d+$/);
    expect(body.data.map((one: { index: number }) => one.index)).toEqual(prompts.map((_, i) => i));
    for (const one of body.data) {
      expect(one).toMatchObject({ object: 'routing.decision', threshold: 0.4, reason: 'win-rate' });
      expect(one.tier).toBe(one.win_rate >= 0.4 ? 'strong' : 'weak');
      expect(one.percentile).toBeGreaterThanOrEqual(0);
      expect(one.percentile).toBeLessThanOrEqual(1);
    }
    expect(router.simulator.requests).toHaveLength(0);
  });

  test('decides for a chat request as the request itself would be', async () => {
    const dry = await post(`${router.url}/llm/route`, { prompt });
    const real = await post(router.url + ROUTED, { prompt });
    const [{ win_rate, percentile }] = dry.body.data;
    expect(String(win_rate)).toBe(real.headers.get('x-smart-router-win-rate'));
    expect(percentile.toFixed(4)).toBe(real.headers.get('x-smart-router-percentile'));
    const direct = await post(`${router.url}/llm/route`, { prompt, model: 'strong' });
    expect(direct.body.data[0]).toMatchObject({ tier: 'direct', deployment: 'strong' });
  });

  test.each([
    [{ prompts: [] }, 'prompts'],
    [{ prompts: Array(1_001).fill('x') }, 'prompts'],
    [{ prompts: ['x', 7] }, 'prompts.1'],
    [{ prompts: [''] }, 'prompts.0'],
    [{ prompts: [' \n'] }, 'prompts.0'],
    [{ prompts: ['x'], model: 'router-mf-0.1' }, 'body'],
    [{}, 'messages'],
  ])('refuses a wrong batch: case %#', async (body, param) => {
    const answer = await post(`${router.url}/llm/route`, body);
    expect(answer.status).toBe(400);
    expect(answer.body.error.param).toBe(param);
  });
});
