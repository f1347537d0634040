import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSimulator } from '../../tools/upstream-simulator/simulator.ts';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

// Thresholds that fix the decision: every win rate reaches 0, and none reaches 1.
const TO_WEAK = { threshold: 1 };
const TO_STRONG = { threshold: 0 };

let router: Router;

beforeAll(async () => {
  const simulator = await startSimulator({
    deployments: [
      { name: 'strong', model: 'gpt-5.6-sol', kind: 'chat', isReasoningModel: true },
      { name: 'weak', model: 'my-own', kind: 'chat' },
      { name: 'embedding', model: 'text-embedding-3-small', kind: 'embeddings' },
    ],
  });
  router = await startRouter({
    simulator,
    settings: {
      STRONG_MODEL: 'gpt-5.6-sol',
      WEAK_MODEL: 'my-own',
      WEAK_CAPABILITIES: 'context=4000,images=no,tools=no,json_schema=no,audio=no,n=no',
    },
  });
});

afterAll(async () => {
  await router.close();
  await router.simulator.close();
});

const tool = { type: 'function', function: { name: 'now', parameters: { type: 'object' } } };
const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } };
const schema = { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'object' } } };

function ask(more: object) {
  return post(router.url + ROUTED, {
    messages: [{ role: 'user', content: 'Hi' }],
    routing: TO_WEAK,
    ...more,
  });
}

/** Returns the body that the deployment received. */
function sent(): Record<string, unknown> {
  return router.simulator.requests.at(-1)?.body as Record<string, unknown>;
}

describe('a deployment that cannot serve a request', () => {
  test.each([
    ['tools', { tools: [tool] }],
    ['images', { messages: [{ role: 'user', content: [{ type: 'text', text: 'What?' }, image] }] }],
    ['a JSON schema', { response_format: schema }],
    ['several choices', { n: 2 }],
    ['a longer context', { messages: [{ role: 'user', content: 'word '.repeat(5_000) }] }],
  ])('is no candidate: %s', async (_, more) => {
    const { status, headers } = await ask(more);
    expect(status).toBe(200);
    expect(headers.get('x-smart-router-tier')).toBe('strong');
    expect(headers.get('x-smart-router-reason')).toBe('requirements');
    expect(headers.get('x-smart-router-win-rate')).toBeNull();
  });

  test('does not get a request instead of one that can', async () => {
    const { status, headers } = await ask({
      messages: [{ role: 'user', content: 'Call it. [sim:500@strong]' }],
      tools: [tool],
    });
    expect(status).toBe(500);
    expect(headers.get('x-smart-router-attempts')).toBe('1');
  });

  test('is named with the missing capability when there is no other', async () => {
    const { status, body } = await ask({
      messages: [
        {
          role: 'user',
          content: [{ type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } }],
        },
      ],
    });
    expect(status).toBe(400);
    expect(body.error.code).toBe('no_capable_deployment');
    expect(body.error.message).toMatch(/strong: audio; weak: audio/);
  });

  test('answers itself when it is called by its name', async () => {
    const { status, headers } = await post(
      `${router.url}/llm/openai/deployments/weak/chat/completions`,
      { messages: [{ role: 'user', content: 'Hi' }], n: 2 },
    );
    expect(status).toBe(200);
    expect(headers.get('x-smart-router-tier')).toBe('direct');
  });

  test('is left out of a decision without a call as well', async () => {
    const { body } = await post(`${router.url}/llm/route`, {
      messages: [{ role: 'user', content: 'Hi' }],
      routing: TO_WEAK,
      tools: [tool],
    });
    expect(body.data[0]).toMatchObject({ tier: 'strong', reason: 'requirements' });
    const batch = await post(`${router.url}/llm/route`, {
      prompts: ['short', 'word '.repeat(5_000)],
      routing: TO_WEAK,
    });
    expect(batch.body.data.map(({ reason }: { reason: string }) => reason)).toEqual([
      'win-rate',
      'requirements',
    ]);
  });
});

describe('a request is translated for the model that gets it', () => {
  test('and the changes are reported', async () => {
    const { status, headers } = await ask({
      routing: TO_STRONG,
      max_tokens: 50,
      temperature: 0.2,
      top_p: 1,
      tools: [tool],
    });
    expect(status).toBe(200);
    const warnings = headers.get('x-smart-router-warnings')?.split(', ');
    expect(warnings).toContain('max_tokens;renamed=max_completion_tokens');
    expect(warnings).toContain('reasoning_effort;set=none');
    expect(sent()).toMatchObject({ max_completion_tokens: 50, reasoning_effort: 'none' });
    expect(sent()).not.toHaveProperty('max_tokens');
  });

  test('with sampling dropped where the model reasons', async () => {
    const { status, headers } = await ask({ routing: TO_STRONG, temperature: 0.2 });
    expect(status).toBe(200);
    expect(headers.get('x-smart-router-warnings')).toBe('temperature;dropped');
    expect(sent()).not.toHaveProperty('temperature');
  });

  test('and is unchanged for one that accepts everything', async () => {
    const { headers } = await ask({ max_tokens: 50, temperature: 0.2 });
    expect(headers.get('x-smart-router-warnings')).toBeNull();
    expect(sent()).toMatchObject({ max_tokens: 50, temperature: 0.2 });
  });

  test('differently for the one that answers instead', async () => {
    const { status, headers } = await ask({
      messages: [{ role: 'user', content: 'Hi [sim:500@weak]' }],
      max_tokens: 50,
    });
    expect(status).toBe(200);
    expect(headers.get('x-smart-router-attempt-chain')).toBe('weak;500, strong;200');
    expect(headers.get('x-smart-router-warnings')).toBe('max_tokens;renamed=max_completion_tokens');
  });

  test('unless it asks for all of its parameters: then the model is no candidate', async () => {
    const { status, headers, body } = await ask({
      routing: { ...TO_STRONG, require_parameters: true },
      temperature: 0.2,
    });
    expect(status).toBe(200);
    expect(headers.get('x-smart-router-tier')).toBe('weak');
    expect(headers.get('x-smart-router-reason')).toBe('requirements');
    expect(body.selected_model).toBe('my-own');
  });
});

describe('a refusal of a parameter', () => {
  test('is corrected once, in a stream too, and remembered', async () => {
    const prompt = 'Hi [sim:unsupported_parameter:1@weak]';
    const first = await ask({ messages: [{ role: 'user', content: prompt }], max_tokens: 9 });
    expect(first.status).toBe(200);
    expect(first.headers.get('x-smart-router-attempts')).toBe('2');
    expect(first.headers.get('x-smart-router-attempt-chain')).toBe('weak;400, weak;200');
    expect(first.headers.get('x-smart-router-warnings')).toBe(
      'max_tokens;renamed=max_completion_tokens',
    );
    const second = await ask({ max_tokens: 9 });
    expect(second.headers.get('x-smart-router-attempts')).toBe('1');
    expect(sent()).toMatchObject({ max_completion_tokens: 9 });
  });

  test('that teaches nothing is passed on', async () => {
    const { status, headers, body } = await ask({
      messages: [{ role: 'user', content: 'Hi [sim:unsupported_parameter@weak]' }],
    });
    expect(status).toBe(400);
    expect(body.error.code).toBe('unsupported_parameter');
    expect(headers.get('x-smart-router-attempts')).toBe('1');
  });
});
