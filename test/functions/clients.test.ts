import { createHash } from 'node:crypto';
import { createAzure } from '@ai-sdk/azure';
import { AzureChatOpenAI } from '@langchain/openai';
import { embed, generateText, stepCountIs, streamText, tool } from 'ai';
import OpenAI, { AzureOpenAI } from 'openai';
import { SmartRouterClient } from 'smart-router/client';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { type Router, startRouter } from '../support/router.ts';

// Real clients, configured as their own guides say, except for the address.
const apiKey = 'a-key-of-the-router';
const sha256 = createHash('sha256').update(apiKey).digest('hex');

let router: Router;
beforeAll(async () => {
  router = await startRouter({ settings: { ROUTER_API_KEYS: `tests=${sha256}` } });
});
afterAll(() => router.close());
beforeEach(() => router.simulator.reset());

const messages = [{ role: 'user' as const, content: 'Hi' }];
const weatherTool = {
  type: 'function' as const,
  function: {
    name: 'weather',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' } },
      required: ['city'],
    },
  },
};

const openAiClients: [string, (key: string) => OpenAI][] = [
  [
    'AzureOpenAI with an endpoint',
    (key) =>
      new AzureOpenAI({
        endpoint: `${router.url}/llm`,
        apiKey: key,
        apiVersion: '2024-10-21',
        deployment: 'smart-router',
      }),
  ],
  [
    'AzureOpenAI with a token provider',
    (key) =>
      new AzureOpenAI({
        endpoint: `${router.url}/llm`,
        azureADTokenProvider: async () => key,
        apiVersion: '2024-10-21',
      }),
  ],
  [
    'AzureOpenAI with a base URL',
    (key) =>
      new AzureOpenAI({ baseURL: `${router.url}/llm`, apiKey: key, apiVersion: '2024-10-21' }),
  ],
  ['OpenAI', (key) => new OpenAI({ baseURL: `${router.url}/llm/openai/v1/`, apiKey: key })],
];

describe.each(openAiClients)('%s', (_name, createClient) => {
  test('completes a chat', async () => {
    const completion = await createClient(apiKey).chat.completions.create({
      model: 'smart-router',
      messages,
    });
    expect(completion.choices[0]?.message.content).toContain('simulated answer');
    expect(completion._request_id).toEqual(expect.any(String));
  });

  test('streams a chat', async () => {
    const stream = await createClient(apiKey).chat.completions.create({
      model: 'smart-router',
      messages,
      stream: true,
    });
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    expect(text).toContain('simulated answer');
  });

  test('calls tools, plain and streamed', async () => {
    const request = {
      model: 'smart-router',
      messages: [{ role: 'user' as const, content: 'Weather? [sim:tool]' }],
      tools: [weatherTool],
    };
    const client = createClient(apiKey);
    const plain = await client.chat.completions.create(request);
    expect(plain.choices[0]?.message.tool_calls).toHaveLength(1);
    const streamed = await client.chat.completions.stream(request).finalChatCompletion();
    const [call] = streamed.choices[0]?.message.tool_calls ?? [];
    expect(call?.type === 'function' && JSON.parse(call.function.arguments)).toHaveProperty('city');
  });

  test('raises the error class of each status', async () => {
    const cases = [
      ['[sim:401]', OpenAI.AuthenticationError],
      ['[sim:403]', OpenAI.PermissionDeniedError],
      ['[sim:404]', OpenAI.NotFoundError],
      ['[sim:429::1]', OpenAI.RateLimitError],
      ['[sim:500]', OpenAI.InternalServerError],
      ['[sim:content_filter]', OpenAI.BadRequestError],
    ] as const;
    const client = createClient(apiKey).withOptions({ maxRetries: 0 });
    for (const [content, errorClass] of cases) {
      const request = client.chat.completions.create({
        model: 'smart-router',
        messages: [{ role: 'user', content }],
      });
      await expect(request).rejects.toBeInstanceOf(errorClass);
    }
  });

  test("raises the router's own errors with code, param and request id", async () => {
    const request = createClient(apiKey).chat.completions.create({
      model: 'smart-router',
      messages: [],
    });
    await expect(request).rejects.toMatchObject({
      status: 400,
      param: 'messages',
      code: 'invalid_value',
      type: 'invalid_request_error',
      requestID: expect.any(String),
    });
  });

  test('retries a 429 by itself', async () => {
    const completion = await createClient(apiKey).chat.completions.create({
      model: 'smart-router',
      messages: [{ role: 'user', content: '[sim:429:2] Hi' }],
    });
    expect(completion.choices[0]?.message.content).toContain('simulated answer');
    expect(router.simulator.requests).toHaveLength(3);
  });

  test('is refused with a key that the router does not know', async () => {
    const request = createClient('wrong').chat.completions.create({
      model: 'smart-router',
      messages,
    });
    await expect(request).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
    expect(router.simulator.requests).toHaveLength(0);
  });

  test('raises an error when a stream breaks', async () => {
    const stream = await createClient(apiKey).chat.completions.create({
      model: 'smart-router',
      messages: [{ role: 'user', content: '[sim:cut]' }],
      stream: true,
    });
    await expect(async () => {
      for await (const _chunk of stream);
    }).rejects.toThrow(/broke off/);
  });
});

describe('openai embeddings', () => {
  test('pass through AzureOpenAI and OpenAI', async () => {
    for (const [, createClient] of openAiClients) {
      const { data } = await createClient(apiKey).embeddings.create({
        model: 'embedding',
        input: 'Hi',
      });
      expect(data[0]?.embedding).toHaveLength(1_536);
    }
  });

  test('lists models', async () => {
    const client = new OpenAI({ baseURL: `${router.url}/llm/openai/v1/`, apiKey });
    const { data } = await client.models.list();
    expect(data.map(({ id }) => id)).toContain('smart-router');
  });
});

describe('AzureChatOpenAI of LangChain', () => {
  const create = (options: object = {}) =>
    new AzureChatOpenAI({
      azureOpenAIApiKey: apiKey,
      azureOpenAIEndpoint: `${router.url}/llm`,
      azureOpenAIApiDeploymentName: 'smart-router',
      azureOpenAIApiVersion: '2024-10-21',
      ...options,
    });

  test('invokes and streams', async () => {
    const answer = await create().invoke('Hi');
    expect(answer.text).toContain('simulated answer');
    expect(answer.usage_metadata).toMatchObject({ total_tokens: expect.any(Number) });
    let text = '';
    for await (const chunk of await create().stream('Hi')) text += chunk.text;
    expect(text).toContain('simulated answer');
  });

  test('binds tools', async () => {
    const answer = await create().bindTools([weatherTool]).invoke('Weather? [sim:tool]');
    expect(answer.tool_calls?.[0]?.name).toBe('weather');
  });

  test('names a use case in a header', async () => {
    const configuration = { defaultHeaders: { 'X-USE_CASE': 'langchain-tests' } };
    await create({ configuration }).invoke('Hi');
    await expect.poll(() => router.output()).toContain('"useCase":"langchain-tests"');
  });
});

describe('the AI SDK', () => {
  test.each([
    ['with /llm', '/llm', {}],
    ['with /llm/openai', '/llm/openai', {}],
    [
      'with deployment-based URLs',
      '/llm/openai',
      { useDeploymentBasedUrls: true, apiVersion: '2024-10-21' },
    ],
  ])('generates and streams text %s', async (_name, path, options) => {
    const model = createAzure({ baseURL: router.url + path, apiKey, ...options }).chat(
      'smart-router',
    );
    const { text, usage } = await generateText({ model, prompt: 'Hi' });
    expect(text).toContain('simulated answer');
    expect(usage.totalTokens).toBeGreaterThan(0);
    const stream = streamText({ model, prompt: 'Hi' });
    expect(await stream.text).toContain('simulated answer');
  });

  test('embeds', async () => {
    const model = createAzure({ baseURL: `${router.url}/llm`, apiKey }).embedding('embedding');
    const { embedding } = await embed({ model, value: 'Hi' });
    expect(embedding).toHaveLength(1_536);
  });

  test('runs tools in steps', async () => {
    const model = createAzure({ baseURL: `${router.url}/llm`, apiKey }).chat('smart-router');
    const weather = tool({
      inputSchema: z.object({ city: z.string() }),
      execute: async () => 'sunny',
    });
    const { steps } = await generateText({
      model,
      prompt: 'Weather? [sim:tool]',
      tools: { weather },
      stopWhen: stepCountIs(3),
    });
    expect(steps.flatMap(({ toolResults }) => toolResults)).toHaveLength(1);
    expect(steps.at(-1)?.text).toContain('simulated answer');
  });

  test('is told what to call when it asks for responses', async () => {
    const model = createAzure({ baseURL: `${router.url}/llm`, apiKey })('smart-router');
    await expect(generateText({ model, prompt: 'Hi', maxRetries: 0 })).rejects.toThrow(
      /\.chat\(\)/,
    );
  });
});

describe('SmartRouterClient', () => {
  const create = (options: object = {}) =>
    new SmartRouterClient({ baseUrl: router.url, apiKey, ...options });

  test('checks health', async () => {
    expect(await create().healthCheck()).toEqual({ status: 'online' });
  });

  test('completes a chat and says how it was routed', async () => {
    const answer = await create().chatCompletion({ prompt: 'Hi', routing: { threshold: 0 } });
    expect(answer.response).toContain('simulated answer of strong');
    expect(answer.selected_model).toBe('gpt-5.6-sol');
    expect(answer.routing).toMatchObject({
      tier: 'strong',
      threshold: 0,
      reason: 'win-rate',
      attempts: 1,
    });
    expect(answer.routing.winRate).toBeGreaterThan(0);
  });

  test('streams a chat', async () => {
    const stream = await create().chatCompletion({
      prompt: 'Hi',
      stream: true,
      routing: { threshold: 1 },
    });
    expect(stream.routing.tier).toBe('weak');
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    expect(text).toContain('simulated answer of weak');
  });

  test('sends its use case', async () => {
    await create({ useCase: 'client-tests' }).chatCompletion({ prompt: 'Hi' });
    await expect.poll(() => router.output()).toContain('"useCase":"client-tests"');
  });

  test('raises clear errors', async () => {
    await expect(
      create({ apiKey: 'wrong' }).chatCompletion({ prompt: 'Hi' }),
    ).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' });
    const stream = await create().chatCompletion({ prompt: '[sim:cut]', stream: true });
    await expect(async () => {
      for await (const _chunk of stream);
    }).rejects.toThrow(/broke off/);
  });
});

test('never logs a key, a prompt or an answer', () => {
  expect(router.output()).not.toContain(apiKey);
  expect(router.output()).not.toContain('Weather?');
  expect(router.output()).not.toContain('simulated answer');
});
