import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import OpenAI, { APIError, AzureOpenAI } from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../../tools/upstream-simulator/simulator.ts';

const API_VERSION = '2024-10-21';

let simulator: Simulator;

beforeAll(async () => {
  simulator = await startSimulator();
});
beforeEach(() => simulator.reset());
afterAll(() => simulator.close());

function azureClient(deployment = 'strong', maxRetries = 0): AzureOpenAI {
  return new AzureOpenAI({
    endpoint: simulator.url,
    apiKey: 'any',
    apiVersion: API_VERSION,
    deployment,
    maxRetries,
  });
}

function openAIClient(path = '/openai/v1'): OpenAI {
  return new OpenAI({ baseURL: `${simulator.url}${path}`, apiKey: 'any', maxRetries: 0 });
}

function user(content: string) {
  return [{ role: 'user' as const, content }];
}

function classicUrl(deployment = 'strong', operation = 'chat/completions'): string {
  return `${simulator.url}/openai/deployments/${deployment}/${operation}?api-version=${API_VERSION}`;
}

function post(body: unknown, url = classicUrl(), signal?: AbortSignal): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
}

function ask(content: string, more: object = {}): Promise<Response> {
  return post({ messages: user(content), ...more });
}

/** Sends a request over a bare socket, so that a test decides when to read and when to leave. */
function sendRaw(body: string, contentLength = body.length): Socket {
  const { hostname, port, pathname, search } = new URL(classicUrl());
  const socket = connect(Number(port), hostname);
  const head = [
    `POST ${pathname}${search} HTTP/1.1`,
    'host: x',
    `content-length: ${contentLength}`,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  return socket;
}

async function errorOf(response: Response) {
  const { error } = (await response.json()) as { error: { code: unknown } };
  return { status: response.status, ...error };
}

async function framesOf(response: Response): Promise<Record<string, unknown>[]> {
  const events = (await response.text()).split('\n\n').filter((event) => event !== '');
  expect(events.at(-1)).toBe('data: [DONE]');
  return events.slice(0, -1).map((event) => JSON.parse(event.slice('data: '.length)));
}

async function caught(promise: PromiseLike<unknown>): Promise<APIError> {
  const error = await Promise.resolve(promise).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(APIError);
  return error as APIError;
}

/** Reads until the end of the body, or until the connection breaks. */
async function readAll(response: Response): Promise<{ text: string; isBroken: boolean }> {
  let text = '';
  const decoder = new TextDecoder();
  try {
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true });
    return { text, isBroken: false };
  } catch {
    return { text, isBroken: true };
  }
}

const WEATHER_TOOL = {
  type: 'function' as const,
  function: {
    name: 'get_weather',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, days: { type: 'integer' }, unit: { enum: ['C'] } },
      required: ['city'],
    },
  },
};

describe('paths', () => {
  test('answers an AzureOpenAI client on the classic path and records the request', async () => {
    const completion = await azureClient().chat.completions.create({
      model: 'ignored',
      messages: user('Hello there'),
    });
    expect(completion.model).toBe('gpt-5.6-sol-2026-07-09');
    expect(completion.choices[0]?.message.content).toContain('strong');
    expect(completion.choices[0]?.message.content).toContain('Hello there');
    expect(simulator.requests).toHaveLength(1);
    expect(simulator.requests[0]).toMatchObject({
      method: 'POST',
      path: '/openai/deployments/strong/chat/completions',
      query: { 'api-version': API_VERSION },
      headers: { 'api-key': 'any' },
      body: { model: 'ignored', messages: user('Hello there') },
      deployment: 'strong',
      aborted: false,
    });
  });

  test.each(['/openai/v1', '/v1'])('answers an OpenAI client under %s by model', async (path) => {
    const client = openAIClient(path);
    const completion = await client.chat.completions.create({
      model: 'weak',
      messages: user('Hi'),
    });
    expect(completion.model).toBe('gpt-5.6-luna-2026-07-09');
    const embedding = await client.embeddings.create({ model: 'embedding', input: 'Hi' });
    expect(embedding.data).toHaveLength(1);
    expect(simulator.requests.map(({ deployment }) => deployment)).toEqual(['weak', 'embedding']);
  });

  test('lists models', async () => {
    const azure = await openAIClient('/openai/v1').models.list();
    expect(azure.data.map(({ id }) => id)).toContain('gpt-5.6-luna-2026-07-09');
    const plain = await openAIClient('/v1').models.list();
    expect(plain.data.map(({ id }) => id)).toEqual(['strong', 'weak', 'embedding']);
    const classic = await fetch(`${simulator.url}/openai/models?api-version=${API_VERSION}`);
    expect(classic.status).toBe(200);
  });

  test('answers 404 without api-version, for an unknown path, and for an unknown deployment', async () => {
    const classic = await post({ messages: user('Hi') }, classicUrl().split('?')[0]);
    expect(await errorOf(classic)).toMatchObject({ status: 404, message: 'Resource not found' });
    const responses = await post({}, `${simulator.url}/openai/v1/responses`);
    expect(await errorOf(responses)).toMatchObject({ status: 404, code: '404' });
    const unknown = await post({ messages: user('Hi') }, classicUrl('nope'));
    expect(await errorOf(unknown)).toMatchObject({ status: 404, code: 'DeploymentNotFound' });
  });

  test('refuses chat on an embedding deployment and a v1 call without model', async () => {
    const kind = await post({ messages: user('Hi') }, classicUrl('embedding'));
    expect(await errorOf(kind)).toMatchObject({ status: 400, code: 'OperationNotSupported' });
    const v1 = await post({ messages: user('Hi') }, `${simulator.url}/openai/v1/chat/completions`);
    expect(await errorOf(v1)).toMatchObject({ status: 400, param: 'model' });
  });

  test('checks the key when it has one', async () => {
    const locked = await startSimulator({ apiKey: 'secret' });
    const url = `${locked.url}/v1/models`;
    const statusWith = async (headers: Record<string, string>) =>
      (await fetch(url, { headers })).status;
    expect(await statusWith({})).toBe(401);
    expect(await statusWith({ 'api-key': 'wrong' })).toBe(401);
    expect(await statusWith({ 'api-key': 'secret' })).toBe(200);
    expect(await statusWith({ authorization: 'Bearer secret' })).toBe(200);
    await locked.close();
  });
});

describe('plain chat completions', () => {
  test('has the whole body and the headers of the real service', async () => {
    const response = await post({ messages: user('Hi') });
    expect(response.headers.get('x-ms-deployment-name')).toBe('strong');
    for (const name of ['apim-request-id', 'x-request-id', 'x-ms-region', 'azureml-model-session'])
      expect(response.headers.get(name)).toBeTruthy();
    expect(Number(response.headers.get('x-ratelimit-remaining-tokens'))).toBeGreaterThan(0);
    expect(await response.json()).toMatchObject({
      id: expect.stringMatching(/^chatcmpl-/),
      object: 'chat.completion',
      created: expect.any(Number),
      system_fingerprint: expect.stringMatching(/^fp_/),
      choices: [
        {
          index: 0,
          message: { role: 'assistant', refusal: null },
          finish_reason: 'stop',
          logprobs: null,
          content_filter_results: { hate: { filtered: false, severity: 'safe' } },
        },
      ],
      usage: {
        prompt_tokens: 8,
        total_tokens: expect.any(Number),
        completion_tokens_details: { reasoning_tokens: 0 },
      },
      prompt_filter_results: [{ prompt_index: 0 }],
    });
  });

  test('honours n, max_completion_tokens, stop and logprobs', async () => {
    const { choices, usage } = await azureClient().chat.completions.create({
      model: 'strong',
      messages: user('Hi'),
      n: 2,
      max_completion_tokens: 3,
      logprobs: true,
      top_logprobs: 2,
    });
    expect(choices.map(({ finish_reason }) => finish_reason)).toEqual(['length', 'length']);
    expect(usage?.completion_tokens).toBe(6);
    expect(choices[0]?.logprobs?.content).toHaveLength(3);
    expect(choices[0]?.logprobs?.content?.[0]?.top_logprobs).toHaveLength(2);
    const stopped = await azureClient().chat.completions.create({
      model: 'strong',
      messages: user('Hi'),
      stop: [' answer'],
    });
    expect(stopped.choices[0]?.message.content).toBe('This is the simulated');
  });

  test('answers valid JSON for json_object and json_schema', async () => {
    const free = await azureClient().chat.completions.create({
      model: 'strong',
      messages: user('JSON please'),
      response_format: { type: 'json_object' },
    });
    expect(JSON.parse(free.choices[0]?.message.content ?? '')).toMatchObject({
      deployment: 'strong',
    });
    const schema = {
      type: 'object',
      properties: {
        steps: { type: 'array', minItems: 1, items: { $ref: '#/$defs/step' } },
        total: { anyOf: [{ type: 'number' }, { type: 'null' }] },
        note: { type: 'string' },
      },
      required: ['steps', 'total'],
      $defs: { step: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] } },
    };
    const shaped = await azureClient().chat.completions.create({
      model: 'strong',
      messages: user('JSON please'),
      response_format: { type: 'json_schema', json_schema: { name: 'sum', schema } },
    });
    expect(JSON.parse(shaped.choices[0]?.message.content ?? '')).toEqual({
      steps: [{ a: 'example' }],
      total: 1,
    });
  });

  test.each([
    ['{"messages":', 'could not parse'],
    [{}, "Missing required parameter: 'messages'"],
    [{ messages: [] }, "Invalid 'messages'"],
    [{ messages: [{ content: 'Hi' }] }, "Missing required parameter: 'messages[0].role'"],
    [[], 'must be a JSON object'],
    [{ messages: user('Hi'), prompt: 'x' }, 'Unrecognized request argument supplied: prompt'],
    [
      { messages: user('Hi'), routing: {}, thread_id: 't' },
      'Unrecognized request arguments supplied: routing, thread_id',
    ],
    [{ messages: user('Hi'), stream_options: {} }, "'stream_options'"],
    [{ messages: user('Hi'), tool_choice: 'required' }, "'tool_choice'"],
    [{ messages: user('[sim:nonsense]') }, 'does not know the marker [sim:nonsense]'],
  ])('refuses %j', async (body, message) => {
    expect(await errorOf(await post(body))).toMatchObject({
      status: 400,
      type: 'invalid_request_error',
      message: expect.stringContaining(message),
    });
  });

  test('takes and records fields that it does not know', async () => {
    expect((await ask('Hi', { brand_new: 1 })).status).toBe(200);
    expect(simulator.requests[0]?.body).toMatchObject({ brand_new: 1 });
  });
});

describe('streamed chat completions', () => {
  test('sends the frames in the order of the real service', async () => {
    const response = await ask('Hi', { stream: true, stream_options: { include_usage: true } });
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const frames = await framesOf(response);
    expect(frames[0]).toMatchObject({ choices: [], id: '', prompt_filter_results: [{}] });
    expect(frames[1]).toMatchObject({
      object: 'chat.completion.chunk',
      choices: [{ delta: { role: 'assistant', content: '' }, finish_reason: null }],
      usage: null,
    });
    expect(frames[2]).toMatchObject({
      choices: [
        { delta: { content: 'This' }, content_filter_results: { hate: { severity: 'safe' } } },
      ],
      obfuscation: expect.any(String),
    });
    expect(frames.at(-2)).toMatchObject({
      choices: [{ delta: {}, finish_reason: 'stop' }],
      usage: null,
    });
    expect(frames.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 8 } });
  });

  test('leaves usage out unless asked for it', async () => {
    const frames = await framesOf(await ask('Hi', { stream: true }));
    expect(frames.filter((frame) => 'usage' in frame)).toEqual([]);
    expect(frames.at(-1)).toMatchObject({ choices: [{ finish_reason: 'stop' }] });
  });

  test('gives the same text as the plain answer, for each of n choices', async () => {
    const body = { model: 'weak', messages: user('Hello, schöne 世界!'), n: 2 };
    const plain = await azureClient('weak').chat.completions.create(body);
    const stream = await azureClient('weak').chat.completions.create({ ...body, stream: true });
    const texts = ['', ''];
    for await (const chunk of stream) {
      for (const { index, delta } of chunk.choices) texts[index] += delta.content ?? '';
    }
    expect(texts).toEqual(plain.choices.map(({ message }) => message.content));
    expect(texts[0]).toContain('世界');
  });

  test('spaces the chunks as a marker asks', async () => {
    const start = performance.now();
    const frames = await framesOf(await ask('[sim:chunks:5:20]', { stream: true }));
    // Timers may fire a little early.
    expect(performance.now() - start).toBeGreaterThan(75);
    expect(frames).toHaveLength(1 + 1 + 5 + 1);
  });
});

describe('tools', () => {
  test('calls the first tool when the marker asks for it, and answers once its result is there', async () => {
    const tools = [WEATHER_TOOL];
    const messages = user('Weather? [sim:tool]');
    const completion = await azureClient().chat.completions.create({
      model: 'strong',
      messages,
      tools,
    });
    const [choice] = completion.choices;
    expect(choice).toMatchObject({
      finish_reason: 'tool_calls',
      message: { content: null, tool_calls: [{ type: 'function' }] },
    });
    const [call] = choice?.message.tool_calls ?? [];
    expect(call?.type === 'function' && JSON.parse(call.function.arguments)).toEqual({
      city: 'example',
      days: 1,
      unit: 'C',
    });
    const result = { role: 'tool' as const, tool_call_id: call?.id ?? '', content: 'Sunny' };
    const assistant = { role: 'assistant' as const, tool_calls: choice?.message.tool_calls ?? [] };
    const final = await azureClient().chat.completions.create({
      model: 'strong',
      messages: [...messages, assistant, result],
      tools,
    });
    expect(final.choices[0]).toMatchObject({ finish_reason: 'stop' });
  });

  test('answers with text when nothing asks for a tool', async () => {
    const response = await ask('Hi', { tools: [WEATHER_TOOL], tool_choice: 'auto' });
    expect(await response.json()).toMatchObject({ choices: [{ finish_reason: 'stop' }] });
  });

  test('streams the arguments of a named function over several chunks', async () => {
    const stream = azureClient().chat.completions.stream({
      model: 'strong',
      messages: user('Weather?'),
      tools: [WEATHER_TOOL],
      tool_choice: { type: 'function', function: { name: 'get_weather' } },
    });
    let deltas = 0;
    stream.on('tool_calls.function.arguments.delta', () => {
      deltas += 1;
    });
    const completion = await stream.finalChatCompletion();
    expect(deltas).toBeGreaterThan(2);
    expect(completion.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        tool_calls: [
          {
            function: { name: 'get_weather', arguments: '{"city":"example","days":1,"unit":"C"}' },
          },
        ],
      },
    });
  });
});

describe('embeddings', () => {
  const input = ['the cat sat on the mat', 'a cat on a mat', 'quarterly revenue forecast'];

  function dot(left: readonly number[] = [], right: readonly number[] = []): number {
    return left.reduce((sum, element, index) => sum + element * (right[index] ?? 0), 0);
  }

  test('gives the same unit vectors as float and as base64, near for similar texts', async () => {
    // The client itself asks for base64 and decodes it.
    const decoded = await azureClient('embedding').embeddings.create({
      model: 'embedding',
      input,
    });
    expect(simulator.requests[0]?.body).toMatchObject({ encoding_format: 'base64' });
    const floats = await azureClient('embedding').embeddings.create({
      model: 'embedding',
      input,
      encoding_format: 'float',
    });
    expect(decoded.data).toEqual(floats.data);
    expect(decoded.usage).toEqual({ prompt_tokens: 18, total_tokens: 18 });
    const [mat, similar, other] = decoded.data.map(({ embedding }) => embedding);
    expect(mat).toHaveLength(1536);
    expect(dot(mat, mat)).toBeCloseTo(1, 5);
    expect(dot(mat, similar)).toBeGreaterThan(0.5);
    expect(Math.abs(dot(mat, other))).toBeLessThan(0.2);
  });

  test('takes token arrays and shortens to the dimensions asked for', async () => {
    const { data, usage } = await openAIClient().embeddings.create({
      model: 'embedding',
      input: [[1, 2, 3], [4]],
      dimensions: 256,
    });
    expect(data.map(({ embedding }) => embedding.length)).toEqual([256, 256]);
    expect(dot(data[0]?.embedding, data[0]?.embedding)).toBeCloseTo(1, 5);
    expect(usage.prompt_tokens).toBe(4);
  });

  test.each([
    [{ input: 'word '.repeat(8192) }, 'context_length_exceeded'],
    [{ input: 'Hi', dimensions: 4096 }, 'integer_above_max_value'],
    [{ input: '' }, 'invalid_value'],
    [{}, 'missing_required_parameter'],
  ])('refuses a wrong request (%#)', async (body, code) => {
    const response = await post(body, classicUrl('embedding', 'embeddings'));
    expect(await errorOf(response)).toMatchObject({ status: 400, code });
  });

  test('fails when a marker in the input asks for it', async () => {
    const body = { input: ['fine', '[sim:503@embeddings]'] };
    const response = await post(body, classicUrl('embedding', 'embeddings'));
    expect(response.status).toBe(503);
    expect((await ask('[sim:503@embeddings]')).status).toBe(200);
  });
});

describe('provoked errors', () => {
  test.each([
    ['401', 401, '401'],
    ['403', 403, 'AuthenticationTypeDisabled'],
    ['404', 404, 'DeploymentNotFound'],
    ['408', 408, 'Timeout'],
    ['410', 410, '410'],
    ['429', 429, '429'],
    ['500', 500, 'InternalServerError'],
    ['503', 503, 'ServiceUnavailable'],
    ['content_filter', 400, 'content_filter'],
    ['context_length', 400, 'context_length_exceeded'],
    ['unsupported_parameter', 400, 'unsupported_parameter'],
  ])('[sim:%s] answers %i with code %s', async (name, status, code) => {
    const error = await caught(
      azureClient().chat.completions.create({
        model: 'strong',
        messages: user(`Hi [sim:${name}]`),
        stream: true,
      }),
    );
    expect(error).toMatchObject({ status, code });
    expect(error.requestID).toBeTruthy();
  });

  test('names the filtered category in innererror', async () => {
    expect(await errorOf(await ask('[sim:content_filter]'))).toMatchObject({
      param: 'prompt',
      innererror: {
        code: 'ResponsibleAIPolicyViolation',
        content_filter_result: { violence: { filtered: true, severity: 'high' } },
      },
    });
  });

  test('tells when to retry, and works after the given number of failures', async () => {
    const failed = await ask('[sim:429::2500]');
    expect(failed.headers.get('retry-after')).toBe('3');
    expect(failed.headers.get('retry-after-ms')).toBe('2500');
    const completion = await azureClient('strong', 2).chat.completions.create({
      model: 'strong',
      messages: user('Again [sim:429:2]'),
    });
    expect(completion.choices[0]?.finish_reason).toBe('stop');
    expect(simulator.requests).toHaveLength(4);
    expect((await ask('Other [sim:429:1][sim:500:1]')).status).toBe(429);
    expect((await ask('Other [sim:429:1][sim:500:1]')).status).toBe(500);
    expect((await ask('Other [sim:429:1][sim:500:1]')).status).toBe(200);
    simulator.reset();
    expect((await ask('Other [sim:429:1][sim:500:1]')).status).toBe(429);
  });

  test('hits only the deployment that the marker names, and only by the newest user message', async () => {
    const body = { messages: user('[sim:500@strong]') };
    expect((await post(body)).status).toBe(500);
    expect((await post(body, classicUrl('weak'))).status).toBe(200);
    const later = { messages: [...body.messages, ...user('Thanks')] };
    expect((await post(later)).status).toBe(200);
  });

  test('refuses what reasoning models refuse, and prompts beyond the context', async () => {
    const strict = await startSimulator({
      deployments: [
        {
          name: 'strong',
          model: 'gpt-5.6-sol',
          kind: 'chat',
          isReasoningModel: true,
          contextTokens: 20,
        },
      ],
    });
    const url = `${strict.url}/v1/chat/completions`;
    const codeOf = async (content: string, more: object) => {
      const response = await post({ model: 'strong', messages: user(content), ...more }, url);
      return (await errorOf(response)).code;
    };
    expect(await codeOf('Hi', { max_tokens: 5 })).toBe('unsupported_parameter');
    expect(await codeOf('Hi', { temperature: 0.2 })).toBe('unsupported_value');
    expect(await codeOf('word '.repeat(30), {})).toBe('context_length_exceeded');
    expect(await codeOf('Hi', { stop: ['.'] })).toBe('unsupported_parameter');
    expect(await codeOf('Hi', { reasoning_effort: 'minimal' })).toBe('unsupported_value');
    const tools = { model: 'strong', messages: user('Hi'), tools: [WEATHER_TOOL] };
    expect(await errorOf(await post(tools, url))).toEqual({
      status: 400,
      message:
        "Function tools with reasoning_effort are not supported for gpt-5.6-sol in /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to 'none'.",
      type: 'invalid_request_error',
      param: 'reasoning_effort',
      code: null,
    });
    expect((await post({ ...tools, reasoning_effort: 'none' }, url)).status).toBe(200);
    await strict.close();
  });

  test('refuses in the words of older versions what a deployment does not know, and long completions', async () => {
    const old = await startSimulator({
      deployments: [
        {
          name: 'strong',
          model: 'gpt-4o',
          kind: 'chat',
          outputTokens: 100,
          unknown: ['reasoning_effort', 'seed', 'developer'],
        },
      ],
    });
    const url = `${old.url}/v1/chat/completions`;
    const errorFor = async (body: object) =>
      errorOf(await post({ model: 'strong', messages: user('Hi'), ...body }, url));
    expect(await errorFor({ seed: 1, reasoning_effort: 'low' })).toMatchObject({
      message: 'Unrecognized request arguments supplied: reasoning_effort, seed',
      param: null,
      code: null,
    });
    expect(
      await errorFor({ messages: [...user('Hi'), { role: 'developer', content: 'Be brief.' }] }),
    ).toMatchObject({ param: 'messages[1].role', code: 'invalid_value' });
    expect(await errorFor({ max_tokens: 101 })).toMatchObject({
      message: expect.stringContaining('supports at most 100 completion tokens'),
      param: 'max_tokens',
    });
    expect(
      (await post({ model: 'strong', messages: user('Hi'), max_tokens: 100 }, url)).status,
    ).toBe(200);
    await old.close();
  });
});

describe('broken, slow and odd answers', () => {
  test('[sim:cut] destroys the connection in the middle of a stream and of a body', async () => {
    const streamed = await readAll(await ask('[sim:cut:1]', { stream: true }));
    expect(streamed.isBroken).toBe(true);
    expect(streamed.text).toContain('"content":"This"');
    expect(streamed.text).not.toContain('DONE');
    const plain = await readAll(await ask('[sim:cut]'));
    expect(plain.isBroken).toBe(true);
    expect(plain.text).toMatch(/^\{"id"/);
    expect(simulator.requests.map(({ aborted }) => aborted)).toEqual([false, false]);
  });

  test('[sim:cut:0] destroys the connection before any byte', async () => {
    await expect(ask('[sim:cut:0]')).rejects.toThrow('fetch failed');
    await expect(ask('[sim:cut:0:1] once', { stream: true })).rejects.toThrow('fetch failed');
    expect((await ask('[sim:cut:0:1] once', { stream: true })).status).toBe(200);
  });

  test.each([
    ['[sim:stall:0]', false],
    ['[sim:stall]', false],
    ['[sim:stall]', true],
    ['[sim:chunks:1000:20]', true],
  ])('notices a client that leaves during %s (stream: %s)', async (content, stream) => {
    const leaving = new AbortController();
    const reading = post({ messages: user(content), stream }, classicUrl(), leaving.signal).then(
      readAll,
    );
    const outcome = reading.catch(() => ({ text: '', isBroken: true }));
    await expect.poll(() => simulator.requests[0]?.aborted).toBe(false);
    leaving.abort();
    expect((await outcome).isBroken).toBe(true);
    await expect.poll(() => simulator.requests[0]?.aborted).toBe(true);
  });

  test('[sim:error_event] puts an error inside the 200 stream', async () => {
    const stream = await azureClient().chat.completions.create({
      model: 'strong',
      messages: user('[sim:error_event:1]'),
      stream: true,
    });
    let text = '';
    const error = await caught(
      (async () => {
        for await (const { choices } of stream) text += choices[0]?.delta.content ?? '';
      })(),
    );
    expect(text).toBe('This');
    expect(error.code).toBe('server_error');
    const first = await (await ask('[sim:error_event:0]', { stream: true })).text();
    expect(first).toMatch(/^data: \{"error"/);
    expect((await ask('[sim:error_event]')).status).toBe(500);
  });

  test('[sim:slow] waits before the first byte', async () => {
    const start = performance.now();
    expect((await ask('[sim:slow:80]')).status).toBe(200);
    expect(performance.now() - start).toBeGreaterThan(75);
  });

  test('[sim:reasoning] uses up the token limit', async () => {
    const response = await ask('[sim:reasoning:50]', { max_completion_tokens: 50 });
    expect(await response.json()).toMatchObject({
      choices: [{ message: { content: '' }, finish_reason: 'length' }],
      usage: { completion_tokens: 50, completion_tokens_details: { reasoning_tokens: 50 } },
    });
  });

  test('[sim:output_filter] breaks the answer off', async () => {
    const frames = await framesOf(await ask('[sim:output_filter]', { stream: true }));
    expect(frames.at(-1)).toMatchObject({
      choices: [
        {
          finish_reason: 'content_filter',
          content_filter_results: { violence: { filtered: true } },
        },
      ],
    });
  });

  test('[sim:big] answers that many bytes', async () => {
    const completion = await azureClient().chat.completions.create({
      model: 'strong',
      messages: user('[sim:big:3000001]'),
    });
    expect(completion.choices[0]?.message.content).toHaveLength(3_000_001);
  });

  test('[sim:big] waits for a slow reader', async () => {
    // This is more than the sockets' own buffers hold.
    const content = '[sim:big:15000000]';
    const start = performance.now();
    await (await ask(content, { stream: true })).arrayBuffer();
    const fastReaderMs = performance.now() - start;
    const socket = sendRaw(JSON.stringify({ messages: user(content), stream: true }));
    socket.pause();
    await setTimeout(2 * fastReaderMs + 100);
    // Without back-pressure the answer would be complete by now, and leaving would lose nothing.
    socket.destroy();
    await expect.poll(() => simulator.requests[1]?.aborted).toBe(true);
  });
});

describe('the server', () => {
  test('keeps only as many requests as told', async () => {
    const small = await startSimulator({ record: 2 });
    for (const name of ['a', 'b', 'c']) await fetch(`${small.url}/${name}`);
    expect(small.requests.map(({ path }) => path)).toEqual(['/b', '/c']);
    await small.close();
  });

  test('survives garbage and a client that leaves while it sends its body', async () => {
    const { hostname, port } = new URL(simulator.url);
    for (const socket of [connect(Number(port), hostname), sendRaw('{"mess', 100)]) {
      socket.on('error', () => {});
      socket.write('garbage');
      await setTimeout(20);
      socket.destroy();
      await once(socket, 'close');
    }
    await expect.poll(() => simulator.requests[0]?.aborted).toBe(true);
    expect((await ask('Still there?')).status).toBe(200);
  });

  test('reports a port that is taken', async () => {
    const port = Number(new URL(simulator.url).port);
    await expect(startSimulator({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  test('closes at once while requests are stalled, slow or idle', async () => {
    const busy = await startSimulator({ delayMs: 60_000 });
    const url = `${busy.url}/v1/chat/completions`;
    await fetch(`${busy.url}/v1/models`).then((response) => response.text());
    const waiting = [
      post({ model: 'strong', messages: user('Hi') }, url),
      post({ model: 'strong', messages: user('[sim:slow:1][sim:stall:0]') }, url),
      post({ model: 'strong', messages: user('[sim:slow:1][sim:stall]'), stream: true }, url).then(
        (response) => response.text(),
      ),
    ].map((request) => request.catch(() => 'broken'));
    await expect.poll(() => busy.requests.length).toBe(4);
    await busy.close();
    await busy.close();
    expect(await Promise.all(waiting)).toEqual(['broken', 'broken', 'broken']);
    expect(busy.requests.map(({ aborted }) => aborted)).toEqual([false, false, false, false]);
  });
});
