import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { takeStorageAccount } from '../support/azurite.ts';
import { post, type Router, startRouter } from '../support/router.ts';

const RUN = fileURLToPath(new URL('../../tools/run.mjs', import.meta.url));

const azurite = takeStorageAccount();
let router: Router;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'smart-router-outcomes-'));
  const hash = (key: string) => createHash('sha256').update(key).digest('hex');
  router = await startRouter({
    settings: {
      TABLES_CONNECTION_STRING: azurite.connectionString,
      VECTOR_STORE_FILE: ':memory:',
      ROUTER_SCORER: 'knn',
      STRONG_SCORER_MODEL: 'gpt-4-1106-preview',
      WEAK_SCORER_MODEL: 'mixtral-8x7b',
      ROUTER_API_KEYS: `admin=${hash('admin')};role=admin,app=${hash('app')}`,
    },
  });
});
afterAll(async () => {
  await router.close();
  await rm(folder, { recursive: true, force: true });
});

function run(args: readonly string[], key = 'admin') {
  return new Promise<{ code: number; output: string }>((resolve) => {
    execFile(
      process.execPath,
      [RUN, 'data-index', '--url', router.url, ...args],
      { env: { ...process.env, SMART_ROUTER_API_KEY: key } },
      (error, stdout, stderr) =>
        resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
    );
  });
}

const PROOFS = Array.from({ length: 12 }, (_, index) => ({
  prompt: `Prove by induction that the sum of the first ${index + 3} odd numbers is a square.`,
  scores: { 'gpt-4-1106-preview': 1, 'mixtral-8x7b': 0 },
  source: 'proofs',
}));
const GREETINGS = Array.from({ length: 12 }, (_, index) => ({
  prompt: `Write a short friendly birthday greeting for my colleague number ${index}.`,
  scores: { 'gpt-4-1106-preview': 1, 'mixtral-8x7b': 1 },
  source: 'greetings',
}));
const PREFERENCE = { prompt: 'Hi', model_a: 'a', model_b: 'b', winner: 'tie' };

const PROOF = 'Prove by induction that the sum of the first twenty odd numbers is a square.';

async function winRateOf(prompt: string) {
  const body = { prompts: [prompt], routing: { explain: true } };
  const answer = await post(`${router.url}/llm/route`, body, { 'api-key': 'app' });
  expect(answer.status).toBe(200);
  const [decision] = answer.body.data;
  return { winRate: decision.win_rate, similar: decision.similar, scorer: answer.body.scorer };
}

describe('npm run data:index', () => {
  test('fills a store that explains decisions and votes on them', async () => {
    const before = await winRateOf(PROOF);
    expect(before.scorer).toBe('knn+local@2');
    expect(before.similar).toBeUndefined();
    const file = join(folder, 'outcomes.jsonl');
    const rows = [PREFERENCE, ...PROOFS, ...GREETINGS].map((row) => JSON.stringify(row));
    await writeFile(file, rows.join('\n'));
    const { code, output } = await run(['--data', file]);
    expect(output).toMatch(
      /^24 outcomes of gpt-4-1106-preview, mixtral-8x7b are in the vector store vs_/,
    );
    expect(code).toBe(0);
    // A store that is new is noticed after half a minute.
    await expect
      .poll(async () => (await winRateOf(PROOF)).similar?.length, {
        interval: 2_000,
      })
      .toBe(5);
    const after = await winRateOf(PROOF);
    expect(after.similar[0]).toMatchObject({
      score: expect.any(Number),
      outcome: { 'gpt-4-1106-preview': 1, 'mixtral-8x7b': 0, source: 'proofs' },
    });
    expect(after.similar[0].score).toBeGreaterThan(0.8);
    expect(after.similar[0]).not.toHaveProperty('text');
    expect(after.winRate).toBeGreaterThan(before.winRate);
    const greeting = await winRateOf('Write a birthday greeting for a colleague.');
    expect(greeting.winRate).toBeLessThan(after.winRate);
  }, 90_000);

  test('is for admins', async () => {
    const file = join(folder, 'one.jsonl');
    await writeFile(file, JSON.stringify(PROOFS[0]));
    const { code, output } = await run(['--data', file], 'app');
    expect(code).toBe(1);
    expect(output).toContain('This needs an admin');
  });

  test('refuses what it cannot use', async () => {
    expect((await run([])).code).toBe(2);
    const file = join(folder, 'preferences.jsonl');
    await writeFile(file, JSON.stringify(PREFERENCE));
    const { code, output } = await run(['--data', file]);
    expect(code).toBe(2);
    expect(output).toContain('no row with scores');
    const unknown = await run(['--data', join(folder, 'outcomes.jsonl'), '--embedder', 'none']);
    expect(unknown.code).toBe(1);
    expect(unknown.output).toContain('embedder must be one of');
  });
});
