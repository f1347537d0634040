import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readRoutingRows } from '../../tools/model/routing-rows.ts';
import { runTool } from '../fakes/run-tool.ts';
import { takeStorageAccount } from '../support/azurite.ts';
import { post, ROUTED, type Router, startRouter, untilIdsAreSigned } from '../support/router.ts';

type Asked = { readonly deployment: string; readonly text: string };

/** The answers of each deployment, and the requests that they received. */
let say: Record<string, (text: string) => string>;
let asked: Asked[] = [];
/** Three deployments at one address, each with answers set by a test. */
const server = createServer(async (request, response) => {
  const [, deployment = ''] = /deployments\/([^/]+)\//.exec(request.url ?? '') ?? [];
  const body = (await json(request)) as { messages?: { content: string }[]; stream?: boolean };
  const text = body.messages?.at(-1)?.content ?? '';
  asked.push({ deployment, text });
  const content = say[deployment]?.(text) ?? '';
  const usage = { prompt_tokens: 1_000, completion_tokens: 1_000, total_tokens: 2_000 };
  const one = { id: 'chatcmpl-1', model: deployment };
  if (body.stream) {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const events = [
      { ...one, choices: [{ index: 0, delta: { role: 'assistant', content } }] },
      { ...one, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
      { ...one, choices: [], usage },
    ];
    for (const event of events) response.write(`data: ${JSON.stringify(event)}\n\n`);
    response.end('data: [DONE]\n\n');
    return;
  }
  const message = { role: 'assistant', content };
  const choices = [{ index: 0, message, finish_reason: 'stop' }];
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ ...one, choices, usage }));
});

const azurite = takeStorageAccount();
let router: Router;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'smart-router-shadow-'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  router = await start({ SHADOW_DAILY_BUDGET: '100' });
  const judge = {
    model: 'judge',
    scorer_model: null,
    price: { input: 1, output: 1 },
    auth: { type: 'app_setting', name: 'UPSTREAM_KEY_SIM' },
  };
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const put = await fetch(`${router.url}/llm/deployments/judge`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...judge, endpoint }),
  });
  expect(put.status).toBe(201);
});
afterAll(async () => {
  await router.close();
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  asked = [];
  say = {
    weak: () => 'The weak answer.',
    strong: () => 'The strong answer.',
    judge: judgeFor('The strong answer.'),
  };
});

/** Prefers this answer in either position. */
function judgeFor(better: string) {
  return (text: string) => {
    const [first = '', second = ''] = text.split('<second answer>');
    if (first.includes(better) === second.includes(better)) return 'Both alike.\nSAME';
    return `One is right.\n${first.includes(better) ? 'FIRST' : 'SECOND'}`;
  };
}

async function start(settings: Record<string, string>): Promise<Router> {
  const started = await startRouter({
    settings: {
      AZURE_OPENAI_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      TABLES_CONNECTION_STRING: azurite.connectionString,
      STRONG_PRICE: '4/20',
      WEAK_PRICE: '0.2/1.2',
      UPSTREAM_KEY_SIM: 'key-of-the-simulator',
      LOG_CONTENT: 'true',
      SHADOW_SHARE: '1',
      JUDGE_DEPLOYMENT: 'judge',
      ...settings,
    },
  });
  await untilIdsAreSigned(started);
  return started;
}

/** Sends a request, and returns its id. */
async function ask(prompt: string, more: object = { routing: { threshold: 1 } }, to = router) {
  const response = await fetch(to.url + ROUTED, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt, ...more }),
  });
  await response.text();
  return response.headers.get('x-smart-router-request-id') ?? '';
}

async function decisionOf(id: string, to = router) {
  const list = async () => {
    const response = await fetch(`${to.url}/llm/decisions?limit=100`);
    // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape.
    const { data } = (await response.json()) as { data: any[] };
    return data.find((one) => one.request_id === id);
  };
  await expect.poll(async () => (await list())?.request_id).toBe(id);
  return list();
}

function linesOf(event: string, to = router): Record<string, unknown>[] {
  const lines = to
    .output()
    .split('\n')
    .filter((line) => line.includes(`"event":"${event}"`));
  return lines.map((line) => JSON.parse(line));
}

async function verdictOf(id: string, to = router) {
  const find = () => linesOf('shadow', to).find(({ requestId }) => requestId === id);
  await expect.poll(find).toBeDefined();
  return find()?.['verdict'];
}

describe('an answer of the weak model', () => {
  test.each([
    ['plain', {}],
    ['streamed', { stream: true }],
  ])('is compared with the strong one’s in both orders: %s', async (_, more) => {
    const id = await ask('Which is the longest river?', { routing: { threshold: 1 }, ...more });
    expect(await verdictOf(id)).toBe('bad');
    expect(asked.map(({ deployment }) => deployment)).toEqual(['weak', 'strong', 'judge', 'judge']);
    const [, , first, second] = asked;
    for (const { text } of [first, second] as Asked[]) {
      expect(text).toContain('Which is the longest river?');
    }
    const isWeakFirst = ({ text }: Asked) =>
      text.indexOf('weak answer') < text.indexOf('strong answer');
    expect([first, second].map((one) => isWeakFirst(one as Asked)).toSorted()).toEqual([
      false,
      true,
    ]);
    const { outcomes, strong_model: strong } = await decisionOf(id);
    expect(outcomes).toMatchObject([{ verdict: 'bad', source: 'judge', compared_with: strong }]);
    // 24,000 and 2 times 2,000 millionths.
    expect(linesOf('shadow').find(({ requestId }) => requestId === id)?.['usd']).toBeCloseTo(
      0.028,
      6,
    );
  });

  test('that the judge prefers is good, and one that it prefers only by its position is a tie', async () => {
    say['judge'] = judgeFor('The weak answer.');
    expect(await verdictOf(await ask('Who wrote Faust?'))).toBe('good');
    say['judge'] = () => 'FIRST';
    expect(await verdictOf(await ask('Who wrote Emma?'))).toBe('tie');
  });

  test('that is the same needs no judge', async () => {
    say['strong'] = () => 'the  WEAK answer.\n';
    const id = await ask('What is the capital of Peru?');
    expect(await verdictOf(id)).toBe('tie');
    expect(asked.map(({ deployment }) => deployment)).toEqual(['weak', 'strong']);
    expect((await decisionOf(id)).outcomes).toMatchObject([{ verdict: 'tie', source: 'system' }]);
  });

  test('has no outcome where the judge says nothing of use', async () => {
    say['judge'] = () => 'I cannot say.';
    const id = await ask('What is love?');
    expect(await verdictOf(id)).toBeUndefined();
    expect((await decisionOf(id)).outcomes).toEqual([]);
  });
});

describe('nothing is compared', () => {
  test.each([
    ['of the strong model', { routing: { threshold: 0 } }],
    ['of a deployment that is named', { model: 'weak' }],
  ])('%s', async (_, more) => {
    const path = 'model' in more ? '/llm/openai/v1/chat/completions' : ROUTED;
    await post(router.url + path, { prompt: 'Name a tree.', ...more });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(asked).toHaveLength(1);
  });

  test('beyond the budget of the day, which all instances share', async () => {
    const poor = await start({ SHADOW_DAILY_BUDGET: '0.01' });
    try {
      // The others have spent more than that already.
      await expect
        .poll(async () => {
          asked = [];
          await ask('Name a bird.', { routing: { threshold: 1 } }, poor);
          await new Promise((resolve) => setTimeout(resolve, 500));
          return asked.length;
        })
        .toBe(1);
    } finally {
      await poor.close();
    }
  });
});

test.each([
  ['SHADOW_DAILY_BUDGET', { SHADOW_SHARE: '0.1' }],
  ['needs tables', { SHADOW_SHARE: '0.1', SHADOW_DAILY_BUDGET: '1' }],
  ['SHADOW_SHARE', { SHADOW_SHARE: '2' }],
])('refuses to start: %s', async (message, settings) => {
  await expect(startRouter({ settings })).rejects.toThrow(message);
});

describe('npm run data:export', () => {
  async function exported(name: string, ...args: string[]) {
    const out = join(folder, name);
    const result = await runTool('data-export', ['--out', out, '--url', router.url, ...args]);
    const rows = [];
    if (result.code === 0) {
      const lines = (await readFile(out, 'utf8')).trim().split('\n');
      for (const line of lines) rows.push(JSON.parse(line));
    }
    return { ...result, out, rows };
  }

  test('writes preferences of comparisons, and scores of what was said, as training data', async () => {
    const id = await ask('What is a sonnet, for ann@mail.example?', {
      routing: { threshold: 1 },
      n: 1,
    });
    await verdictOf(id);
    say['judge'] = () => 'I cannot say.';
    const said = await ask('What is an ode?');
    await verdictOf(said);
    const verdict = { request_id: said, score: 0.25 };
    expect((await post(`${router.url}/llm/outcomes`, verdict)).status).toBe(201);
    await decisionOf(said);
    const { rows, stdout, out } = await exported('all.jsonl');
    const [strong, weak] = ['gpt-5.6-sol', 'gpt-5.6-luna'];
    expect(rows).toContainEqual({
      source: 'comparisons',
      prompt: 'What is a sonnet, for [email]?',
      costs: { [strong]: 0.024, [weak]: 0.0014 },
      model_a: strong,
      model_b: weak,
      winner: 1,
    });
    expect(rows).toContainEqual({
      source: 'outcomes',
      prompt: 'What is an ode?',
      costs: { [strong]: 0.024, [weak]: 0.0014 },
      scores: { [strong]: 1, [weak]: 0.25 },
    });
    expect(stdout).toMatch(/^(\d+) rows are in .*, \d+ of them comparisons/);
    const read = [];
    for await (const row of readRoutingRows([out], { maxBad: 0, report: () => undefined }))
      read.push(row);
    expect(read).toHaveLength(rows.length);
    const compared = await exported('compared.jsonl', '--compared');
    expect(compared.rows).toHaveLength(rows.length - 1);
    const prompts = await exported('prompts.jsonl', '--prompts');
    expect(prompts.rows.length).toBeGreaterThan(rows.length);
    expect(Object.keys(prompts.rows[0])).toEqual(['source', 'prompt', 'costs']);
  });

  test('says why an outcome gives no row', async () => {
    const id = await ask('What is a limerick?', { routing: { threshold: 0 } });
    const verdict = { request_id: id, verdict: 'good' };
    expect((await post(`${router.url}/llm/outcomes`, verdict)).status).toBe(201);
    await decisionOf(id);
    const { stdout } = await exported('reasons.jsonl');
    expect(stdout).toMatch(
      /^Without a row: \d+ decisions with [1-9]\d* outcomes, since the strong model answered,/m,
    );
  });

  test('refuses to replace a file', async () => {
    await exported('twice.jsonl');
    expect(await exported('twice.jsonl')).toMatchObject({ code: 2 });
  });
});
