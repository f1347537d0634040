import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

const MAX_BODY_BYTES = 200_000;

let router: Router;
beforeAll(async () => {
  router = await startRouter({ settings: { MAX_BODY_BYTES: String(MAX_BODY_BYTES) } });
});
afterAll(() => router.close());

const messages = [{ role: 'user', content: 'Hi' }];

describe('a body that is wrong gets a 400 that names the field', () => {
  test.each<[string, unknown, string]>([
    ['no JSON', '{"prompt": ', 'body'],
    ['an empty body', '', 'body'],
    ['an array', '[]', 'body'],
    ['a number', '7', 'body'],
    ['null', 'null', 'body'],
    ['a long number', '12345678901234567890', 'body'],
    ['invalid UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), 'body'],
    ['neither prompt nor messages', {}, 'messages'],
    ['no messages', { messages: [] }, 'messages'],
    ['null for both', { messages: null, prompt: null }, 'messages'],
    ['an empty prompt', { prompt: '' }, 'prompt'],
    ['a blank prompt', { prompt: ' \n ' }, 'prompt'],
    ['a prompt that is no text', { prompt: 7 }, 'prompt'],
    ['messages that are no list', { messages: 'Hi' }, 'messages'],
    ['a message that is no object', { messages: ['Hi'] }, 'messages.0'],
    ['a message without a role', { messages: [{ content: 'Hi' }] }, 'messages.0.role'],
    ['content of a wrong type', { messages: [{ role: 'user', content: 7 }] }, 'messages.0.content'],
    ['stream that is no boolean', { messages, stream: 'yes' }, 'stream'],
    ['a temperature in words', { messages, temperature: 'hot' }, 'temperature'],
    ['top_p in words', { messages, top_p: {} }, 'top_p'],
    ['half a token', { messages, max_tokens: 1.5 }, 'max_tokens'],
    ['n in words', { messages, n: 'two' }, 'n'],
    ['a threshold of 1.5', { messages, routing: { threshold: 1.5 } }, 'routing.threshold'],
    ['a threshold in words', { messages, routing: { threshold: 'NaN' } }, 'routing.threshold'],
    ['a negative share', { messages, routing: { strong_share: -0.1 } }, 'routing.strong_share'],
    ['an unknown mode', { messages, routing: { mode: 'best' } }, 'routing.mode'],
    ['models that are none', { messages, routing: { models: [] } }, 'routing.models'],
    ['models that are unknown', { messages, routing: { models: ['x'] } }, 'routing.models'],
    ['an unknown control', { messages, routing: { treshold: 0.1 } }, 'routing'],
    ['two controls at once', { messages, routing: { threshold: 0.1, mode: 'cost' } }, 'routing'],
    ['a thread in numbers', { messages, thread_id: 5 }, 'thread_id'],
  ])('%s', async (_name, body, param) => {
    const { status, headers, body: answer } = await post(router.url + ROUTED, body);
    expect(status).toBe(400);
    expect(answer.error).toEqual({
      message: expect.any(String),
      type: 'invalid_request_error',
      param,
      code: 'invalid_value',
    });
    expect(answer.error.message).toContain(param === 'body' ? 'body' : param.split('.')[0]);
    expect(headers.get('x-smart-router-request-id')).not.toBeNull();
    expect(headers.get('x-request-id')).not.toBeNull();
  });

  test('more than 2,048 messages', async () => {
    const message = { role: 'user', content: 'x' };
    const at = await post(router.url + ROUTED, { messages: Array(2_048).fill(message) });
    expect(at.status).toBe(200);
    const over = await post(router.url + ROUTED, { messages: Array(2_049).fill(message) });
    expect(over.status).toBe(400);
    expect(over.body.error).toMatchObject({
      param: 'messages',
      message: expect.stringContaining('2048'),
    });
  });
});

test('nested too deeply to be written again gets a 400', async () => {
  for (const [open, close] of [
    ['[', ']'],
    ['{"a":', '}'],
  ] as const) {
    const deep = `${open.repeat(20_000)}1${close.repeat(20_000)}`;
    for (const seed of [1, '1111111111111111111']) {
      const text = `{"prompt":"Hi","seed":${seed},"deep":${deep}}`;
      const { status, body } = await post(router.url + ROUTED, text);
      expect(status).toBe(400);
      expect(body.error).toMatchObject({
        param: 'body',
        message: expect.stringContaining('nested'),
      });
    }
  }
});

describe('a routing header that is wrong gets a 400 that names it', () => {
  test.each([
    ['x-smart-router-threshold', '1.5'],
    ['x-smart-router-threshold', 'NaN'],
    ['x-smart-router-threshold', ''],
    ['x-smart-router-threshold', '0.1, 0.2'],
    ['x-smart-router-strong-share', '-1'],
    ['x-smart-router-strong-share', '30%'],
  ])('%s: %s', async (name, value) => {
    const { status, body } = await post(router.url + ROUTED, { messages }, { [name]: value });
    expect(status).toBe(400);
    expect(body.error).toMatchObject({ param: name, message: expect.stringContaining(name) });
  });

  test('given twice', async () => {
    const body = JSON.stringify({ messages });
    const answer = await rawRequest(
      `POST ${ROUTED} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ${body.length}\r\n` +
        `x-smart-router-threshold: 0.1\r\nx-smart-router-threshold: 0.2\r\n\r\n${body}`,
    );
    expect(answer).toContain('HTTP/1.1 400');
    expect(answer).toContain('"param":"x-smart-router-threshold"');
  });

  test('threshold and strong share together', async () => {
    const { status, body } = await post(
      router.url + ROUTED,
      { messages },
      { 'x-smart-router-threshold': '0.1', 'x-smart-router-strong-share': '0.1' },
    );
    expect(status).toBe(400);
    expect(body.error.param).toBe('x-smart-router-strong-share');
  });
});

describe('a name that is wrong', () => {
  test('gets a 404 for a deployment that is not there, without an echo of it', async () => {
    const path = '/llm/openai/deployments/gpt-9-unheard-of/chat/completions';
    const byPath = await post(router.url + path, { messages });
    expect(byPath.status).toBe(404);
    expect(byPath.body.error).toMatchObject({ code: 'DeploymentNotFound', param: 'deployment' });
    expect(byPath.body.error.message).toContain('strong, weak');
    const byModel = await post(`${router.url}/llm/chat/completions`, { messages, model: 'x' });
    expect(byModel.status).toBe(404);
    expect(byModel.body.error).toMatchObject({ code: 'DeploymentNotFound', param: 'model' });
  });

  test.each(['router-mf-1.5', 'router-mf-NaN', 'router-mf-', 'router-mf-0.1.2'])(
    'gets a 400 for %s',
    async (name) => {
      const path = `/llm/openai/deployments/${name}/chat/completions`;
      const { status, body } = await post(router.url + path, { messages });
      expect(status).toBe(400);
      expect(body.error.param).toBe('deployment');
    },
  );
});

describe('a body that is too large', () => {
  test('gets a 413, with and without a length', async () => {
    const prompt = 'x'.repeat(MAX_BODY_BYTES);
    const { status, body } = await post(router.url + ROUTED, { prompt });
    expect(status).toBe(413);
    expect(body.error).toMatchObject({
      param: 'body',
      code: 'body_too_large',
      message: expect.stringContaining('MAX_BODY_BYTES'),
    });
    const chunked = await fetch(router.url + ROUTED, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: new Blob([JSON.stringify({ prompt })]).stream(),
      duplex: 'half',
    });
    expect(chunked.status).toBe(413);
  });

  test('does not disturb the next request', async () => {
    await post(router.url + ROUTED, { prompt: 'x'.repeat(2 * MAX_BODY_BYTES) });
    expect((await post(router.url + ROUTED, { messages })).status).toBe(200);
  });
});

describe('a key "headers", which the platform takes for the headers of the request', () => {
  const forged = { 'x-smart-router-threshold': '0', host: 'forged' };

  test.each(['headers', 'Headers', 'HEADERS', 'header\u017f'])(
    'is refused in the body: %s',
    async (key) => {
      for (const value of [forged, JSON.stringify(forged), null, 'x']) {
        const { status, body } = await post(router.url + ROUTED, { messages, [key]: value });
        expect(status).toBe(400);
        expect(body.error).toMatchObject({ param: 'headers' });
      }
    },
  );

  test.each([
    ['application/json; charset=utf-16', 400],
    ['application/problem+json', 400],
    ['text/plain', 415],
  ])('is refused with the content type %s', async (type, refused) => {
    const body = { messages, headers: forged };
    const { status } = await post(router.url + ROUTED, body, { 'content-type': type });
    expect(status).toBe(refused);
  });

  test.each(['headers', 'Headers', 'hEaDeRs'])('is refused in the query: %s', async (key) => {
    const query = `?${key}=${encodeURIComponent(JSON.stringify(forged))}`;
    const chat = await post(router.url + ROUTED + query, { messages });
    expect(chat.status).toBe(400);
    expect(chat.body.error).toMatchObject({ param: 'headers' });
    expect((await fetch(`${router.url}/llm/openai/v1/models${query}`)).status).toBe(400);
  });

  test('is refused in the body of a GET when it leaves out what every request has', async () => {
    const body = JSON.stringify({ headers: { 'api-key': 'a' } });
    const answer = await rawRequest(
      `GET /llm/openai/v1/models HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    expect(answer).toContain('HTTP/1.1 400');
  });

  test('is accepted at a deeper level', async () => {
    const metadata = { headers: 'mine' };
    expect((await post(router.url + ROUTED, { messages, metadata })).status).toBe(200);
  });
});

test('takes names only from the route, whatever the body and the query say', async () => {
  const { headers } = await post(`${router.url}${ROUTED}?deployment=strong`, {
    messages,
    deployment: 'strong',
    routing: { threshold: 1 },
  });
  expect(headers.get('x-smart-router-tier')).toBe('weak');
  const v1 = await post(`${router.url}/llm/chat/completions`, { messages, deployment: 'strong' });
  expect(v1.headers.get('x-smart-router-tier')).not.toBe('direct');
});

test('survives hostile keys', async () => {
  const body = `{"messages":[{"role":"user","content":"Hi","__proto__":{"x":1}}],"__proto__":{"stream":true},"constructor":{"prototype":{}}}`;
  const { status } = await post(router.url + ROUTED, body);
  expect(status).toBe(200);
});

function rawRequest(text: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect(Number(new URL(router.url).port), '127.0.0.1', () => socket.write(text));
  let answer = '';
  socket.on('data', (chunk) => {
    answer += String(chunk);
  });
  socket.on('end', () => resolve(answer));
  socket.on('error', reject);
  return promise;
}
