import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { post, ROUTED } from '../support/router.ts';
import { type RouterServer, startServer } from '../support/server.ts';

const key = { 'api-key': 'app', 'content-type': 'application/json' };
const routing = { threshold: 1 };
const PROMPT = 'Tell me a long story about a router. '.repeat(40);

let server: RouterServer;
beforeAll(async () => {
  server = await startServer({
    ROUTER_API_KEYS: `app=${createHash('sha256').update('app').digest('hex')}`,
    STRONG_PRICE: '4/20',
    WEAK_PRICE: '2/10',
    REQUEST_TIMEOUT_MS: '2000',
  });
});
afterAll(async () => {
  await server.stop();
});
beforeEach(() => server.simulator.reset());

type Chat = { readonly tokens?: number; readonly usd?: number; readonly status: number };

/** The lines that the router has logged of chats since the text was this long. */
function chatsSince(length: number): Chat[] {
  const lines = server.output().slice(length).split('\n');
  return lines.filter((line) => line.includes('"event":"chat"')).map((line) => JSON.parse(line));
}

/** Asks, leaves after the first bytes or once the deployment has the request, and gives what was settled. */
async function leave(stream: boolean, markers: string): Promise<Chat[]> {
  const before = server.output().length;
  const leaving = new AbortController();
  const answer = fetch(server.url + ROUTED, {
    method: 'POST',
    headers: key,
    body: JSON.stringify({ prompt: `${PROMPT}${markers}`, stream, routing }),
    signal: leaving.signal,
  });
  answer.catch(() => undefined);
  if (stream) await (await answer).body?.getReader().read();
  await expect.poll(() => server.simulator.requests.length).toBe(1);
  leaving.abort();
  await expect.poll(() => chatsSince(before).length).toBe(1);
  await expect.poll(() => server.simulator.requests[0]?.aborted).toBe(true);
  return chatsSince(before);
}

test('a stream that its client leaves is settled by the estimate of what has come', async () => {
  const [chat, ...more] = await leave(true, '[sim:chunks:1000:20]');
  expect(more).toEqual([]);
  expect(chat?.tokens).toBeGreaterThan(200);
  expect(chat?.usd).toBeGreaterThan(0);
});

test('a plain answer that its client does not wait for is settled by its prompt', async () => {
  const [chat, ...more] = await leave(false, '[sim:stall:0]');
  expect(more).toEqual([]);
  expect(chat).toMatchObject({ status: 499 });
  expect(chat?.tokens).toBeGreaterThan(200);
  expect(chat?.usd).toBeGreaterThan(0);
});

test('an answer that does not come in time, or breaks off, is settled, too', async () => {
  for (const marker of ['[sim:stall:0]', '[sim:cut:1@weak][sim:cut:1@strong]']) {
    const before = server.output().length;
    await post(server.url + ROUTED, { prompt: PROMPT + marker, routing }, key);
    await expect.poll(() => chatsSince(before).length).toBe(1);
    expect(chatsSince(before)[0]?.tokens).toBeGreaterThan(200);
  }
});

test('a refusal costs nothing', async () => {
  const before = server.output().length;
  await post(server.url + ROUTED, { prompt: `${PROMPT}[sim:content_filter]`, routing }, key);
  await expect.poll(() => chatsSince(before).length).toBe(1);
  expect(chatsSince(before)[0]).not.toHaveProperty('tokens');
});

test('a caller that leaves early waits for its tokens like others', async () => {
  const limited = await startServer({
    ROUTER_API_KEYS: `app=${createHash('sha256').update('app').digest('hex')}`,
    ROUTER_RATE_LIMITS: 'key=1000/100',
  });
  try {
    const leaving = new AbortController();
    const answer = await fetch(limited.url + ROUTED, {
      method: 'POST',
      headers: key,
      body: JSON.stringify({ prompt: `${PROMPT}[sim:chunks:1000:20]`, stream: true, routing }),
      signal: leaving.signal,
    });
    await answer.body?.getReader().read();
    leaving.abort();
    const next = async () =>
      (await post(limited.url + ROUTED, { prompt: 'Hi', routing }, key)).status;
    await expect.poll(next).toBe(429);
  } finally {
    await limited.stop();
  }
});
