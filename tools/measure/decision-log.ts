import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import { withTwoInstances } from './two-instances.ts';

const CONNECTIONS = 16;
const CHAT = '/llm/openai/deployments/smart-router/chat/completions';

/** The wait for all decisions to be written: longer than they are held back. */
const SETTLED_MS = 6_000;

/** The instance is killed this long after the load begins. */
const KILL_AFTER_MS = 5_000;

type Json = Readonly<Record<string, unknown>>;

/** Returns how many decisions and outcomes were lost while no instance was killed. */
export async function measureDecisionLog(requests: number): Promise<number> {
  return withTwoInstances(async ({ one, other }) => {
    const pools = [one, other].map(({ url }) => new Pool(url, { connections: CONNECTIONS }));
    const [first, second] = pools as [Pool, Pool];
    await untilSigned(first, second);
    const useCase = 'measured';
    const from = performance.now();
    const afterwards = async (id: string) => {
      const answer = await post(second, '/llm/outcomes', { request_id: id, verdict: 'good' });
      return answer.status === 201;
    };
    const sent = await load(first, { useCase, requests, afterwards });
    const seconds = (performance.now() - from) / 1_000;
    await delay(SETTLED_MS);
    const kept = await readAll(second, useCase);
    const joined = kept.filter(({ outcomes }) => (outcomes as readonly Json[]).length === 1).length;
    console.log(
      `${requests} requests with an outcome each, reported to another instance right after the answer: ${Math.round(requests / seconds)} a second; ${kept.length} decisions kept, ${sent.accepted} outcomes accepted, ${joined} joined`,
    );
    await measureKill(one.workerPid(), first, second);
    await Promise.all(pools.map((pool) => pool.destroy()));
    return requests - kept.length + (requests - joined);
  });
}

/** Kills an instance under load, and reports how many of its answered requests have no decision. */
async function measureKill(pid: number, first: Pool, second: Pool): Promise<void> {
  const useCase = 'killed';
  const from = performance.now();
  const loading = load(first, { useCase, requests: Number.POSITIVE_INFINITY });
  await delay(KILL_AFTER_MS);
  process.kill(pid, 'SIGKILL');
  const { answered } = await loading;
  const seconds = (performance.now() - from) / 1_000;
  await delay(SETTLED_MS);
  const kept = await readAll(second, useCase);
  const rate = answered / seconds;
  const lost = answered - kept.length;
  console.log(
    `Killed under ${Math.round(rate)} requests a second: of ${answered} answered requests ${lost} decisions lost, those of ${(lost / rate).toFixed(1)} s`,
  );
}

/** Waits until both instances know the key that signs request ids. */
async function untilSigned(first: Pool, second: Pool): Promise<void> {
  for (;;) {
    const { id } = await chat(first, 'warm-up');
    const { status } = await post(second, '/llm/outcomes', { request_id: id, verdict: 'good' });
    if (status === 201) return;
    await delay(100);
  }
}

type LoadOptions = {
  readonly useCase: string;
  readonly requests: number;
  /** Resolves to whether the outcome for this request id was accepted. */
  readonly afterwards?: (id: string) => Promise<boolean>;
};

/** Sends the given number of requests, or stops at the first that fails. */
async function load(pool: Pool, { useCase, requests, afterwards }: LoadOptions) {
  let [left, answered, accepted, isOver] = [requests, 0, 0, false];
  async function work(): Promise<void> {
    while (left > 0 && !isOver) {
      left -= 1;
      const { status, id } = await chat(pool, useCase).catch(() => ({ status: 0, id: '' }));
      if (status !== 200) {
        isOver = true;
        return;
      }
      answered += 1;
      const isAccepted = await afterwards?.(id);
      if (isAccepted === true) accepted += 1;
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
  return { answered, accepted };
}

async function chat(pool: Pool, useCase: string) {
  const { statusCode, headers, body } = await pool.request({
    method: 'POST',
    path: CHAT,
    headers: { 'content-type': 'application/json', 'x-use-case': useCase },
    body: '{"prompt":"Hi"}',
  });
  await body.text();
  return { status: statusCode, id: String(headers['x-smart-router-request-id']) };
}

async function post(pool: Pool, path: string, json: Json): Promise<{ readonly status: number }> {
  const { statusCode, body } = await pool.request({
    method: 'POST',
    path,
    body: JSON.stringify(json),
    headers: { 'content-type': 'application/json' },
  });
  await body.text();
  return { status: statusCode };
}

async function readAll(pool: Pool, useCase: string): Promise<readonly Json[]> {
  const all: Json[] = [];
  for (let after = ''; ; ) {
    const path = `/llm/decisions?limit=100&use_case=${useCase}${after}`;
    const { body } = await pool.request({ method: 'GET', path });
    const page = (await body.json()) as { data: Json[]; has_more: boolean };
    all.push(...page.data);
    if (!page.has_more) return all;
    after = `&after=${String(all.at(-1)?.['request_id'])}`;
  }
}
