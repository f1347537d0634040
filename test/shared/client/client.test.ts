import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { SmartRouterClient, type SmartRouterClientOptions } from '../../../shared/client/index.ts';
import {
  COMPLETION,
  completion,
  json,
  type Script,
  startScriptedRouter,
} from './scripted-router.ts';

async function startClient(
  scripts: readonly Script[],
  options: Partial<SmartRouterClientOptions> = {},
) {
  const router = await startScriptedRouter(...scripts);
  return { ...router, client: new SmartRouterClient({ baseUrl: router.baseUrl, ...options }) };
}

async function catchError(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => expect.unreachable('The call should have failed.'),
    (error: unknown) => error,
  );
}

const REFUSED = {
  error: { message: 'Ask for less.', type: 'invalid_request_error', param: 'n', code: 'bad_n' },
};
const BUSY = { error: { message: 'Busy.', type: null, param: null, code: '429' } };
const never: Script = () => undefined;

describe('healthCheck', () => {
  test('resolves when the router says that it is online', async () => {
    const { client, requests } = await startClient([json(200, { status: 'online' })]);
    expect(await client.healthCheck()).toEqual({ status: 'online' });
    expect(requests).toMatchObject([{ method: 'GET', url: '/health' }]);
  });

  test('does not ask twice', async () => {
    const { client, requests } = await startClient([json(503, {})]);
    expect(await catchError(client.healthCheck())).toMatchObject({ kind: 'response', status: 503 });
    expect(requests).toHaveLength(1);
  });

  test('does not take another server for a router', async () => {
    const { client } = await startClient([json(200, { status: 'ok' })]);
    await expect(client.healthCheck()).rejects.toThrow('check that baseUrl is the address');
  });

  test('gives up after its own time limit', async () => {
    const { client } = await startClient([never]);
    const error = await catchError(client.healthCheck({ timeoutMs: 50 }));
    expect(error).toMatchObject({ kind: 'timeout', timeoutMs: 50 });
  });
});

describe('a request', () => {
  test('goes to the smart-router deployment unchanged', async () => {
    const { client, requests } = await startClient([completion], { apiKey: 'key-1' });
    const request = { prompt: 'Hi', routing: { strong_share: 0 }, temperature: 0, custom: [1] };
    await client.chatCompletion(request);
    expect(requests[0]).toMatchObject({
      method: 'POST',
      url: '/llm/openai/deployments/smart-router/chat/completions?api-version=2024-10-21',
      headers: { 'api-key': 'key-1', 'content-type': 'application/json' },
    });
    expect(requests[0]?.headers).not.toHaveProperty('authorization');
    expect(JSON.parse(requests[0]?.body ?? '')).toEqual(request);
  });

  test('keeps the path of a front door', async () => {
    const { baseUrl, requests } = await startClient([completion]);
    const client = new SmartRouterClient({ baseUrl: `${baseUrl}/front/door/` });
    await client.chatCompletion({ prompt: 'Hi' });
    expect(requests[0]?.url).toMatch(/^\/front\/door\/llm\/openai\/deployments\/smart-router\//);
  });

  test('goes to the deployment of the call, or that of its model', async () => {
    const { client, requests } = await startClient([completion]);
    await client.chatCompletion({ prompt: 'Hi', model: 'router-mf-0.3' });
    await client.chatCompletion({ prompt: 'Hi', model: 'other' }, { deployment: 'a b/c' });
    expect(requests.map(({ url }) => url?.split('/')[4])).toEqual(['router-mf-0.3', 'a%20b%2Fc']);
  });

  test("sends the client's use case unless the call has its own", async () => {
    const { client, requests } = await startClient([completion], { useCase: 'support' });
    await client.chatCompletion({ prompt: 'Hi' });
    await client.chatCompletion({ prompt: 'Hi' }, { useCase: 'search' });
    expect(requests.map(({ headers }) => headers['x-use_case'])).toEqual(['support', 'search']);
  });

  test('asks for a new token before each attempt', async () => {
    let count = 0;
    const bearerToken = async () => `token-${++count}`;
    const { client, requests } = await startClient(
      [json(500, {}, { 'retry-after-ms': '1' }), completion],
      { bearerToken },
    );
    await client.chatCompletion({ prompt: 'Hi' });
    expect(requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer token-1',
      'Bearer token-2',
    ]);
  });

  test('carries the headers of the client and of the call', async () => {
    const { client, requests } = await startClient([completion], { headers: { a: '1', b: '1' } });
    await client.chatCompletion({ prompt: 'Hi' }, { headers: { b: '2' } });
    expect(requests[0]?.headers).toMatchObject({ a: '1', b: '2' });
  });

  test('is not sent when the token function fails, whose error is thrown', async () => {
    const bearerToken = () => Promise.reject(new Error('signed out'));
    const { client, requests } = await startClient([completion], { bearerToken });
    await expect(client.chatCompletion({ prompt: 'Hi' })).rejects.toThrow('signed out');
    expect(requests).toEqual([]);
  });

  test('does not quote a key that cannot be sent', async () => {
    const { client } = await startClient([completion], { apiKey: 'secret\nkey' });
    const error = await catchError(client.chatCompletion({ prompt: 'Hi' }));
    expect(error).toMatchObject({ message: expect.stringContaining('header api-key') });
    expect(String(error)).not.toContain('secret');
  });
});

describe('an answer', () => {
  test('comes with its body and the routing facts', async () => {
    const { client } = await startClient([completion]);
    const answer = await client.chatCompletion({ messages: [{ role: 'user', content: 'Hi' }] });
    expect(answer).toEqual({
      ...COMPLETION,
      routing: {
        requestId: 'request-1',
        selectedModel: 'gpt-small',
        tier: 'weak',
        percentile: 0.12,
        winRate: 0.41,
        threshold: 0.5,
        reason: 'win-rate',
        scorer: 'local@1',
        embeddingCache: 'miss',
        attempts: 1,
        attemptChain: 'weak;200',
        warnings: 'temperature;dropped',
        overheadMs: 0,
      },
    });
  });

  test('is not lost with its headers', async () => {
    const { client } = await startClient([json(200, { ...COMPLETION, routing: { why: 'x' } })]);
    const { response, routing } = await client.chatCompletion({ prompt: 'Hi' });
    expect({ response, routing }).toEqual({
      response: 'Paris.',
      routing: { explanation: { why: 'x' } },
    });
  });

  test.each([
    ['HTML', '<p>Sign in</p>', 'text/html'],
    ['other JSON', '{"ok":true}', 'application/json'],
    ['nothing', '', 'text/plain'],
  ])('that is %s is refused without being quoted', async (_, text, contentType) => {
    const { client, requests } = await startClient([
      (response) => void response.setHeader('content-type', contentType).end(text),
    ]);
    const error = await catchError(client.chatCompletion({ prompt: 'Hi' }));
    expect(error).toMatchObject({
      name: 'RouterResponseError',
      status: 200,
      message: `The answer with status 200 and content type ${contentType} is not a chat completion: check that baseUrl is the address of a Smart Router, without /llm.`,
    });
    expect(requests).toHaveLength(1);
  });

  test('that breaks off is an error and is not retried', async () => {
    const { client, requests } = await startClient([
      (response) => {
        response.writeHead(200, { 'content-length': '100', 'x-smart-router-request-id': 'r' });
        response.write('{"id"', () => response.destroy());
      },
    ]);
    const error = await catchError(client.chatCompletion({ prompt: 'Hi' }));
    expect(error).toMatchObject({ kind: 'connection', requestId: 'r' });
    expect(requests).toHaveLength(1);
  });
});

describe('an error', () => {
  test("carries the facts of OpenAI's error body", async () => {
    const headers = { 'x-smart-router-request-id': 'request-2' };
    const { client, requests } = await startClient([json(400, REFUSED, headers)]);
    expect(await catchError(client.chatCompletion({ prompt: 'Hi' }))).toMatchObject({
      name: 'RouterResponseError',
      kind: 'response',
      message: 'The router answered 400: Ask for less.',
      status: 400,
      type: 'invalid_request_error',
      param: 'n',
      code: 'bad_n',
      requestId: 'request-2',
    });
    expect(requests).toHaveLength(1);
  });

  test('of API Management keeps its message', async () => {
    const body = { statusCode: 401, message: 'Access denied due to missing subscription key.' };
    const { client } = await startClient([json(401, body)]);
    await expect(client.chatCompletion({ prompt: 'Hi' })).rejects.toThrow(
      'The router answered 401: Access denied due to missing subscription key.',
    );
  });

  test.each([
    [401, 'check apiKey or bearerToken'],
    [404, 'check baseUrl'],
    [503, 'Try again later'],
  ])('of status %i without a JSON body says what to do', async (status, advice) => {
    const { client } = await startClient(
      [(response) => void response.writeHead(status).end('<html>')],
      { maxRetries: 0 },
    );
    const error = await catchError(client.chatCompletion({ prompt: 'Hi' }));
    expect(error).toMatchObject({ status, code: null, message: expect.stringContaining(advice) });
  });

  test('is thrown for a redirect, and the key is not sent there', async () => {
    const elsewhere = await startScriptedRouter(completion);
    const { client } = await startClient(
      [(response) => void response.writeHead(307, { location: elsewhere.baseUrl }).end()],
      { apiKey: 'key-1' },
    );
    const error = await catchError(client.chatCompletion({ prompt: 'Hi' }));
    expect(error).toMatchObject({
      status: 307,
      message: expect.stringContaining('Set baseUrl to the final address'),
    });
    expect(elsewhere.requests).toEqual([]);
  });

  test('says that the router could not be reached, and why', async () => {
    const { client, close, baseUrl } = await startClient([completion], { maxRetries: 0 });
    await close();
    expect(await catchError(client.chatCompletion({ prompt: 'Hi' }))).toMatchObject({
      name: 'RouterConnectionError',
      kind: 'connection',
      message: `The router at ${baseUrl} could not be reached (ECONNREFUSED): check baseUrl and the network, and whether the router runs.`,
    });
  });

  test.each([
    ['baseUrl', { baseUrl: 'localhost' }],
    ['baseUrl', { baseUrl: 'ftp://host' }],
    ['baseUrl', { baseUrl: 'http://user:password@host' }],
    ['baseUrl', { baseUrl: 'http://host/?key=1' }],
    ['timeoutMs', { timeoutMs: 0 }],
    ['maxRetries', { maxRetries: 1.5 }],
    ['apiKey', { apiKey: 'a', bearerToken: 'b' }],
  ])('is thrown at once for a wrong %s', (name, options) => {
    const create = () => new SmartRouterClient({ baseUrl: 'http://host', ...options });
    expect(create).toThrow(name);
    expect(create).not.toThrow('password');
  });
});

describe('a retry', () => {
  test('waits as long as retry-after-ms asks for', async () => {
    const busy = json(429, BUSY, { 'retry-after-ms': '150', 'retry-after': '30' });
    const { client, requests } = await startClient([busy, completion]);
    const startedMs = Date.now();
    const answer = await client.chatCompletion({ prompt: 'Hi' });
    expect(answer.response).toBe('Paris.');
    expect(Date.now() - startedMs).toBeGreaterThanOrEqual(145);
    expect(requests).toHaveLength(2);
    expect(requests[1]).toEqual(requests[0]);
  });

  test.each([
    ['seconds', () => '5'],
    ['a date', () => new Date(Date.now() + 5000).toUTCString()],
  ])('understands retry-after in %s', async (_, value) => {
    const { client } = await startClient(
      [(response) => void response.writeHead(503, { 'retry-after': value() }).end()],
      { maxRetries: 0 },
    );
    const error = await catchError(client.chatCompletion({ prompt: 'Hi' }));
    // A date has whole seconds, and some time has passed.
    expect(error).toMatchObject({
      retryAfterMs: expect.toSatisfy((delayMs: number) => delayMs > 2000 && delayMs <= 5000),
    });
  });

  test('follows a connection that breaks before the answer', async () => {
    const { client, requests } = await startClient([
      (response) => void response.destroy(),
      completion,
    ]);
    expect(await client.chatCompletion({ prompt: 'Hi' })).toMatchObject({ response: 'Paris.' });
    expect(requests).toHaveLength(2);
  });

  test.each([408, 429, 500, 503])('ends after maxRetries for status %i', async (status) => {
    const { client, requests } = await startClient([json(status, BUSY, { 'retry-after-ms': '1' })]);
    const error = await catchError(client.chatCompletion({ prompt: 'Hi' }));
    expect(error).toMatchObject({ status, retryAfterMs: 1 });
    expect(requests).toHaveLength(3);
  });

  test('follows a conflict in a thread, with the same key, and no other conflict', async () => {
    const conflict = {
      error: { message: 'Others.', type: null, param: null, code: 'thread_conflict' },
    };
    const script = json(409, conflict, { 'retry-after-ms': '1' });
    const { client, requests } = await startClient([script, completion]);
    await client.thread('thread_1').send('Hi');
    expect(requests).toHaveLength(2);
    const keys = requests.map(({ headers }) => headers['idempotency-key']);
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(keys[1]).toBe(keys[0]);
    expect(JSON.parse(requests[0]?.body ?? '')).toMatchObject({
      prompt: 'Hi',
      thread_id: 'thread_1',
    });
    const other = await startClient([json(409, REFUSED, { 'retry-after-ms': '1' })]);
    await catchError(other.client.thread('thread_1').send('Hi'));
    expect(other.requests).toHaveLength(1);
  });

  test('can be turned off, also for one call', async () => {
    const { client, requests } = await startClient([json(429, BUSY)]);
    await catchError(client.chatCompletion({ prompt: 'Hi' }, { maxRetries: 0 }));
    expect(requests).toHaveLength(1);
  });

  test('never waits beyond the time limit', async () => {
    const { client, requests } = await startClient([json(429, BUSY, { 'retry-after': '60' })], {
      timeoutMs: 5000,
    });
    const error = await catchError(client.chatCompletion({ prompt: 'Hi' }));
    expect(error).toMatchObject({ status: 429, retryAfterMs: 60_000 });
    expect(requests).toHaveLength(1);
  });
});

describe('time and abort', () => {
  test('the time limit ends a call without an answer, and its request', async () => {
    let isClosed = false;
    const { client } = await startClient([
      (response) => void response.on('close', () => (isClosed = true)),
    ]);
    const error = await catchError(client.chatCompletion({ prompt: 'Hi' }, { timeoutMs: 60 }));
    expect(error).toMatchObject({
      name: 'RouterTimeoutError',
      kind: 'timeout',
      timeoutMs: 60,
      message:
        'The router gave no answer within 60 ms: raise timeoutMs, or find out why it is slow.',
    });
    await expect.poll(() => isClosed).toBe(true);
  });

  test('the time limit holds for the whole body', async () => {
    const { client } = await startClient([(response) => void response.writeHead(200).write('{')], {
      timeoutMs: 60,
    });
    const error = await catchError(client.chatCompletion({ prompt: 'Hi' }));
    expect(error).toMatchObject({ kind: 'timeout' });
  });

  test('the time limit can be turned off', async () => {
    const { client } = await startClient([completion], { timeoutMs: Number.POSITIVE_INFINITY });
    expect(await client.chatCompletion({ prompt: 'Hi' })).toMatchObject({ response: 'Paris.' });
  });

  test("the caller's abort is thrown with its reason", async () => {
    const { client } = await startClient([never]);
    const controller = new AbortController();
    const reason = new Error('user left');
    const error = catchError(
      client.chatCompletion({ prompt: 'Hi' }, { signal: controller.signal }),
    );
    await delay(20);
    controller.abort(reason);
    expect(await error).toBe(reason);
  });

  test('an abort without a reason is an AbortError', async () => {
    const { client } = await startClient([never]);
    const controller = new AbortController();
    const error = catchError(client.healthCheck({ signal: controller.signal }));
    await delay(20);
    controller.abort();
    expect(await error).toMatchObject({ name: 'AbortError' });
  });

  test('an abort ends the wait for a retry', async () => {
    const { client, requests } = await startClient([json(429, BUSY, { 'retry-after': '100' })]);
    const signal = AbortSignal.timeout(80);
    const error = await catchError(client.chatCompletion({ prompt: 'Hi' }, { signal }));
    expect(error).toMatchObject({ name: 'TimeoutError' });
    expect(requests).toHaveLength(1);
  });

  test('nothing is sent after the abort', async () => {
    const { client, requests } = await startClient([completion]);
    const signal = AbortSignal.abort();
    const error = await catchError(client.chatCompletion({ prompt: 'Hi' }, { signal }));
    expect(error).toMatchObject({ name: 'AbortError' });
    expect(requests).toEqual([]);
  });

  test('a fetch that ignores its signal does not delay the error', async () => {
    const fetch = () => new Promise<Response>(() => undefined);
    const client = new SmartRouterClient({ baseUrl: 'http://host', fetch, timeoutMs: 30 });
    const error = await catchError(client.chatCompletion({ prompt: 'Hi' }));
    expect(error).toMatchObject({ kind: 'timeout' });
  });
});
