import { once } from 'node:events';
import { createServer } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { UNKNOWN_MODEL } from '../../../shared/capabilities/capabilities.ts';
import { createUpstreams } from '../../../shared/upstream/create-upstreams.ts';
import type { Deployment } from '../../../shared/upstream/deployment.ts';
import { readAnswer } from '../../../shared/upstream/read-answer.ts';
import type { Upstream, UpstreamAnswer } from '../../../shared/upstream/upstream.ts';
import { startSimulator } from '../../../tools/upstream-simulator/simulator.ts';

const simulator = await startSimulator({
  deployments: [{ name: 'weak/é', model: 'gpt-5.6-luna', kind: 'chat' }],
});
afterAll(() => simulator.close());
beforeEach(() => simulator.reset());

const base: Deployment = {
  name: 'weak/é',
  modelName: 'gpt-5.6-luna',
  endpoint: simulator.url,
  apiStyle: 'azure',
  apiVersion: '2024-10-21',
  capabilities: UNKNOWN_MODEL,
  apiKey: 'key-1',
};

const limits = {
  circuitFailures: 5,
  circuitOpenMs: 10_000,
  maxConcurrentCalls: 64,
  maxQueuedCalls: 64,
};

const later = () => AbortSignal.timeout(10_000);

function create(deployment: Partial<Deployment> = {}, getToken = async () => 'token-1') {
  return createUpstreams(getToken, limits)({ ...base, ...deployment });
}

function request(content: string, signal = later()) {
  const body = JSON.stringify({ model: base.name, messages: [{ role: 'user', content }] });
  return { operation: 'chat/completions', body, headers: {}, signal } as const;
}

function read(answer: UpstreamAnswer): Promise<Buffer> {
  return readAnswer(answer, { maxBytes: 1e6, signal: later() });
}

/** An upstream with one connection, which has served a request and is free again. */
async function createServed(): Promise<Upstream> {
  const upstream = create();
  await read(await upstream.send(request('Hi')));
  // The pool learns that the connection is free after the reader has learned of the body's end.
  await setImmediate();
  return upstream;
}

const { apiKey: _, ...keyless } = base;

describe('a connection that is reset without a byte of an answer', () => {
  test.each(['[sim:stale]', '[sim:stale][sim:slow:20]'])(
    'is replaced where it had served before, and %s is answered',
    async (prompt) => {
      const upstream = await createServed();
      const answer = await upstream.send(request(prompt));
      expect(answer.status).toBe(200);
      expect((await read(answer)).toString()).toContain('weak');
      expect(upstream.state().circuit).toBe('closed');
      expect(simulator.requests).toHaveLength(3);
    },
  );

  test('is a failure where it is new', async () => {
    await expect(create().send(request('[sim:cut:0]'))).rejects.toMatchObject({
      code: 'upstream_unreachable',
    });
    expect(simulator.requests).toHaveLength(1);
  });

  test('is replaced once: a deployment that resets the new one as well has failed', async () => {
    const upstream = await createServed();
    await expect(upstream.send(request('[sim:cut:0]'))).rejects.toMatchObject({
      code: 'upstream_unreachable',
    });
    expect(simulator.requests).toHaveLength(3);
  });

  test('is not replaced where the answer had begun', async () => {
    const upstream = await createServed();
    const answer = await upstream.send(request('[sim:cut:1]'));
    await expect(read(answer)).rejects.toMatchObject({ code: 'upstream_incomplete' });
    expect(simulator.requests).toHaveLength(2);
  });

  test('is not replaced for a client that has left', async () => {
    const upstream = await createServed();
    const leaving = new AbortController();
    const sent = upstream.send(request('[sim:stall:0]', leaving.signal));
    const failed = expect(sent).rejects.toThrow();
    await expect.poll(() => simulator.requests).toHaveLength(2);
    leaving.abort();
    await failed;
    expect((await upstream.send(request('Hi'))).status).toBe(200);
    expect(simulator.requests).toHaveLength(3);
  });

  test('is replaced for many requests at the same time', async () => {
    const upstream = create();
    const both = (prompt: string) =>
      Promise.all(
        Array.from({ length: 20 }, async () => {
          const answer = await upstream.send(request(prompt));
          await read(answer);
          return answer.status;
        }),
      );
    await both('[sim:slow:20]');
    expect(new Set(await both('[sim:stale]'))).toEqual(new Set([200]));
  });
});

describe('send', () => {
  test.each([
    [
      'azure',
      '',
      '/openai/deployments/weak%2F%C3%A9/chat/completions',
      { 'api-version': '2024-10-21' },
    ],
    ['azure-v1', '', '/openai/v1/chat/completions', {}],
    ['openai', '/v1', '/v1/chat/completions', {}],
  ] as const)('asks the path of the style %s', async (apiStyle, path, expected, query) => {
    const upstream = create({ apiStyle, endpoint: `${simulator.url}${path}` });
    const answer = await upstream.send(request('Hi'));
    expect(answer.status).toBe(200);
    expect(
      JSON.parse((await readAnswer(answer, { maxBytes: 1e6, signal: later() })).toString()),
    ).toMatchObject({
      object: 'chat.completion',
    });
    expect(simulator.requests).toMatchObject([{ method: 'POST', path: expected, query }]);
  });

  test.each([
    ['azure', 'api-key', 'key-1', 'authorization'],
    ['azure-v1', 'api-key', 'key-1', 'authorization'],
    ['openai', 'authorization', 'Bearer key-1', 'api-key'],
  ] as const)('sends the key of the style %s', async (apiStyle, name, value, absent) => {
    const endpoint = apiStyle === 'openai' ? `${simulator.url}/v1` : simulator.url;
    await (await create({ apiStyle, endpoint }).send(request('Hi'))).body.destroy();
    expect(simulator.requests[0]?.headers).toMatchObject({ [name]: value });
    expect(simulator.requests[0]?.headers).not.toHaveProperty(absent);
  });

  test.each(['azure', 'azure-v1'] as const)(
    'sends a token without a key (%s)',
    async (apiStyle) => {
      const upstream = createUpstreams(async () => 'token-1', limits)({ ...keyless, apiStyle });
      (await upstream.send(request('Hi'))).body.destroy();
      expect(simulator.requests[0]?.headers).toMatchObject({ authorization: 'Bearer token-1' });
      expect(simulator.requests[0]?.headers).not.toHaveProperty('api-key');
    },
  );

  test('sends no credential to a server that copies OpenAI and has no key', async () => {
    const noToken = () => Promise.reject(new Error('No token is needed.'));
    const upstream = createUpstreams(
      noToken,
      limits,
    )({
      ...keyless,
      apiStyle: 'openai',
      endpoint: `${simulator.url}/v1`,
    });
    (await upstream.send(request('Hi'))).body.destroy();
    expect(simulator.requests[0]?.headers).not.toHaveProperty('authorization');
    expect(simulator.requests[0]?.headers).not.toHaveProperty('api-key');
  });

  test('overrules a credential among the headers', async () => {
    const headers = { 'api-key': 'of the caller', 'x-ms-client-request-id': 'id-1' };
    (await create().send({ ...request('Hi'), headers })).body.destroy();
    expect(simulator.requests[0]?.headers).toMatchObject({
      'api-key': 'key-1',
      'x-ms-client-request-id': 'id-1',
      'content-type': 'application/json',
      'accept-encoding': 'identity',
    });
  });

  test.each([401, 429, 500, 503])('returns the status %d as an answer', async (status) => {
    const answer = await create().send(request(`[sim:${status}]`));
    expect(answer.status).toBe(status);
    const body: unknown = JSON.parse(
      (await readAnswer(answer, { maxBytes: 1e6, signal: later() })).toString(),
    );
    expect(body).toHaveProperty('error.code');
    if (status === 429) expect(answer.headers).toHaveProperty('retry-after-ms');
  });

  test('gives up when time runs out, with a 504', async () => {
    const signal = AbortSignal.timeout(60);
    await expect(create().send(request('[sim:stall:0]', signal))).rejects.toMatchObject({
      status: 504,
      code: 'upstream_timeout',
    });
  });

  test('gives up when time runs out while it waits for a token', async () => {
    const never = () => new Promise<string>(() => undefined);
    const upstream = createUpstreams(never, limits)(keyless);
    const sent = upstream.send(request('Hi', AbortSignal.timeout(60))).catch((error) => error);
    expect(await sent).toMatchObject({ status: 504 });
  });

  test('fails with a 502 that hides the address when nothing listens there', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    server.close();
    await once(server, 'close');
    const upstream = create({ endpoint: `http://127.0.0.1:${port}` });
    const error = await upstream.send(request('Hi')).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ status: 502, code: 'upstream_unreachable' });
    expect(String(error)).not.toMatch(/127\.0\.0\.1|key-1/);
    expect(String(error)).toContain(base.name);
  });

  test('fails with a 502 when the connection breaks before an answer', async () => {
    await expect(create().send(request('[sim:cut:0]'))).rejects.toMatchObject({ status: 502 });
  });

  test('fails with a 502 when there is no token, and does not call', async () => {
    const upstream = createUpstreams(() => Promise.reject(new Error('my secret')), limits)(keyless);
    const error = await upstream.send(request('Hi')).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ status: 502 });
    expect(String(error)).not.toContain('my secret');
    expect(simulator.requests).toEqual([]);
  });
});

describe('the body of an answer', () => {
  test('that breaks off is a 502', async () => {
    const answer = await create().send(request('[sim:cut][sim:big:100000]'));
    await expect(readAnswer(answer, { maxBytes: 1e7, signal: later() })).rejects.toMatchObject({
      status: 502,
      code: 'upstream_incomplete',
    });
  });

  test('that stalls is a 504 when time runs out', async () => {
    const signal = AbortSignal.timeout(150);
    const answer = await create().send(request('[sim:stall]', signal));
    await expect(readAnswer(answer, { maxBytes: 1e7, signal })).rejects.toMatchObject({
      status: 504,
    });
  });

  test('that is too large is a 502 that names the setting', async () => {
    const answer = await create().send(request('[sim:big:100000]'));
    await expect(readAnswer(answer, { maxBytes: 50_000, signal: later() })).rejects.toMatchObject({
      code: 'answer_too_large',
      message: expect.stringContaining('MAX_ANSWER_BYTES'),
    });
  });
});

describe('probe', () => {
  test.each([
    ['azure', ''],
    ['azure-v1', ''],
    ['openai', '/v1'],
  ] as const)('asks nothing of a deployment of the style %s', async (apiStyle, path) => {
    const upstream = create({ apiStyle, endpoint: `${simulator.url}${path}` });
    expect(await upstream.probe('chat/completions', later())).toBe(400);
    const { name } = upstream.deployment;
    expect(simulator.requests).toMatchObject([{ method: 'POST', body: { model: name } }]);
  });

  test('shows by its status that a deployment does not exist', async () => {
    expect(await create({ name: 'nope' }).probe('chat/completions', later())).toBe(404);
  });

  test('shows by its status that a key is wrong', async () => {
    const guarded = await startSimulator({ apiKey: 'other' });
    expect(await create({ endpoint: guarded.url }).probe('chat/completions', later())).toBe(401);
    await guarded.close();
  });

  test('throws when it takes too long', async () => {
    await expect(create().probe('chat/completions', AbortSignal.abort())).rejects.toMatchObject({
      status: 504,
    });
  });
});
