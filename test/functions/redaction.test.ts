import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROUTED } from '../support/router.ts';
import { type RouterServer, startServer } from '../support/server.ts';

/** A key that looks like a word of an answer. */
const KEY = 'wonderful';
const SSE = { 'content-type': 'text/event-stream' };
const WORDS = `What a ${KEY} day`;

type Script = (response: ServerResponse) => unknown;
let script: Script = (response) => response.end('{}');

const deployment = createServer((asked, response) => {
  asked.resume().on('end', () => script(response));
});
let server: RouterServer;
beforeAll(async () => {
  deployment.listen(0, '127.0.0.1');
  await once(deployment, 'listening');
  const endpoint = `http://127.0.0.1:${(deployment.address() as AddressInfo).port}`;
  server = await startServer({
    STRONG_ENDPOINT: endpoint,
    STRONG_API_KEY: KEY,
    WEAK_ENDPOINT: endpoint,
    WEAK_API_KEY: KEY,
    CIRCUIT_FAILURES: '1000',
  });
});
afterAll(async () => {
  await server.stop();
  deployment.close();
  deployment.closeAllConnections();
});

async function ask(stream: boolean, answer: Script): Promise<{ text: string; headers: string }> {
  script = answer;
  const response = await fetch(server.url + ROUTED, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: 'Hi', stream }),
  });
  return { text: await response.text(), headers: JSON.stringify([...response.headers]) };
}

const message = `The key ${KEY} is not known.`;
const event = (data: unknown) => `data: ${JSON.stringify(data)}\n\n`;
const delta = event({ choices: [{ index: 0, delta: { content: WORDS } }] });
const finish = event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
const completion = {
  choices: [{ index: 0, message: { role: 'assistant', content: WORDS }, finish_reason: 'stop' }],
};

test.each<[string, boolean, Script]>([
  ['a refusal', false, (to) => to.writeHead(400).end(JSON.stringify({ error: { message } }))],
  ['an error of status 200', false, (to) => to.end(JSON.stringify({ error: { message } }))],
  ['a gateway’s error', false, (to) => to.writeHead(502).end(JSON.stringify({ message }))],
  ['an error instead of a stream', true, (to) => to.writeHead(401).end(`{"error":"${message}"}`)],
  ['the first event', true, (to) => to.writeHead(200, SSE).end(event({ error: { message } }))],
  [
    'an event after content',
    true,
    (to) =>
      to.writeHead(200, SSE).end(delta.replaceAll(KEY, 'good') + event({ error: { message } })),
  ],
  [
    'an event of the type error',
    true,
    (to) => to.writeHead(200, SSE).end(`event: error\n${event({ message })}`),
  ],
  [
    'an event without choices',
    true,
    (to) =>
      to
        .writeHead(200, SSE)
        .end(`${event({ choices: [], note: message })}${finish}data: [DONE]\n\n`),
  ],
  [
    'an event that comes in two pieces',
    true,
    (to) => {
      to.writeHead(200, SSE);
      const text = event({ error: { message } });
      const half = text.indexOf(KEY) + 4;
      to.write(text.slice(0, half));
      setImmediate(() => to.end(text.slice(half)));
    },
  ],
])('removes the key of a deployment from %s', async (_, stream, answer) => {
  const { text } = await ask(stream, answer);
  expect(text).not.toContain(KEY);
  expect(text).toMatch(/\[key\]|upstream_/);
});

test('removes it from headers', async () => {
  const { headers, text } = await ask(false, (to) =>
    to
      .writeHead(200, { 'x-request-id': `for-${KEY}`, 'x-ms-region': KEY })
      .end(JSON.stringify(completion)),
  );
  expect(headers).toContain('for-[key]');
  expect(headers).not.toContain(KEY);
  expect(text).toContain(WORDS);
});

test('leaves the words of a model as they are', async () => {
  const plain = await ask(false, (to) => to.end(JSON.stringify(completion)));
  expect(plain.text).toContain(WORDS);
  const streamed = await ask(true, (to) =>
    to.writeHead(200, SSE).end(`${delta}${finish}data: [DONE]\n\n`),
  );
  expect(streamed.text).toContain(WORDS);
});

test('removes it from an error beside an answer, and keeps the answer and its long numbers', async () => {
  const body = JSON.stringify({ ...completion, error: { message } });
  const { text } = await ask(false, (to) =>
    to.end(body.replace('{', '{"seed":12345678901234567890,')),
  );
  expect(text).toContain(WORDS);
  expect(text).toContain('12345678901234567890');
  expect(text).toContain('The key [key] is not known.');
});
