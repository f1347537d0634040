import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  componentOf,
  createValidator,
  listOperations,
  type OpenApiDocument,
  readDocument,
} from '../support/openapi.ts';
import { type Router, startRouter } from '../support/router.ts';

let router: Router;
let locked: Router;
let document: OpenApiDocument;
beforeAll(async () => {
  document = await readDocument();
  const sha256 = createHash('sha256').update('the key').digest('hex');
  router = await startRouter({ settings: { MAX_BODY_BYTES: '4000', REQUEST_TIMEOUT_MS: '2000' } });
  locked = await startRouter({
    settings: {
      ROUTER_API_KEYS: `one=${sha256}`,
      STRONG_ENDPOINT: 'http://127.0.0.1:9',
      STRONG_API_KEY: 'any',
      WEAK_ENDPOINT: 'http://127.0.0.1:9',
      WEAK_API_KEY: 'any',
    },
  });
});
afterAll(() => Promise.all([router.close(), locked.close()]));

describe('GET /openapi.json', () => {
  test('answers anybody with the committed document', async () => {
    const answer = await fetch(`${locked.url}/openapi.json`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(await answer.json()).toEqual(document);
  });
});

describe('the operations', () => {
  test('are the functions that the app registers, by the same names', () => {
    const described = listOperations(document).map(({ operationId, method, path }) => ({
      name: operationId,
      route: path.slice(1),
      methods: method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()],
    }));
    const registered = router.functions
      // This function answers every path that is not an operation.
      .filter(({ name }) => name !== 'zz-other-paths')
      .map(({ name, route, methods }) => ({ name, route, methods }));
    expect(registered.toSorted(byName)).toEqual(described.toSorted(byName));
    expect(router.functions).toHaveLength(described.length + 1);
  });

  test('ask for a key where the router does, and nowhere else', async () => {
    for (const { operationId, security, responses, method, path } of listOperations(document)) {
      const { status } = await fetch(locked.url + path.replace('{deployment}', 'smart-router'), {
        method: method.toUpperCase(),
        ...(method === 'post' && { body: '{}' }),
      });
      const isOpen = security?.length === 0;
      expect([operationId, status === 401]).toEqual([operationId, !isOpen]);
      expect([operationId, '401' in responses]).toEqual([operationId, !isOpen]);
    }
  });
});

const classic = '/llm/openai/deployments/{deployment}';
const image = { type: 'image_url', image_url: { url: 'https://example.com/a.png' } };

type Case = {
  readonly name: string;
  readonly path: string;
  readonly status: number;
  readonly method?: 'get' | 'post';
  readonly deployment?: string;
  readonly body?: object;
  readonly headers?: Record<string, string>;
  readonly isLocked?: boolean;
};

const CASES: readonly Case[] = [
  { name: 'health', path: '/health', method: 'get', status: 200 },
  { name: 'readiness', path: '/ready', method: 'get', status: 200 },
  {
    name: 'readiness without deployments',
    path: '/ready',
    method: 'get',
    isLocked: true,
    status: 503,
  },
  { name: 'this document', path: '/openapi.json', method: 'get', status: 200 },
  { name: 'the models', path: '/llm/openai/v1/models', method: 'get', status: 200 },
  {
    name: 'a routed chat completion',
    path: `${classic}/chat/completions`,
    body: {
      messages: [{ role: 'user', content: 'Hi' }],
      max_tokens: 20,
      routing: { explain: true },
    },
    headers: { 'X-USE_CASE': 'support' },
    status: 200,
  },
  {
    name: 'a chat completion of a named deployment',
    path: `${classic}/chat/completions`,
    deployment: 'strong',
    body: { prompt: 'Hi' },
    status: 200,
  },
  {
    name: 'a chat completion of an image alone',
    path: '/llm/openai/v1/chat/completions',
    body: { messages: [{ role: 'user', content: [image] }] },
    status: 200,
  },
  {
    name: 'a tool call',
    path: '/llm/chat/completions',
    body: {
      prompt: '[sim:tool] What is the weather?',
      tools: [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }],
    },
    status: 200,
  },
  {
    name: 'a streamed chat completion',
    path: '/llm/openai/chat/completions',
    body: { prompt: 'Hi', stream: true, stream_options: { include_usage: true } },
    status: 200,
  },
  {
    name: 'a stream that breaks',
    path: '/llm/openai/chat/completions',
    body: { prompt: '[sim:cut] Hi', stream: true },
    status: 200,
  },
  {
    name: 'embeddings',
    path: `${classic}/embeddings`,
    body: { input: ['a', 'b'] },
    status: 200,
  },
  {
    name: 'embeddings in base64',
    path: '/llm/openai/v1/embeddings',
    body: { input: [1, 2, 3], model: 'embedding', encoding_format: 'base64' },
    status: 200,
  },
  {
    name: 'the decisions on a batch',
    path: '/llm/route',
    body: { prompts: ['Hi', 'Why?'], routing: { strong_share: 0.3 } },
    status: 200,
  },
  {
    name: 'the decision on a chat request',
    path: '/llm/route',
    body: { prompt: 'Hi', model: 'weak' },
    status: 200,
  },
  {
    name: 'a wrong request',
    path: `${classic}/chat/completions`,
    body: { messages: [{}] },
    status: 400,
  },
  { name: 'a wrong batch', path: '/llm/route', body: { prompts: [] }, status: 400 },
  {
    name: 'wrong embeddings',
    path: '/llm/embeddings',
    body: { input: 3 },
    status: 400,
  },
  {
    name: 'a call without a key',
    path: `${classic}/chat/completions`,
    body: { prompt: 'Hi' },
    isLocked: true,
    status: 401,
  },
  {
    name: 'an unknown deployment',
    path: `${classic}/chat/completions`,
    deployment: 'nope',
    body: { prompt: 'Hi' },
    status: 404,
  },
  {
    name: 'an unknown embedding deployment',
    path: '/llm/openai/v1/embeddings',
    body: { input: 'a', model: 'nope' },
    status: 404,
  },
  {
    name: 'too large a body',
    path: '/llm/openai/v1/chat/completions',
    body: { prompt: 'x'.repeat(5_000) },
    status: 413,
  },
  {
    name: 'a rate limit',
    path: '/llm/openai/v1/chat/completions',
    body: { prompt: '[sim:429::1] Hi' },
    status: 429,
  },
  {
    name: 'a failing deployment',
    path: '/llm/openai/v1/chat/completions',
    body: { prompt: '[sim:500] Hi' },
    status: 500,
  },
  {
    name: 'an unreachable deployment',
    path: '/llm/openai/v1/chat/completions',
    body: { prompt: 'Hi', model: 'weak' },
    headers: { 'api-key': 'the key' },
    isLocked: true,
    status: 502,
  },
  {
    name: 'a slow deployment',
    path: '/llm/openai/v1/chat/completions',
    body: { prompt: '[sim:slow:5000] Hi' },
    status: 504,
  },
];

describe('an answer is as the document says:', () => {
  test.each(CASES)('$name', async ({ path, status, method = 'post', ...call }) => {
    const { url } = call.isLocked ? locked : router;
    const answer = await fetch(
      url + path.replace('{deployment}', call.deployment ?? 'smart-router'),
      {
        method: method.toUpperCase(),
        headers: { ...(call.body && { 'content-type': 'application/json' }), ...call.headers },
        ...(call.body && { body: JSON.stringify(call.body) }),
      },
    );
    const text = await answer.text();
    expect([answer.status, text]).toEqual([status, text]);
    const response = document.paths[path]?.[method]?.responses[status];
    if (response === undefined) throw new Error(`${method} ${path} has no ${status}.`);
    const mediaType = answer.headers.get('content-type')?.split(';')[0] ?? '';
    const component = componentOf(response, mediaType);
    const validator = createValidator(document);
    const bodies = mediaType === 'text/event-stream' ? eventsOf(text) : [JSON.parse(text)];
    expect(bodies.length).toBeGreaterThan(0);
    for (const body of bodies) {
      const name = mediaType === 'text/event-stream' && 'error' in body ? 'Error' : component;
      expect(validator.problemsOf(name, body)).toBe('');
    }
    // After a decision an error has its headers too; they are described once, with success.
    const success = document.paths[path]?.[method]?.responses[200];
    for (const [name, value] of answer.headers) {
      const schema = (response.headers[name] ?? success?.headers[name])?.schema;
      if (name.startsWith('x-smart-router-')) expect(schema, name).toBeDefined();
      if (schema) expect([name, validator.problemsOfText(schema, value)]).toEqual([name, '']);
    }
  });

  test('has every header that the document gives a routed answer', async () => {
    const path = `${classic}/chat/completions`;
    const { headers } = document.paths[path]?.['post']?.responses[200] ?? {};
    const answer = await fetch(router.url + path.replace('{deployment}', 'smart-router'), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      // The model knows this field by another name.
      body: JSON.stringify({ prompt: 'Hi', max_tokens: 20 }),
    });
    const missing = Object.keys(headers ?? {}).filter((name) => !answer.headers.has(name));
    // Said by a deployment that has reached its limit, and of a thread.
    const ofThread = ['thread', 'session', 'replayed'].map((name) => `x-smart-router-${name}`);
    const others = ['retry-after', ...ofThread];
    expect(missing.filter((name) => !others.includes(name))).toEqual([]);
  });
});

describe('a request body is described as the router checks it:', () => {
  test.each<[string, object, 200 | 400]>([
    ['/llm/openai/v1/chat/completions', { prompt: 'Hi', unknown: { any: 1 } }, 200],
    ['/llm/openai/v1/chat/completions', { prompt: 'Hi', temperature: null, routing: null }, 200],
    ['/llm/openai/v1/chat/completions', { prompt: 'Hi', stream: 'yes' }, 400],
    ['/llm/openai/v1/chat/completions', { prompt: 'Hi', n: 1.5 }, 400],
    ['/llm/openai/v1/chat/completions', { prompt: 'Hi', routing: { threshold: 2 } }, 400],
    ['/llm/openai/v1/chat/completions', { prompt: 'Hi', routing: { threshhold: 0.2 } }, 400],
    ['/llm/openai/v1/chat/completions', { prompt: 'Hi', routing: { mode: 'cheap' } }, 400],
    ['/llm/openai/v1/embeddings', { input: [[1, 2]] }, 200],
    ['/llm/openai/v1/embeddings', { input: [] }, 400],
    ['/llm/openai/v1/embeddings', {}, 400],
    ['/llm/route', { prompts: ['Hi'] }, 200],
    ['/llm/route', { messages: 'Hi' }, 400],
  ])('%s %j', async (path, body, status) => {
    const operation = document.paths[path]?.['post'];
    if (operation?.requestBody === undefined) throw new Error(`${path} has no body.`);
    const component = componentOf(operation.requestBody, 'application/json');
    const problems = createValidator(document).problemsOf(component, body);
    const sent = { ...body, ...(path.endsWith('embeddings') && { model: 'embedding' }) };
    const answer = await fetch(router.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(sent),
    });
    expect(answer.status).toBe(status);
    expect(problems === '').toBe(status === 200);
  });
});

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}

// biome-ignore lint/suspicious/noExplicitAny: what the events hold is for the validator to say.
function eventsOf(text: string): any[] {
  const data = [...text.matchAll(/^data: (.*)$/gm)].map(([, event = '']) => event);
  return data.filter((event) => event !== '[DONE]').map((event) => JSON.parse(event));
}
