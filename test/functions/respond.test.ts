import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createCalls } from '../../functions/http/calls.ts';
import { toFunctionResponse } from '../../functions/http/function-response.ts';
import { createRespond, type Route } from '../../functions/http/respond.ts';
import { jsonAnswer } from '../../shared/base/answer.ts';
import { InvalidRequestError } from '../../shared/base/errors.ts';
import type { Log } from '../../shared/base/log.ts';

let logged: unknown[] = [];
beforeEach(() => {
  logged = [];
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Calls without an observable connection, as for a host whose connections are unknown. */
async function handle(route: Partial<Route>, body = '{}'): Promise<Response> {
  const log: Log = (...line) => line[0] !== 'debug' && logged.push(line);
  const respond = createRespond({
    calls: createCalls({
      maxInFlight: 2,
      maxInFlightPerCaller: 2,
      maxBodyBytesInFlight: 1_000,
      requestTimeoutMs: 1_000,
      streamIdleTimeoutMs: 1_000,
      log,
    }),
    createRequestId: (id) => id,
    authenticate: async () => undefined,
    countRequest: () => undefined,
    bodyTimeoutMs: 1_000,
    maxBodyBytes: 100,
    maxHeaderBytes: 1_000,
    maxBodyDepth: 10,
    maxBodyValues: 100,
    log,
  });
  const answer = respond({
    path: 'path',
    access: 'open',
    handle: () => jsonAnswer(200, {}),
    ...route,
  });
  const request = {
    id: 'the-request-id',
    method: 'POST',
    headers: new Headers({ host: 'localhost' }),
    query: new URLSearchParams(),
    params: {},
    body: Readable.from([Buffer.from(body)]),
    connection: undefined,
    traceparent: undefined,
    tracestate: undefined,
  };
  const given = await answer(request, toFunctionResponse);
  // The library reads the answer in the same way.
  async function* bytes() {
    for await (const chunk of given.body?.values() ?? []) yield Buffer.from(chunk);
  }
  const headers = Object.fromEntries(given.headers.entries());
  return new Response(ReadableStream.from(bytes()), { status: given.status, headers });
}

function streamAnswer(body: AsyncIterable<Uint8Array>) {
  return { status: 200, headers: {}, body };
}

test('answers a route that throws with a 500 that tells nothing but the request id', async () => {
  const response = await handle({
    handle: () => {
      throw new Error('a secret');
    },
  });
  expect(response.status).toBe(500);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'application/json',
    'x-request-id': 'the-request-id',
    'x-smart-router-request-id': 'the-request-id',
  });
  const text = await response.text();
  expect(JSON.parse(text)).toEqual({
    error: {
      message: expect.stringContaining('the-request-id'),
      type: 'server_error',
      param: null,
      code: 'internal_error',
    },
  });
  expect(logged).toEqual([
    ['error', 'internal-error', { requestId: 'the-request-id', error: 'Error' }],
  ]);
  expect(text).not.toContain('a secret');
});

test('answers a route that rejects with what is wrong', async () => {
  const wrong = new InvalidRequestError('n must be 1.', { param: 'n' });
  const response = await handle({ handle: () => Promise.reject(wrong) });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: { param: 'n' } });
});

test.each([
  ['a status that is none', { status: 999, headers: {}, body: 'x' }],
  ['a header that is none', { status: 200, headers: { 'x-name': 'a\nb' }, body: 'x' }],
])('answers %s with a 500, since the library would not answer at all', async (_name, answer) => {
  const response = await handle({ handle: () => answer });
  expect(response.status).toBe(500);
});

test('says how long a buffered answer is, in bytes', async () => {
  const response = await handle({ handle: () => jsonAnswer(200, { text: 'ä' }) });
  expect(response.headers.get('content-length')).toBe('13');
});

test('leaves the length of a stream open', async () => {
  async function* body() {
    yield Buffer.from('x');
  }
  const response = await handle({ handle: () => streamAnswer(body()) });
  expect(response.headers.has('content-length')).toBe(false);
  expect(await response.text()).toBe('x');
});

test('lifts its deadline when the answer has gone out, however it ends', async () => {
  await handle({});
  expect(vi.getTimerCount()).toBe(0);
  await handle({ handle: () => Promise.reject(new Error('x')) });
  expect(vi.getTimerCount()).toBe(0);
  await handle({}, 'no JSON');
  expect(vi.getTimerCount()).toBe(0);
  async function* body() {
    yield Buffer.from('x');
  }
  const response = await handle({ body: {}, handle: () => streamAnswer(body()) });
  expect(vi.getTimerCount()).toBe(1);
  await response.text();
  expect(vi.getTimerCount()).toBe(0);
});

test('aborts what it waits for when its time is over', async () => {
  const { promise, resolve } = Promise.withResolvers<AbortSignal>();
  const response = handle({
    handle: async ({ signal }) => {
      resolve(signal);
      await new Promise((done) => signal.addEventListener('abort', done));
      return jsonAnswer(200, {});
    },
  });
  const signal = await promise;
  vi.advanceTimersByTime(999);
  expect(signal.aborted).toBe(false);
  vi.advanceTimersByTime(1);
  expect((await response).status).toBe(200);
});
