import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { AzureOpenAI } from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { post, ROUTED } from '../support/router.ts';
import { type RouterServer, startServer } from '../support/server.ts';

const JSON_TYPE = { 'content-type': 'application/json' };

describe('the router as its own process', () => {
  let server: RouterServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.stop());

  test('answers public requests', async () => {
    expect(await (await fetch(`${server.url}/health`)).text()).toBe('{"status":"online"}');
    expect(await (await fetch(`${server.url}/ready`)).json()).toMatchObject({ status: 'ready' });
    const page = await fetch(`${server.url}/dashboard`);
    expect(await page.text()).toContain('<title>Smart Router</title>');
  });

  test('routes, and says how', async () => {
    const { status, headers, body } = await post(server.url + ROUTED, { prompt: 'Hi' });
    expect(status).toBe(200);
    expect(body).toMatchObject({ object: 'chat.completion', selected_model: 'gpt-5.6-luna' });
    expect(Number(headers.get('x-smart-router-win-rate'))).toBeGreaterThan(0);
    expect(headers.get('content-length')).toBe(String(Buffer.byteLength(JSON.stringify(body))));
    expect(headers.get('x-smart-router-request-id')).toMatch(/^[0-9a-f-]{36}/);
  });

  test('serves an SDK client, plain and streamed, by the names of its paths', async () => {
    const client = new AzureOpenAI({
      endpoint: `${server.url}/llm`,
      apiKey: 'any',
      apiVersion: '2024-10-21',
      deployment: 'smart-router',
    });
    const messages = [{ role: 'user' as const, content: 'Hi [sim:chunks:5:2]' }];
    const whole = await client.chat.completions.create({ model: 'any', messages });
    const stream = await client.chat.completions.create({ model: 'any', messages, stream: true });
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    expect(text).toBe(whole.choices[0]?.message.content);
  });

  test.each([
    ['GET', ROUTED],
    ['OPTIONS', '/llm/route'],
    ['POST', '/llm/openai/responses'],
  ])('says what there is instead of %s %s', async (method, path) => {
    const response = await fetch(server.url + path, { method });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { code: 'not_found' } });
  });

  test('refuses the same requests as in a host', async () => {
    const forged = await post(server.url + ROUTED, { prompt: 'Hi', Headers: {} });
    expect([forged.status, forged.body.error.param]).toEqual([400, 'headers']);
    const wrong = await post(server.url + ROUTED, 'no JSON');
    expect([wrong.status, wrong.body.error.param]).toEqual([400, 'body']);
    const large = await post(
      server.url + ROUTED,
      { prompt: 'Hi' },
      { 'x-large': 'x'.repeat(70_000) },
    );
    expect([large.status, large.body.error.code]).toEqual([431, 'headers_too_large']);
  });

  test('ends the call of a client that leaves', async () => {
    const body = JSON.stringify({ prompt: 'Hi [sim:chunks:500:20]', stream: true });
    const leaving = new AbortController();
    const request = { method: 'POST', headers: JSON_TYPE, body, signal: leaving.signal };
    const response = await fetch(server.url + ROUTED, request);
    await response.body?.getReader().read();
    leaving.abort();
    await expect.poll(() => server.output()).toContain('"event":"client-gone"');
    await expect.poll(() => server.simulator.requests.at(-1)?.aborted).toBe(true);
  });

  test('lives on when a client breaks off its upload', async () => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.write(
      `POST ${ROUTED} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"prompt":`,
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    expect((await post(server.url + ROUTED, { prompt: 'Hi' })).status).toBe(200);
  });
});

/** Asks through an agent; with a prompt, the answer is a stream that is not read. */
async function ask(url: string, agent: Agent, prompt?: string) {
  const sent = request(url + ROUTED, { method: 'POST', agent, headers: JSON_TYPE });
  sent.end(JSON.stringify({ prompt: prompt ?? 'Hi', stream: prompt !== undefined }));
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  if (prompt === undefined) await once(answer.resume(), 'end');
  return { answer, isReused: sent.reusedSocket };
}

describe('a server that is told to end', () => {
  test('answers on kept and on new connections until the drain is over, and has them closed', async () => {
    const server = await startServer({ DRAIN_MS: '60000' });
    const kept = new Agent({ keepAlive: true, maxSockets: 1 });
    const before = await ask(server.url, kept);
    expect(before.answer.headers.connection).toBe('keep-alive');
    const code = server.stop();
    await expect
      .poll(async () => (await fetch(`${server.url}/ready`)).json())
      .toMatchObject({ status: 'draining' });
    expect((await fetch(`${server.url}/ready`)).status).toBe(503);
    const after = await ask(server.url, kept);
    expect(after.isReused).toBe(true);
    const fresh = await ask(server.url, new Agent());
    for (const { answer } of [after, fresh]) {
      expect([answer.statusCode, answer.headers.connection]).toEqual([200, 'close']);
    }
    // A second signal ends the wait.
    void server.stop();
    expect(await code).toBe(0);
    kept.destroy();
  });

  test('closes a connection with the answer that was under way when the drain ended', async () => {
    const server = await startServer();
    const kept = new Agent({ keepAlive: true });
    const { answer } = await ask(server.url, kept, '[sim:chunks:20:40]');
    expect(answer.headers.connection).toBe('keep-alive');
    const code = server.stop();
    answer.resume();
    await once(answer.socket, 'close');
    expect(answer.complete).toBe(true);
    expect(await code).toBe(0);
  });

  test('completes requests in progress, and accepts no new ones', async () => {
    const server = await startServer();
    const body = JSON.stringify({ prompt: 'Hi [sim:chunks:20:40]', stream: true });
    const response = await fetch(server.url + ROUTED, { method: 'POST', headers: JSON_TYPE, body });
    const text = response.text();
    const code = server.stop();
    await expect.poll(() => fetch(`${server.url}/health`).catch(() => 'refused')).toBe('refused');
    expect(await text).toContain('[DONE]');
    expect(await code).toBe(0);
    expect(server.output()).toContain('"event":"shutdown-done","callsEnded":0');
  });
});

describe('a server does not start', () => {
  test.each([
    ['behind the key of a host that it has not', { FRONT_DOOR: 'function-key' }, 'FRONT_DOOR'],
    ['at a port that is none', { PORT: '70000' }, 'PORT'],
    ['at an address that is not its own', { HOST: '192.0.2.1' }, 'EADDRNOTAVAIL'],
  ])('%s', async (_, settings, what) => {
    await expect(startServer(settings)).rejects.toThrow(what);
  });
});
