import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ROUTED, type Router, startRouter } from '../support/router.ts';

const TIMES = { STREAM_OPEN_MS: '300', STREAM_COMMENT_MS: '200' };

/** Every prompt goes to the weak deployment first. */
function ask(router: Router, prompt: string, more: object = {}): Promise<Response> {
  return fetch(router.url + ROUTED, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt, stream: true, routing: { threshold: 1 }, ...more }),
  });
}

/** The texts between blank lines, comments included. */
async function blocksOf(response: Response): Promise<string[]> {
  return (await response.text()).split('\n\n').filter((block) => block !== '');
}

function commentsOf(blocks: readonly string[]): string[] {
  return blocks.filter((block) => block.startsWith(': '));
}

function errorOf(block: string | undefined): unknown {
  return (JSON.parse(block?.slice('data: '.length) ?? '') as { error: unknown }).error;
}

describe('a stream that takes longer than a request may', () => {
  let router: Router;
  beforeAll(async () => {
    router = await startRouter({
      settings: { REQUEST_TIMEOUT_MS: '4000', STREAM_IDLE_TIMEOUT_MS: '3000' },
    });
  });
  afterAll(() => router.close());
  beforeEach(() => router.simulator.reset());

  test('is whole while its chunks keep coming', async () => {
    const startedAt = performance.now();
    const blocks = await blocksOf(await ask(router, '[sim:chunks:30:150]'));
    expect(performance.now() - startedAt).toBeGreaterThan(4_000);
    expect(blocks.at(-1)).toBe('data: [DONE]');
    expect(blocks.join('')).not.toContain('"error"');
  });

  test('is ended when it falls silent, with an error that says by which setting', async () => {
    const blocks = await blocksOf(await ask(router, '[sim:stall:3]'));
    expect(errorOf(blocks.at(-1))).toMatchObject({
      code: 'upstream_timeout',
      message: expect.stringContaining('STREAM_IDLE_TIMEOUT_MS'),
    });
    await expect.poll(() => router.simulator.requests.at(-1)?.aborted).toBe(true);
  });

  test('may be silent before its first content until the time of the request is over', async () => {
    const response = await ask(router, '[sim:silent:60000]');
    expect(response.status).toBe(504);
    expect(await response.json()).toMatchObject({ error: { code: 'upstream_timeout' } });
  });

  test('does not give a plain answer more time', async () => {
    const response = await ask(router, '[sim:slow:60000]', { stream: false });
    expect(response.status).toBe(504);
  });
});

test('a stream is ended by STREAM_TIMEOUT_MS where that is set', async () => {
  const router = await startRouter({ settings: { STREAM_TIMEOUT_MS: '1000' } });
  try {
    const blocks = await blocksOf(await ask(router, '[sim:chunks:1000:50]'));
    expect(errorOf(blocks.at(-1))).toMatchObject({
      code: 'upstream_timeout',
      message: expect.stringContaining('STREAM_TIMEOUT_MS'),
    });
  } finally {
    await router.close();
  }
});

describe('a stream whose first content is late', () => {
  let router: Router;
  beforeAll(async () => {
    router = await startRouter({
      settings: { ...TIMES, FIRST_BYTE_TIMEOUT_MS: '1000', REQUEST_TIMEOUT_MS: '4000' },
    });
  });
  afterAll(() => router.close());
  beforeEach(() => router.simulator.reset());

  test.each([
    ['its headers', '[sim:slow:900]'],
    ['its first event', '[sim:silent:1500]'],
  ])('begins with comments while it waits for %s', async (_, marker) => {
    const response = await ask(router, `Hi ${marker}`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    expect(response.headers.get('x-smart-router-selected-model')).toBe('gpt-5.6-luna');
    expect(response.headers.get('x-smart-router-attempts')).toBe('0');
    const blocks = await blocksOf(response);
    expect(blocks[0]).toMatch(/^: /);
    expect(commentsOf(blocks).length).toBeGreaterThan(2);
    expect(blocks.at(-1)).toBe('data: [DONE]');
  });

  test('can be read by the official client', async () => {
    const client = new OpenAI({
      baseURL: router.url + ROUTED.replace('/chat/completions', ''),
      apiKey: 'none',
      maxRetries: 0,
    });
    const stream = await client.chat.completions.create({
      model: 'router-mf-0.99',
      messages: [{ role: 'user', content: 'Hi [sim:slow:900]' }],
      stream: true,
    });
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    expect(text).toContain('weak');
  });

  test('is answered by another deployment, which a comment and the record tell', async () => {
    const response = await ask(router, 'Hi [sim:stall:0@weak]');
    expect(response.headers.get('x-smart-router-tier')).toBe('weak');
    const blocks = await blocksOf(response);
    expect(blocks.at(-1)).toBe('data: [DONE]');
    const changed = JSON.parse(commentsOf(blocks).at(-1)?.slice(2) ?? '{}');
    expect(changed).toMatchObject({
      'x-smart-router-tier': 'strong',
      'x-smart-router-reason': 'fallback',
      'x-smart-router-attempt-chain': 'weak;upstream_timeout, strong;200',
    });
    // It stands before the first content.
    const told = blocks.findIndex((block) => block.startsWith(': {'));
    expect(told).toBeLessThan(blocks.findIndex((block) => block.includes('"content"')));
    const id = response.headers.get('x-smart-router-request-id');
    await expect
      .poll(() => router.output())
      .toMatch(new RegExp(`"event":"chat".*${id}.*"reason":"fallback"|"reason":"fallback".*${id}`));
  });

  test.each([
    ['an error of every deployment', '[sim:slow:900][sim:500]', 'InternalServerError'],
    ['a refused prompt', '[sim:slow:900][sim:content_filter]', 'content_filter'],
    ['silence to the end', '[sim:stall:0]', 'upstream_timeout'],
  ])('ends with %s as an error event, and without [DONE]', async (_, markers, code) => {
    const response = await ask(router, `Hi ${markers}`);
    expect(response.status).toBe(200);
    const blocks = await blocksOf(response);
    expect(blocks).not.toContain('data: [DONE]');
    expect(errorOf(blocks.at(-1))).toMatchObject({ code });
  });

  test('ends the call to the deployment when its client leaves', async () => {
    const leaving = new AbortController();
    const response = await fetch(router.url + ROUTED, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: '[sim:stall:0]', stream: true }),
      signal: leaving.signal,
    });
    await response.body?.getReader().read();
    leaving.abort();
    await expect.poll(() => router.simulator.requests.at(-1)?.aborted).toBe(true);
  });

  test('that is there in time has neither comments nor other headers', async () => {
    const response = await ask(router, 'Hi');
    expect(response.headers.get('x-smart-router-attempts')).toBe('1');
    expect(commentsOf(await blocksOf(response))).toEqual([]);
  });
});
