import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

const TO_WEAK = { threshold: 1 };
const NAMED = '/llm/openai/deployments/weak/chat/completions';
const ANSWERED = 'weak;200';

type Ready = {
  readonly status: string;
  readonly deployments: readonly {
    readonly name: string;
    readonly circuit: string;
    readonly recent?: { readonly failed: number; readonly unclear: number };
  }[];
};

let shared: Router;
beforeAll(async () => {
  shared = await startRouter({ settings: {} });
});
afterAll(() => shared.close());

async function start(settings: Record<string, string> = {}): Promise<Router> {
  const router = await startRouter({ settings, simulator: shared.simulator });
  onTestFinished(() => router.close());
  return router;
}

let count = 0;
function ask({ url }: Router, markers: string, path = ROUTED) {
  count += 1;
  return post(url + path, { prompt: `Question ${count} ${markers}`, routing: TO_WEAK });
}

async function ready({ url }: Router): Promise<Ready> {
  return (await fetch(`${url}/ready`)).json() as Promise<Ready>;
}

async function circuits(router: Router): Promise<Record<string, string>> {
  const { deployments } = await ready(router);
  return Object.fromEntries(deployments.map(({ name, circuit }) => [name, circuit]));
}

/** Asks in turn, and returns the attempts of each request. */
async function askInTurn(router: Router, markers: string, times: number, path = ROUTED) {
  const chains: (string | null)[] = [];
  for (let turn = 0; turn < times; turn += 1) {
    const { headers } = await ask(router, markers, path);
    chains.push(headers.get('x-smart-router-attempt-chain'));
  }
  return chains;
}

/** A deployment that refuses calls without a question as any does, and fails all others. */
async function startDead(
  fail: (response: ServerResponse) => unknown = (response) => response.writeHead(500).end('{}'),
): Promise<string> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      if (body.includes('"messages"')) fail(response);
      else response.writeHead(400).end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('requests that every deployment fails', () => {
  test.each([
    ['alike', '[sim:500@chat]', 'weak;500, strong;500'],
    ['differently', '[sim:500@weak][sim:cut:0@strong]', 'weak;500, strong;upstream_unreachable'],
    ['or refuses', '[sim:500@weak][sim:content_filter@strong]', 'weak;500, strong;400'],
    ['or is too busy for', '[sim:500@weak][sim:429::1@strong]', 'weak;500, strong;429'],
  ])('%s, close the router for nobody', async (_, markers, chain) => {
    const router = await start();
    expect(new Set(await askInTurn(router, markers, 12))).toEqual(new Set([chain]));
    expect(await circuits(router)).toEqual({ strong: 'closed', weak: 'closed' });
    expect(await askInTurn(router, '', 1)).toEqual([ANSWERED]);
  });

  test('close it for nobody where they are one prompt again and again, at the same time', async () => {
    const router = await start();
    const prompt = 'The same [sim:500@chat]';
    const body = { prompt, routing: TO_WEAK };
    const all = await Promise.all(
      Array.from({ length: 30 }, () => post(router.url + ROUTED, body)),
    );
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([500]));
    expect(await askInTurn(router, '', 1)).toEqual([ANSWERED]);
  });

  test('close it for nobody where they name their deployment, which is asked something itself, once', async () => {
    const router = await start();
    const before = shared.simulator.requests.length;
    expect(new Set(await askInTurn(router, '[sim:500]', 15, NAMED))).toEqual(new Set(['weak;500']));
    const { deployments } = await ready(router);
    expect(deployments).toMatchObject([{}, { name: 'weak', circuit: 'closed' }]);
    const questions = shared.simulator.requests
      .slice(before)
      .filter(({ body }) => JSON.stringify(body).includes('"content":"Hi"'));
    expect(questions).toHaveLength(1);
  });

  test('are told in /ready', async () => {
    const router = await start();
    await askInTurn(router, '[sim:500@chat]', 2);
    expect((await ready(router)).deployments).toMatchObject([
      { recent: { failed: 0, unclear: 2 } },
      { recent: { failed: 0, unclear: 2 } },
    ]);
  });

  test('end the pause of a deployment that works again, as any trial does', async () => {
    const router = await start({ CIRCUIT_OPEN_MS: '500' });
    await askInTurn(router, '[sim:500@weak]', 5);
    await expect.poll(() => circuits(router)).toMatchObject({ weak: 'half-open' });
    await ask(router, '[sim:500@chat]');
    await expect.poll(() => circuits(router)).toMatchObject({ weak: 'closed' });
  });

  test('of the embeddings route close it for nobody', async () => {
    const router = await start();
    const path = `${router.url}/llm/openai/deployments/embedding/embeddings`;
    for (let turn = 0; turn < 8; turn += 1) {
      expect((await post(path, { input: `[sim:500] ${turn}` })).status).toBe(500);
    }
    expect((await post(path, { input: 'Hi' })).status).toBe(200);
  });
});

describe('a deployment that fails everything is found', () => {
  test('after five requests that another one answers', async () => {
    const router = await start({ WEAK_ENDPOINT: await startDead(), WEAK_API_KEY: 'key' });
    const chains = await askInTurn(router, '', 6);
    expect(chains.slice(0, 5)).toEqual(Array(5).fill('weak;500, strong;200'));
    expect(await ready(router)).toMatchObject({
      status: 'degraded',
      deployments: [
        { name: 'strong', circuit: 'closed' },
        { name: 'weak', circuit: 'open', recent: { failed: 5 } },
      ],
    });
  });

  test('where its answers of status 200 break off', async () => {
    const router = await start();
    const chains = await askInTurn(router, '[sim:cut:1@weak]', 6);
    expect(chains.at(0)).toBe('weak;upstream_incomplete, strong;200');
    expect(await circuits(router)).toEqual({ strong: 'closed', weak: 'open' });
  });

  const failure = JSON.stringify({ error: { code: 502, message: 'Bad gateway' } });
  test.each([
    ['with a status', (response: ServerResponse) => response.writeHead(500).end('{}')],
    ['in an answer of status 200', (response: ServerResponse) => response.end(failure)],
    [
      'in a stream of status 200',
      (response: ServerResponse) =>
        response
          .writeHead(200, { 'content-type': 'text/event-stream' })
          .end(`data: ${failure}\n\n`),
    ],
  ])('where requests name it and it fails %s', async (_, fail) => {
    const router = await start({ WEAK_ENDPOINT: await startDead(fail), WEAK_API_KEY: 'key' });
    await askInTurn(router, '', 5, NAMED);
    await expect.poll(() => circuits(router)).toEqual({ strong: 'closed', weak: 'open' });
    const { status, body } = await ask(router, '', NAMED);
    expect(status).toBe(503);
    expect(body.error.code).toBe('circuit_open');
  });

  test('where the others fail everything, too', async () => {
    const endpoint = await startDead();
    const router = await start({
      WEAK_ENDPOINT: endpoint,
      WEAK_API_KEY: 'key',
      STRONG_ENDPOINT: endpoint,
      STRONG_API_KEY: 'key',
    });
    await askInTurn(router, '', 5);
    await expect.poll(() => circuits(router)).toEqual({ strong: 'open', weak: 'open' });
    expect(await ready(router)).toMatchObject({ status: 'unavailable' });
  });
});
