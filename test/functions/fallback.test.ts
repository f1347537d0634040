import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

// Thresholds that fix the decision: every win rate reaches 0, and none reaches 1.
const TO_WEAK = { threshold: 1 };
const TO_STRONG = { threshold: 0 };

const settings = { FIRST_BYTE_TIMEOUT_MS: '400', CIRCUIT_FAILURES: '1000' };

let router: Router;
let count = 0;

beforeAll(async () => {
  router = await startRouter({ settings });
});

afterAll(() => router.close());

/** Returns a unique prompt, so that the simulator's counts by text start at zero. */
function prompt(markers: string): string {
  count += 1;
  return `Question ${count} ${markers}`;
}

function ask(markers: string, more: object = {}) {
  return post(router.url + ROUTED, { prompt: prompt(markers), routing: TO_WEAK, ...more });
}

async function stream(markers: string, more: object = {}) {
  const response = await fetch(router.url + ROUTED, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: prompt(markers), routing: TO_WEAK, stream: true, ...more }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

describe('a failure that another deployment can answer', () => {
  test.each([
    ['408', '408'],
    ['429::5', '429'],
    ['500', '500'],
    ['503', '503'],
    ['404', '404'],
    ['410', '410'],
    ['cut:0', 'upstream_unreachable'],
    ['cut:1', 'upstream_incomplete'],
    ['stall:0', 'upstream_timeout'],
  ])('a plain answer, after [sim:%s] of the chosen one', async (fault, outcome) => {
    const { status, headers, body } = await ask(`[sim:${fault}@weak]`);
    expect(status).toBe(200);
    expect(body.selected_model).toBe('gpt-5.6-sol');
    expect(headers.get('x-smart-router-selected-model')).toBe('gpt-5.6-sol');
    expect(headers.get('x-smart-router-tier')).toBe('strong');
    expect(headers.get('x-smart-router-reason')).toBe('fallback');
    expect(headers.get('x-smart-router-threshold')).toBe('1');
    expect(headers.get('x-smart-router-attempts')).toBe('2');
    expect(headers.get('x-smart-router-attempt-chain')).toBe(`weak;${outcome}, strong;200`);
  });

  test.each(['429::5', '500', 'cut:0', 'stall:0', 'error_event:0'])(
    'a stream, after [sim:%s] before its first content',
    async (fault) => {
      const { status, headers, text } = await stream(`[sim:${fault}@weak]`);
      expect(status).toBe(200);
      expect(headers.get('x-smart-router-selected-model')).toBe('gpt-5.6-sol');
      expect(headers.get('x-smart-router-attempts')).toBe('2');
      expect(text).not.toContain('"error"');
      expect(text.match(/data: \[DONE\]/g)).toHaveLength(1);
    },
  );

  test('either way: from the strong to the weak one as well', async () => {
    const { status, headers } = await ask('[sim:500@strong]', { routing: TO_STRONG });
    expect(status).toBe(200);
    expect(headers.get('x-smart-router-tier')).toBe('weak');
    expect(headers.get('x-smart-router-attempt-chain')).toBe('strong;500, weak;200');
  });
});

describe('a final answer', () => {
  test.each([
    ['content_filter', 400, 'content_filter'],
    ['401', 401, '401'],
    ['403', 403, 'AuthenticationTypeDisabled'],
  ])('[sim:%s] is passed on, and no other deployment is called', async (fault, expected, code) => {
    const before = router.simulator.requests.length;
    const { status, headers, body } = await ask(`[sim:${fault}@weak]`);
    expect(status).toBe(expected);
    expect(body.error.code).toBe(code);
    expect(headers.get('x-smart-router-attempt-chain')).toBe(`weak;${expected}`);
    expect(router.simulator.requests.length).toBe(before + 1);
  });

  test('a stream that breaks after its first content ends with one error event', async () => {
    const { status, headers, text } = await stream('[sim:cut:2@weak]');
    expect(status).toBe(200);
    expect(headers.get('x-smart-router-attempt-chain')).toBe('weak;200');
    expect(text.match(/"error"/g)).toHaveLength(1);
    expect(text).toContain('upstream_incomplete');
    expect(text).not.toContain('[DONE]');
  });

  test('a deployment called by its name is not replaced by another', async () => {
    const { status, headers } = await post(
      `${router.url}/llm/openai/deployments/weak/chat/completions`,
      { prompt: prompt('[sim:500@weak]') },
    );
    expect(status).toBe(500);
    expect(headers.get('x-smart-router-attempt-chain')).toBe('weak;500');
  });

  test('the models that the request allows are the only ones asked', async () => {
    const { status, headers } = await ask('[sim:500@weak]', { routing: { models: ['weak'] } });
    expect(status).toBe(500);
    expect(headers.get('x-smart-router-attempts')).toBe('1');
    expect(headers.get('x-smart-router-reason')).toBe('models');
  });
});

describe('when all of them fail', () => {
  test('the last answer is passed on, with when to try again', async () => {
    const { status, headers, body } = await ask('[sim:500@weak][sim:429::700@strong]');
    expect(status).toBe(429);
    expect(body.error.code).toBe('429');
    expect(Number(headers.get('retry-after-ms'))).toBeGreaterThan(0);
    expect(headers.get('x-smart-router-attempt-chain')).toBe('weak;500, strong;429');
    expect(headers.get('x-smart-router-reason')).toBe('fallback');
    await new Promise((resolve) => setTimeout(resolve, 800));
  });

  test('a stream that none could begin is an error instead of a stream', async () => {
    const { status, headers, text } = await stream('[sim:cut:0]');
    expect(status).toBe(502);
    expect(JSON.parse(text).error.code).toBe('upstream_unreachable');
    expect(headers.get('x-smart-router-attempts')).toBe('2');
  });

  test('one request makes no more calls than MAX_ATTEMPTS', async () => {
    const one = await startRouter({
      settings: { ...settings, MAX_ATTEMPTS: '1' },
      simulator: router.simulator,
    });
    try {
      const { status, headers } = await post(one.url + ROUTED, {
        prompt: prompt('[sim:500@weak]'),
        routing: TO_WEAK,
      });
      expect(status).toBe(500);
      expect(headers.get('x-smart-router-attempts')).toBe('1');
    } finally {
      await one.close();
    }
  });

  test('the deadline of the request is that of all its attempts', async () => {
    const short = await startRouter({
      settings: { ...settings, REQUEST_TIMEOUT_MS: '3000', EMBEDDING_TIMEOUT_MS: '500' },
      simulator: router.simulator,
    });
    try {
      const startedAt = performance.now();
      const { status, body } = await post(short.url + ROUTED, {
        prompt: prompt('[sim:stall:0]'),
        routing: TO_WEAK,
      });
      expect(status).toBe(504);
      expect(body.error.code).toBe('upstream_timeout');
      // This is less than a deadline for each attempt would allow.
      expect(performance.now() - startedAt).toBeLessThan(2 * 3_000);
    } finally {
      await short.close();
    }
  });
});

describe('the attempts, on request', () => {
  test('stand in the body, in the shape of Foundry’s model router too', async () => {
    const { body } = await ask('[sim:404@weak]', { routing: { mode: 'cost', explain: true } });
    expect(body.routing).toMatchObject({ object: 'routing.decision' });
    const { model_router_details: details } = body.model_selection_details;
    expect(details.mode).toBe('cost');
    expect(details.routing_trace).toHaveLength(1);
    const [{ latency_ms, attempts }] = details.routing_trace;
    expect(latency_ms).toBeGreaterThanOrEqual(0);
    expect(attempts.at(-1)).toEqual({
      model: expect.stringMatching(/^gpt/),
      result: { status: 200 },
    });
  });

  test('say what each error was', async () => {
    const { body } = await ask('[sim:404@weak]', { routing: { ...TO_WEAK, explain: true } });
    const [{ attempts }] = body.model_selection_details.model_router_details.routing_trace;
    expect(attempts[0]).toEqual({
      model: 'gpt-5.6-luna',
      result: {
        status: 404,
        error: { code: 'DeploymentNotFound', message: expect.stringMatching(/\w/) },
      },
    });
  });

  test('are asked for by Foundry’s header as well, and left out otherwise', async () => {
    const foundry = await post(
      router.url + ROUTED,
      { prompt: prompt(''), routing_config: { mode: 'cost', models: ['gpt-5.6-luna'] } },
      { 'foundry-features': 'ModelRouterControls=V1Preview' },
    );
    expect(foundry.headers.get('x-smart-router-selected-model')).toBe('gpt-5.6-luna');
    expect(foundry.body.model_selection_details.model_router_details).toMatchObject({
      mode: 'cost',
      routing_trace: [{ attempts: [{ model: 'gpt-5.6-luna', result: { status: 200 } }] }],
    });
    expect(foundry.body.routing).toBeUndefined();
    expect((await ask('')).body.model_selection_details).toBeUndefined();
  });
});

describe('routing_config', () => {
  test('is routing under another name: mode and models', async () => {
    const { headers } = await post(router.url + ROUTED, {
      prompt: prompt(''),
      routing_config: { models: ['gpt-5.6-sol'], session_affinity: { strategy: 'none' } },
    });
    expect(headers.get('x-smart-router-selected-model')).toBe('gpt-5.6-sol');
    expect(headers.get('x-smart-router-reason')).toBe('models');
    expect(router.simulator.requests.at(-1)?.body).not.toHaveProperty('routing_config');
  });

  test('knows no threshold: what stands there under that name is not looked at', async () => {
    for (const threshold of [0, 'high', 12345678901234567000]) {
      const { status, headers } = await post(router.url + ROUTED, {
        prompt: prompt(''),
        routing_config: { mode: 'cost', threshold },
      });
      expect(status).toBe(200);
      expect(Number(headers.get('x-smart-router-threshold'))).toBeGreaterThan(0);
    }
  });

  test('is refused together with routing, and with an unknown mode', async () => {
    const both = await post(router.url + ROUTED, {
      prompt: prompt(''),
      routing: TO_WEAK,
      routing_config: { mode: 'cost' },
    });
    expect(both.status).toBe(400);
    expect(both.body.error.param).toBe('routing_config');
    const unknown = await post(router.url + ROUTED, {
      prompt: prompt(''),
      routing_config: { mode: 'cheapest' },
    });
    expect(unknown.status).toBe(400);
    expect(unknown.body.error.param).toBe('routing_config.mode');
  });
});
