import { HttpRequest, InvocationContext } from '@azure/functions';
import { expect, it } from 'vitest';
import { createRespond, type Route } from '../../functions/http/respond.ts';
import { jsonAnswer } from '../../shared/answer.ts';
import { InvalidRequestError } from '../../shared/errors.ts';

const logged: unknown[] = [];

function handle(route: Partial<Route>, body = '{}') {
  const respond = createRespond({
    maxBodyBytes: 100,
    requestTimeoutMs: 1_000,
    log: (...line) => logged.push(line),
  });
  const handler = respond({ access: 'open', handle: () => jsonAnswer(200, {}), ...route });
  const request = new HttpRequest({
    url: 'http://localhost/path',
    method: 'POST',
    headers: { host: 'localhost' },
    body: { string: body },
  });
  return handler(request, new InvocationContext({ invocationId: 'the-request-id' }));
}

it('answers a route that throws with a 500 that tells nothing but the request id', async () => {
  const response = await handle({
    handle: () => {
      throw new Error('a secret');
    },
  });
  expect(response).toMatchObject({
    status: 500,
    headers: {
      'content-type': 'application/json',
      'x-request-id': 'the-request-id',
      'x-smart-router-request-id': 'the-request-id',
    },
  });
  expect(JSON.parse(String(response?.body))).toEqual({
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
  expect(JSON.stringify([response, logged])).not.toContain('a secret');
});

it('answers a route that rejects with what is wrong', async () => {
  const wrong = new InvalidRequestError('n must be 1.', { param: 'n' });
  const response = await handle({ handle: () => Promise.reject(wrong) });
  expect(response?.status).toBe(400);
  expect(JSON.parse(String(response?.body))).toMatchObject({ error: { param: 'n' } });
});

it('says how long a buffered answer is, in bytes', async () => {
  const response = await handle({ handle: () => jsonAnswer(200, { text: 'ä' }) });
  expect(response?.headers).toMatchObject({ 'content-length': '13' });
});

it('leaves the length of a stream open', async () => {
  async function* body() {
    yield Buffer.from('x');
  }
  const response = await handle({ handle: () => ({ status: 200, headers: {}, body: body() }) });
  expect(response?.headers).not.toHaveProperty('content-length');
});
