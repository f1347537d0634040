import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { startSimulator } from '../../tools/upstream-simulator/simulator.ts';
import { post, ROUTED, startRouter } from '../support/router.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(options: Parameters<typeof startRouter>[0] = {}) {
  const router = await startRouter(options);
  closing.push(() => router.close());
  return router;
}

async function ready(url: string) {
  const response = await fetch(`${url}/ready`);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe('GET /health', () => {
  test('answers exactly {"status":"online"}, also without a key', async () => {
    const router = await start({ settings: { ROUTER_API_KEYS: `a=${'0'.repeat(64)}` } });
    const response = await fetch(`${router.url}/health`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.text()).toBe('{"status":"online"}');
  });
});

describe('GET /ready', () => {
  test('names the state of each dependency', async () => {
    const router = await start();
    const scored_as = {
      model: expect.any(String),
      stand_in: true,
      why: expect.stringMatching(/^its name is like "gpt-\*-/),
    };
    expect(await ready(router.url)).toEqual({
      status: 200,
      body: {
        status: 'ready',
        scorer: { state: 'ok', name: expect.stringMatching(/^local@/) },
        embeddings: { state: 'ok', embedder: expect.stringMatching(/^local\//) },
        tables: { state: 'not-used' },
        registry: { state: 'not-used', problems: [] },
        background: expect.arrayContaining([
          { name: 'decisions', success_age_ms: expect.any(Number), failures_in_a_row: 0 },
        ]),
        deployments: [
          { name: 'strong', state: 'ok', scored_as, circuit: 'closed', in_flight: 0, queued: 0 },
          { name: 'weak', state: 'ok', scored_as, circuit: 'closed', in_flight: 0, queued: 0 },
        ],
      },
    });
  });

  test('is degraded when one deployment cannot be reached, refuses the key or is not there, and tells no secrets', async () => {
    const locked = await startSimulator({ apiKey: 'another-key' });
    closing.push(() => locked.close());
    const router = await start({
      settings: { WEAK_ENDPOINT: 'http://127.0.0.1:9', WEAK_API_KEY: 'weak-secret' },
    });
    const lost = await ready(router.url);
    expect(lost.status).toBe(200);
    expect(lost.body).toMatchObject({
      status: 'degraded',
      deployments: [{ state: 'ok' }, { name: 'weak', state: 'unreachable' }],
    });
    const refused = await start({
      settings: { STRONG_ENDPOINT: locked.url, STRONG_API_KEY: 'strong-secret' },
    });
    const unauthorized = await ready(refused.url);
    expect(unauthorized.body).toMatchObject({
      deployments: [{ name: 'strong', state: 'unauthorized' }, { state: 'ok' }],
    });
    const wrong = await start({ settings: { WEAK_DEPLOYMENT: 'nope' } });
    const notFound = await ready(wrong.url);
    expect(notFound.body).toMatchObject({
      status: 'degraded',
      deployments: [{ state: 'ok' }, { name: 'nope', state: 'not-found' }],
    });
    const none = await start({
      settings: { WEAK_DEPLOYMENT: 'nope', STRONG_ENDPOINT: locked.url, STRONG_API_KEY: 'x' },
    });
    expect(await ready(none.url)).toMatchObject({ status: 503, body: { status: 'unavailable' } });
    const text = JSON.stringify([lost.body, unauthorized.body]);
    expect(text).not.toMatch(/secret|127\.0\.0\.1/);
  });
});

test('takes either credential that a client sends', async () => {
  const sha256 = createHash('sha256').update('right').digest('hex');
  const router = await start({ settings: { ROUTER_API_KEYS: `one=${sha256}` } });
  for (const [headers, status] of [
    [{ 'api-key': 'right' }, 200],
    [{ authorization: 'Bearer right' }, 200],
    [{ 'api-key': 'placeholder', authorization: 'Bearer right' }, 200],
    [{ 'api-key': 'right', authorization: 'Bearer wrong' }, 200],
    [{ 'api-key': 'wrong', authorization: 'Bearer wrong' }, 401],
    [{ authorization: 'Basic right' }, 401],
    [{}, 401],
  ] as const) {
    const answer = await post(router.url + ROUTED, { prompt: 'Hi' }, headers);
    expect(answer.status).toBe(status);
  }
  await expect.poll(() => router.output()).toContain('"caller":"one"');
  await expect.poll(() => router.output()).toContain('"event":"request-refused"');
});

describe('keys', () => {
  test('are asked for everywhere but at /health and /ready when none are configured', async () => {
    const router = await start({ settings: { ROUTER_API_KEYS: '' } });
    const chat = await post(router.url + ROUTED, { prompt: 'Hi' }, { 'api-key': 'any' });
    expect(chat.status).toBe(401);
    expect(chat.body.error.message).toContain('ROUTER_API_KEYS');
    expect((await fetch(`${router.url}/llm/openai/v1/models`)).status).toBe(401);
    expect((await post(`${router.url}/llm/route`, { prompts: ['x'] })).status).toBe(401);
  });
});

describe('a start with wrong settings', () => {
  test('fails and lists all problems together, without values that may be keys', async () => {
    const started = start({
      settings: {
        STRONG_DEPLOYMENT: '',
        ROUTER_THRESHOLD: '1.5',
        ROUTER_API_KEYS: 'mine=the-key-itself',
        ROUTER_AUTH: 'none',
        WEAK_ENDPOINT: 'https://user:password@example.com',
        MAX_BODY_BYTES: 'many',
      },
    });
    const error = await started.then(
      () => new Error('It started.'),
      (reason: Error) => reason,
    );
    for (const setting of [
      'STRONG_DEPLOYMENT',
      'ROUTER_THRESHOLD',
      'ROUTER_API_KEYS',
      'ROUTER_AUTH=none',
      'WEAK_ENDPOINT',
      'MAX_BODY_BYTES',
    ]) {
      expect(error.message).toContain(setting);
    }
    expect(error.message).not.toMatch(/the-key-itself|password/);
  });

  test('fails when the scorer is not the file that the registry names', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'smart-router-models-'));
    closing.push(() => rm(folder, { recursive: true }));
    const registry = JSON.parse(await readFile('models/registry.json', 'utf8')) as {
      scorers: { id: string; file: string; sha256: string }[];
    };
    const [entry] = registry.scorers;
    if (entry === undefined) throw new Error('The registry is empty.');
    await copyFile(join('models', entry.file), join(folder, 'scorer.onnx'));
    const { heldOutScores: _, ...rest } = entry as typeof entry & { heldOutScores?: unknown };
    const changed = { ...rest, file: 'scorer.onnx', sha256: 'f'.repeat(64) };
    await writeFile(join(folder, 'registry.json'), JSON.stringify({ scorers: [changed] }));
    await expect(start({ settings: { MODELS_FOLDER: folder } })).rejects.toThrow(/SHA-256/);
  });
});
