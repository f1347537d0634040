import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ROUTED, type Router, startRouter } from '../support/router.ts';

let router: Router;
beforeAll(async () => {
  router = await startRouter({
    settings: {
      REQUEST_TIMEOUT_MS: '1500',
      STREAM_IDLE_TIMEOUT_MS: '1500',
      MAX_ANSWER_BYTES: '1000000',
    },
  });
});
afterAll(() => router.close());
beforeEach(() => router.simulator.reset());

function stream(prompt: string, extra: object = {}): Promise<Response> {
  return fetch(router.url + ROUTED, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt, stream: true, routing: { threshold: 1 }, ...extra }),
  });
}

type Event = {
  readonly choices?: readonly { readonly delta: { readonly content?: string } }[];
  readonly usage?: object | null;
  readonly error?: { readonly code: string; readonly message: string };
};

function eventsOf(text: string): (Event | '[DONE]')[] {
  return text
    .split('\n\n')
    .filter((event) => event.startsWith('data: '))
    .map((event) => event.slice('data: '.length))
    .map((data) => (data === '[DONE]' ? data : (JSON.parse(data) as Event)));
}

test('passes the events through and ends with [DONE]', async () => {
  const response = await stream('Hi');
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  expect(response.headers.get('x-smart-router-tier')).toBe('weak');
  expect(response.headers.get('x-smart-router-selected-model')).toBe('gpt-5.6-luna');
  const events = eventsOf(await response.text());
  expect(events[0]).toHaveProperty('prompt_filter_results');
  expect(events.at(-1)).toBe('[DONE]');
  const content = events.map((event) =>
    event === '[DONE]' ? '' : (event.choices?.[0]?.delta.content ?? ''),
  );
  expect(content.join('')).toContain('weak');
});

test('always asks for usage, and leaves its chunk out when the client did not ask', async () => {
  const without = eventsOf(await (await stream('Hi')).text());
  expect(router.simulator.requests.at(-1)?.body).toMatchObject({
    stream_options: { include_usage: true },
  });
  const hasUsage = (event: Event | '[DONE]') => event !== '[DONE]' && event.usage != null;
  expect(without.filter(hasUsage)).toEqual([]);
  const withUsage = eventsOf(
    await (await stream('Hi', { stream_options: { include_usage: true } })).text(),
  );
  expect(withUsage.filter(hasUsage)).toHaveLength(1);
});

test('does not hold back the first token', async () => {
  // All of it would take longer than the request may.
  const response = await stream('[sim:chunks:10000:100]');
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = '';
  while (!text.includes('"content":"')) text += decoder.decode((await reader?.read())?.value);
  expect(text).not.toContain('"error"');
  await reader?.cancel();
});

test('streams tool calls', async () => {
  const tools = [
    {
      type: 'function',
      function: {
        name: 'add',
        parameters: { type: 'object', properties: { a: { type: 'number' } } },
      },
    },
  ];
  const text = await (await stream('[sim:tool]', { tools })).text();
  expect(text).toContain('"tool_calls"');
  expect(text).toContain('"finish_reason":"tool_calls"');
});

test('ends a stream that was cut with an error event and no [DONE]', async () => {
  const response = await stream('[sim:cut]');
  expect(response.status).toBe(200);
  const events = eventsOf(await response.text());
  expect(events).not.toContain('[DONE]');
  expect(events.at(-1)).toMatchObject({ error: { code: 'upstream_incomplete' } });
});

test('ends a stream that stalls, with an error event', async () => {
  const events = eventsOf(await (await stream('[sim:stall]')).text());
  expect(events.at(-1)).toMatchObject({ error: { code: 'upstream_timeout' } });
});

test('answers 504 when nothing came before the deadline', async () => {
  const response = await stream('[sim:stall:0]');
  expect(response.status).toBe(504);
  expect(await response.json()).toMatchObject({ error: { code: 'upstream_timeout' } });
});

test('leaves a deployment alone once its stream has stalled', async () => {
  await (await stream('[sim:stall]')).text();
  await expect.poll(() => router.simulator.requests.at(-1)?.aborted).toBe(true);
});

test('passes an error inside the stream on, once', async () => {
  const events = eventsOf(await (await stream('[sim:error_event]')).text());
  expect(events.filter((event) => event !== '[DONE]' && event.error !== undefined)).toHaveLength(1);
});

test('gives an error before the stream as a plain answer', async () => {
  const response = await stream('[sim:429]');
  expect(response.status).toBe(429);
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(await response.json()).toHaveProperty('error.message');
});

test('answers 408 to an upload that does not come to its end', async () => {
  const socket = connect(Number(new URL(router.url).port), '127.0.0.1');
  socket.write(
    `POST ${ROUTED} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"pro\r\n`,
  );
  const [first] = await once(socket, 'data');
  expect(String(first)).toContain('HTTP/1.1 408');
  socket.destroy();
});

test('serves on when a client has left, and bounds what it left behind', async () => {
  const leaving = new AbortController();
  const response = await fetch(router.url + ROUTED, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: '[sim:chunks:10000:50]', stream: true }),
    signal: leaving.signal,
  });
  await response.body?.getReader().read();
  leaving.abort();
  const pid = router.workerPid();
  await expect.poll(() => router.simulator.requests.at(-1)?.aborted).toBe(true);
  expect((await stream('Hi')).status).toBe(200);
  expect(router.workerPid()).toBe(pid);
});

test('breaks off an answer that is larger than MAX_ANSWER_BYTES, for any reader', async () => {
  const events = eventsOf(await (await stream('[sim:big:3000000]')).text());
  expect(events.at(-1)).toMatchObject({ error: { code: 'answer_too_large' } });
  const plain = await fetch(router.url + ROUTED, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: '[sim:big:3000000]' }),
  });
  expect(plain.status).toBe(502);
  expect(await plain.json()).toMatchObject({ error: { code: 'answer_too_large' } });
});
