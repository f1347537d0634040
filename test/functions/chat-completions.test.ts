import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

let router: Router;
beforeAll(async () => {
  // These models accept all parameters: refusals of others have their own tests.
  const capabilities = 'token_limit=both,sampling=always';
  router = await startRouter({
    settings: { STRONG_CAPABILITIES: capabilities, WEAK_CAPABILITIES: capabilities },
  });
});
afterAll(() => router.close());
beforeEach(() => router.simulator.reset());

const strong = { routing: { threshold: 0 } };
const weak = { routing: { threshold: 1 } };
const user = (content: unknown) => [{ role: 'user', content }];

function lastUpstream() {
  const last = router.simulator.requests.at(-1);
  if (last === undefined) throw new Error('Nothing reached the simulator.');
  return last;
}

// biome-ignore lint/suspicious/noExplicitAny: the recorded body is whatever was sent.
const lastBody = (): any => lastUpstream().body;

describe('the paths', () => {
  test.each([
    [ROUTED, {}],
    [`${ROUTED}?api-version=2024-10-21`, { model: 'gpt-3.5-turbo' }],
    ['/llm/deployments/smart-router/chat/completions', {}],
    ['/llm/openai/v1/chat/completions', { model: 'smart-router' }],
    ['/llm/openai/chat/completions', { model: 'smart-router' }],
    ['/llm/chat/completions', { model: 'smart-router' }],
    ['/LLM/OpenAI/deployments/smart-router/chat/completions/', {}],
  ])('routes %s', async (path, extra) => {
    const { status, headers, body } = await post(router.url + path, { prompt: 'Hi', ...extra });
    expect(status).toBe(200);
    expect(headers.get('x-smart-router-tier')).toMatch(/^(strong|weak)$/);
    expect(body.object).toBe('chat.completion');
  });

  test('calls a named deployment without routing', async () => {
    const named = await post(`${router.url}/llm/openai/deployments/weak/chat/completions`, {
      prompt: 'Hi',
    });
    expect(named.headers.get('x-smart-router-tier')).toBe('direct');
    expect(named.headers.get('x-smart-router-reason')).toBe('deployment');
    expect(named.headers.has('x-smart-router-win-rate')).toBe(false);
    expect(named.body.selected_model).toBe('gpt-5.6-luna');
    const byModel = await post(`${router.url}/llm/openai/v1/chat/completions`, {
      prompt: 'Hi',
      model: 'strong',
    });
    expect(byModel.body.selected_model).toBe('gpt-5.6-sol');
    expect(lastUpstream().deployment).toBe('strong');
  });

  test('answers an operation that it does not have with a 404 that says what to ask for', async () => {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
      const response = await fetch(`${router.url}/llm/responses`, { method });
      expect(response.status).toBe(404);
      const { error } = (await response.json()) as { error: { message: string; code: string } };
      expect(error.code).toBe('not_found');
      expect(error.message).toContain('POST /llm/openai/v1/chat/completions');
      expect(error.message).toContain('.chat()');
    }
  });

  test('lists the models that can be called', async () => {
    const response = await fetch(`${router.url}/llm/openai/v1/models`);
    const { object, data } = (await response.json()) as { object: string; data: { id: string }[] };
    expect(object).toBe('list');
    expect(data.map(({ id }) => id)).toEqual(['smart-router', 'strong', 'weak', 'embedding']);
  });
});

describe('the request', () => {
  test('sends a prompt as one user message', async () => {
    await post(router.url + ROUTED, { prompt: 'What is 2 + 2?', messages: [] });
    expect(lastBody().messages).toEqual(user('What is 2 + 2?'));
  });

  test('appends a prompt to messages that are given too', async () => {
    const messages = [{ role: 'system', content: 'Be brief.' }, ...user('Hi')];
    await post(router.url + ROUTED, { messages, prompt: 'And now?' });
    expect(lastBody().messages).toEqual([...messages, ...user('And now?')]);
  });

  test('passes parameters and fields it does not know through, and keeps its own', async () => {
    const sent = {
      messages: [
        ...user([
          { type: 'text', text: 'Look' },
          { type: 'image_url', image_url: { url: 'data:,' } },
        ]),
      ],
      temperature: 0,
      top_p: 0.5,
      max_tokens: 64,
      seed: 7,
      user: 'somebody',
      response_format: { type: 'json_object' },
      some_new_field: { deep: [null, 0, false, ''] },
    };
    await post(router.url + ROUTED, { ...sent, ...weak });
    const { model, ...received } = lastBody();
    expect(model).toBe('weak');
    expect(received).toEqual(sent);
  });

  test('sends the deployment its own key and never the credential of the caller', async () => {
    await post(
      router.url + ROUTED,
      { prompt: 'Hi' },
      {
        'api-key': 'the-callers-key',
        authorization: 'Bearer the-callers-token',
        cookie: 'session=the-callers-cookie',
        'x-ms-client-request-id': 'trace-me',
      },
    );
    const { headers } = lastUpstream();
    expect(headers['api-key']).toBe('key-of-the-simulator');
    expect(JSON.stringify(headers)).not.toContain('the-callers');
    expect(headers['x-ms-client-request-id']).toBe('trace-me');
  });
});

describe('the plain answer', () => {
  test("is the deployment's, with response and selected_model", async () => {
    const { status, headers, body } = await post(router.url + ROUTED, { prompt: 'Hi', ...strong });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/json');
    expect(body.response).toBe(body.choices[0].message.content);
    expect(body.response).toContain('strong');
    expect(body.selected_model).toBe('gpt-5.6-sol');
    expect(body.usage.total_tokens).toBeGreaterThan(0);
    expect(body.prompt_filter_results).toHaveLength(1);
  });

  test('explains the decision in headers', async () => {
    const { headers, body } = await post(router.url + ROUTED, { prompt: 'Hi', ...weak });
    const of = (name: string) => headers.get(`x-smart-router-${name}`);
    expect(of('schema')).toBe('1');
    expect(of('request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(of('selected-model')).toBe(body.selected_model);
    expect(of('tier')).toBe('weak');
    expect(Number(of('win-rate'))).toBeGreaterThan(0);
    expect(Number(of('win-rate'))).toBeLessThan(1);
    expect(of('threshold')).toBe('1');
    expect(of('reason')).toBe('win-rate');
    expect(of('scorer')).toMatch(/^local@/);
    expect(of('embedding-cache')).toBe('none');
    expect(of('attempts')).toBe('1');
    expect(Number(of('overhead-ms'))).toBeGreaterThan(0);
  });

  test('keeps the headers that clients read: limits, ids', async () => {
    const { headers } = await post(router.url + ROUTED, { prompt: 'Hi' });
    expect(headers.get('x-ratelimit-remaining-requests')).not.toBeNull();
    expect(headers.get('apim-request-id')).not.toBeNull();
    expect(headers.get('x-request-id')).not.toBeNull();
    expect(headers.get('content-length')).not.toBeNull();
  });

  test('has no response where the model called a tool', async () => {
    const tools = [
      {
        type: 'function',
        function: {
          name: 'add',
          parameters: { type: 'object', properties: { a: { type: 'number' } } },
        },
      },
    ];
    const { body } = await post(router.url + ROUTED, { prompt: 'Add [sim:tool]', tools });
    expect(body.choices[0].finish_reason).toBe('tool_calls');
    expect(body.choices[0].message.tool_calls[0].function.name).toBe('add');
    expect(body.response).toBeNull();
  });

  test('passes n choices, log probabilities and JSON answers through', async () => {
    const { body } = await post(router.url + ROUTED, {
      prompt: 'Hi',
      n: 2,
      logprobs: true,
      top_logprobs: 1,
      response_format: { type: 'json_object' },
    });
    expect(body.choices).toHaveLength(2);
    expect(body.choices[1].logprobs.content.length).toBeGreaterThan(0);
    expect(() => JSON.parse(body.response)).not.toThrow();
  });

  test('sends images without text to the strong model, without a win rate', async () => {
    const image = [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }];
    const { status, headers } = await post(router.url + ROUTED, { messages: user(image) });
    expect(status).toBe(200);
    expect(headers.get('x-smart-router-tier')).toBe('strong');
    expect(headers.get('x-smart-router-reason')).toBe('no-text');
    expect(headers.has('x-smart-router-win-rate')).toBe(false);
  });

  test('explains itself in the body when asked', async () => {
    const { body } = await post(router.url + ROUTED, {
      prompt: 'Hi',
      routing: { threshold: 0, explain: true },
    });
    expect(body.routing).toMatchObject({ tier: 'strong', deployment: 'strong', threshold: 0 });
  });
});

describe('errors of the deployment', () => {
  // Only one deployment is allowed, so that no other answers instead.
  const onlyStrong = { routing: { models: ['strong'] } };

  test.each([
    ['[sim:401]', 401],
    ['[sim:404]', 404],
    ['[sim:429::1]', 429],
    ['[sim:500]', 500],
    ['[sim:content_filter]', 400],
    ['[sim:context_length]', 400],
  ])('come back as they are: %s', async (prompt, expected) => {
    const { status, headers, body } = await post(router.url + ROUTED, { prompt, ...onlyStrong });
    expect(status).toBe(expected);
    expect(typeof body.error.message).toBe('string');
    expect(headers.get('x-smart-router-tier')).toBe('strong');
    expect(headers.get('x-smart-router-request-id')).not.toBeNull();
  });

  test('keep their retry-after', async () => {
    const { headers } = await post(router.url + ROUTED, { prompt: '[sim:429::5]', ...onlyStrong });
    expect(headers.get('retry-after')).not.toBeNull();
    expect(headers.get('retry-after-ms')).not.toBeNull();
  });

  test('become a 502 when the connection breaks before or in a plain answer', async () => {
    for (const [prompt, code] of [
      ['[sim:cut:0]', 'upstream_unreachable'],
      ['[sim:cut]', 'upstream_incomplete'],
    ]) {
      const routing = { models: ['weak'] };
      const { status, headers, body } = await post(router.url + ROUTED, { prompt, routing });
      expect(status).toBe(502);
      expect(body.error.code).toBe(code);
      expect(body.error.type).toBe('upstream_error');
      expect(headers.get('x-smart-router-tier')).toBe('weak');
    }
  });
});

describe('embeddings', () => {
  test.each([
    ['/llm/openai/deployments/embedding/embeddings?api-version=2024-10-21', {}],
    ['/llm/openai/deployments/text-embedding-3-small/embeddings', {}],
    ['/llm/deployments/embedding/embeddings', {}],
    ['/llm/openai/v1/embeddings', { model: 'embedding' }],
    ['/llm/openai/embeddings', { model: 'embedding' }],
    ['/llm/embeddings', { model: 'embedding' }],
  ])('pass through %s', async (path, extra) => {
    const { status, body } = await post(router.url + path, {
      input: ['one', 'two'],
      dimensions: 256,
      ...extra,
    });
    expect(status).toBe(200);
    expect(body.data).toHaveLength(2);
    expect(body.data[1].embedding).toHaveLength(256);
  });

  test('of another deployment are not found', async () => {
    const { status, body } = await post(`${router.url}/llm/openai/deployments/strong/embeddings`, {
      input: 'one',
    });
    expect(status).toBe(404);
    expect(body.error).toMatchObject({ code: 'DeploymentNotFound', param: 'deployment' });
  });
});
