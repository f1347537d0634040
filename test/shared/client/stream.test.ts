import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import {
  type ChatCompletionOptions,
  type ChatCompletionStream,
  SmartRouterClient,
  type SmartRouterClientOptions,
} from '../../../shared/client/index.ts';
import {
  chunk,
  completion,
  json,
  openStream,
  ROUTING_HEADERS,
  type Script,
  startScriptedRouter,
  wholeStream,
} from './scripted-router.ts';

const DONE = 'data: [DONE]\n\n';
const HELLO = `data: ${chunk('Grüße, ')}\n\ndata: ${chunk('世界 👋')}\n\n${DONE}`;

async function startClient(script: Script, options: Partial<SmartRouterClientOptions> = {}) {
  const router = await startScriptedRouter(script);
  return { ...router, client: new SmartRouterClient({ baseUrl: router.baseUrl, ...options }) };
}

async function openChat(script: Script, options: ChatCompletionOptions = {}) {
  const { client } = await startClient(script);
  return client.chatCompletion({ prompt: 'Hi', stream: true }, options);
}

/** The texts until the end or the error, so that a test sees both. */
async function readTexts(stream: ChatCompletionStream) {
  const texts: (string | null | undefined)[] = [];
  try {
    for await (const { choices } of stream) texts.push(choices[0]?.delta.content);
  } catch (error) {
    return { texts, error };
  }
  return { texts };
}

/** A client whose fetch gives these pieces of a body, each by itself. */
function createClientFor(pieces: readonly Uint8Array[]) {
  const body = ReadableStream.from(pieces);
  const response = new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  return new SmartRouterClient({ baseUrl: 'http://host', fetch: async () => response });
}

async function readPieces(pieces: readonly Uint8Array[]) {
  const client = createClientFor(pieces);
  return readTexts(await client.chatCompletion({ prompt: 'Hi', stream: true }));
}

describe('a stream', () => {
  test('comes as typed chunks with the routing facts', async () => {
    const { client, requests } = await startClient(wholeStream(HELLO));
    const stream = await client.chatCompletion({ prompt: 'Hi', stream: true });
    expect(stream.routing).toMatchObject({ tier: 'weak', winRate: 0.41, requestId: 'request-1' });
    expect(await readTexts(stream)).toEqual({ texts: ['Grüße, ', '世界 👋'] });
    expect(JSON.parse(requests[0]?.body ?? '')).toEqual({ prompt: 'Hi', stream: true });
  });

  test('resolves before the first chunk arrives', async () => {
    let finish = () => {};
    const stream = await openChat((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', ...ROUTING_HEADERS });
      response.flushHeaders();
      finish = () => response.end(HELLO);
    });
    expect(stream.routing.tier).toBe('weak');
    finish();
    expect((await readTexts(stream)).texts).toHaveLength(2);
  });

  test('is the same wherever its bytes are split', async () => {
    const bytes = new TextEncoder().encode(HELLO.replaceAll('\n', '\r\n'));
    for (let at = 0; at <= bytes.length; at += 1) {
      const pieces = [bytes.slice(0, at), bytes.slice(at)];
      expect(await readPieces(pieces), `split at ${at}`).toEqual({
        texts: ['Grüße, ', '世界 👋'],
      });
    }
  });

  test('is the same byte by byte over a real connection', async () => {
    const stream = await openChat(async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const byte of new TextEncoder().encode(HELLO)) {
        await new Promise((resolve) => response.write(Uint8Array.of(byte), resolve));
      }
      response.end();
    });
    expect(await readTexts(stream)).toEqual({ texts: ['Grüße, ', '世界 👋'] });
  });

  test.each([
    ['CRLF', `data: ${chunk('a')}\r\n\r\ndata: [DONE]\r\n\r\n`],
    ['lone carriage returns', `data: ${chunk('a')}\r\rdata: [DONE]\r\r`],
    [
      'comments and other fields',
      `: hi\n\nid: 1\nevent: x\nretry: 5\ndata: ${chunk('a')}\n\n${DONE}`,
    ],
    ['no space after the colon', `data:${chunk('a')}\n\ndata:[DONE]\n\n`],
    ['data of many lines', `data: ${chunk('a').replace(',', ',\ndata: ')}\n\n${DONE}`],
    ['a byte order mark', `\uFEFFdata: ${chunk('a')}\n\n${DONE}`],
    ['no blank line at its end', `data: ${chunk('a')}\n\ndata: [DONE]`],
    ['empty events', `data\n\ndata: ${chunk('a')}\n\n\n\n${DONE}`],
  ])('is read with %s', async (_, text) => {
    expect(await readPieces([new TextEncoder().encode(text)])).toEqual({ texts: ['a'] });
  });

  test('ends with [DONE], whatever follows', async () => {
    const stream = await openChat(wholeStream(`${HELLO}data: ${chunk('more')}\n\n`));
    expect(await readTexts(stream)).toEqual({ texts: ['Grüße, ', '世界 👋'] });
  });

  test('ends with [DONE] even when the connection stays open', async () => {
    const stream = await openChat(openStream(HELLO));
    expect(await readTexts(stream)).toEqual({ texts: ['Grüße, ', '世界 👋'] });
  });

  test('leaves its connection for the next call', async () => {
    const { client, server } = await startClient(async (response, request) => {
      await openStream(HELLO)(response, request);
      await delay(10);
      response.end();
    });
    let connections = 0;
    server.on('connection', () => {
      connections += 1;
    });
    for (let call = 0; call < 6; call += 1) {
      await readTexts(await client.chatCompletion({ prompt: 'Hi', stream: true }));
    }
    // Node's fetch may open a second one while the first is being given back.
    expect(connections).toBeLessThanOrEqual(2);
  });

  test('can be read only once', async () => {
    const stream = await openChat(wholeStream(HELLO));
    await readTexts(stream);
    expect(await readTexts(stream)).toMatchObject({ error: { name: 'TypeError' } });
  });
});

describe('an incomplete stream', () => {
  test('throws after the last whole chunk when [DONE] is missing', async () => {
    const stream = await openChat(wholeStream(`data: ${chunk('a')}\n\n`));
    expect(await readTexts(stream)).toMatchObject({
      texts: ['a'],
      error: {
        name: 'RouterConnectionError',
        kind: 'connection',
        requestId: 'request-1',
        message: 'The stream ended before [DONE], so the answer is incomplete: ask again.',
      },
    });
  });

  test('throws when the connection breaks', async () => {
    const stream = await openChat((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: ${chunk('a')}\n\n`, () => response.destroy());
    });
    const { error } = await readTexts(stream);
    expect(error).toMatchObject({ kind: 'connection', cause: expect.any(Error) });
  });

  test('throws when it ends in the middle of a chunk', async () => {
    const stream = await openChat(wholeStream(`data: ${chunk('a')}\n\ndata: {"choi`));
    expect(await readTexts(stream)).toMatchObject({ texts: ['a'], error: { kind: 'response' } });
  });

  test('throws the error that it contains', async () => {
    const error = { message: 'Try again in 5 s.', type: 'x', param: null, code: 'too_many' };
    const stream = await openChat(
      wholeStream(`data: ${chunk('a')}\n\ndata: ${JSON.stringify({ error })}\n\n${DONE}`),
    );
    expect(await readTexts(stream)).toMatchObject({
      texts: ['a'],
      error: {
        name: 'RouterResponseError',
        status: 200,
        code: 'too_many',
        type: 'x',
        requestId: 'request-1',
        message:
          'The stream broke off with an error, so the answer is incomplete: Try again in 5 s.',
      },
    });
  });
});

describe('the start of a stream', () => {
  test('fails like any call', async () => {
    const body = { error: { message: 'No.', type: null, param: null, code: 'content_filter' } };
    await expect(openChat(json(400, body))).rejects.toMatchObject({
      status: 400,
      code: 'content_filter',
    });
  });

  test('is retried', async () => {
    const router = await startScriptedRouter(
      json(429, {}, { 'retry-after-ms': '1' }),
      wholeStream(HELLO),
    );
    const client = new SmartRouterClient({ baseUrl: router.baseUrl });
    const stream = await client.chatCompletion({ prompt: 'Hi', stream: true });
    expect((await readTexts(stream)).texts).toHaveLength(2);
  });

  test('fails when the answer is not a stream', async () => {
    await expect(openChat(completion)).rejects.toThrow('is not a stream of events');
  });
});

describe('time and abort in a stream', () => {
  test('the time limit holds until the answer begins', async () => {
    await expect(openChat(() => undefined, { timeoutMs: 50 })).rejects.toMatchObject({
      kind: 'timeout',
    });
  });

  test('the time limit holds for each gap between bytes', async () => {
    const stream = await openChat(openStream(`data: ${chunk('a')}\n\n`), { timeoutMs: 1_000 });
    expect(await readTexts(stream)).toMatchObject({
      texts: ['a'],
      error: {
        kind: 'timeout',
        timeoutMs: 1_000,
        message: expect.stringContaining('sent nothing'),
      },
    });
  });

  test('a stream may take longer than the limit, as may its reader', async () => {
    const stream = await openChat(
      async (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.flushHeaders();
        for (let beat = 0; beat < 5; beat += 1) {
          response.write(': still here\n\n');
          await delay(300);
        }
        response.end(HELLO);
      },
      { timeoutMs: 1_200 },
    );
    await delay(1_300);
    const texts: unknown[] = [];
    for await (const { choices } of stream) {
      texts.push(choices[0]?.delta.content);
      await delay(1_300);
    }
    expect(texts).toHaveLength(2);
  });

  test("the caller's abort ends it with the reason", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const stream = await openChat(openStream(`data: ${chunk('a')}\n\n`), { signal });
    const reason = new Error('user left');
    const texts: unknown[] = [];
    async function readUntilAbort(): Promise<void> {
      for await (const { choices } of stream) {
        texts.push(choices[0]?.delta.content);
        controller.abort(reason);
      }
    }
    await expect(readUntilAbort()).rejects.toBe(reason);
    expect(texts).toEqual(['a']);
  });

  test.each([
    [
      'leaving the loop',
      async (stream: ChatCompletionStream) => {
        for await (const _ of stream) break;
      },
    ],
    ['cancel', (stream: ChatCompletionStream) => stream.cancel()],
  ])('%s ends the request', async (_, leave) => {
    let isClosed = false;
    const stream = await openChat((response, request) => {
      response.on('close', () => (isClosed = true));
      return openStream(`data: ${chunk('a')}\n\n`)(response, request);
    });
    await leave(stream);
    await expect.poll(() => isClosed).toBe(true);
  });
});
