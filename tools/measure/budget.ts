import { Pool } from 'undici';
import { withTwoInstances } from './two-instances.ts';

/** The budget in USD: the cost of a few seconds of simulated answers by the strong model. */
const BUDGET = 0.4;
const CONNECTIONS = 8;
const GIVE_UP_MS = 60_000;
const PRICE = { input: 4, output: 20 };
const PATH = '/llm/openai/deployments/smart-router/chat/completions';

/** Spends a budget on two instances concurrently, and reports by how much it was overspent. */
export async function measureBudget(): Promise<void> {
  await withTwoInstances(async ({ one, other }) => {
    const response = await fetch(`${one.url}/llm/use-cases/metered`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ threshold: 0, daily_budget: BUDGET }),
    });
    if (!response.ok) throw new Error(`The policy was answered ${response.status}.`);
    const from = performance.now();
    let [spent, reachedAt, lastAt] = [0, 0, 0];
    async function work(pool: Pool): Promise<void> {
      // Each connection stops when its instance has noticed that the budget is spent.
      while (performance.now() - from < GIVE_UP_MS) {
        const answer = await ask(pool);
        if (answer.reason === 'budget') return;
        spent += answer.usd;
        lastAt = performance.now() - from;
        if (spent >= BUDGET && reachedAt === 0) reachedAt = lastAt;
      }
    }
    const pools = [one, other].map(({ url }) => new Pool(url, { connections: CONNECTIONS }));
    await Promise.all(
      pools.flatMap((pool) => Array.from({ length: CONNECTIONS }, () => work(pool))),
    );
    await Promise.all(pools.map((pool) => pool.close()));
    const over = ((spent / BUDGET - 1) * 100).toFixed(0);
    const seconds = (ms: number) => (ms / 1000).toFixed(1);
    console.log(
      `A budget of ${BUDGET} USD on two instances: reached after ${seconds(reachedAt)} s, the last strong answer ${seconds(lastAt - reachedAt)} s later, overspent by ${(spent - BUDGET).toFixed(3)} USD (${over}%)`,
    );
  });
}

type Usage = { readonly prompt_tokens: number; readonly completion_tokens: number };

async function ask(pool: Pool): Promise<{ readonly reason: string; readonly usd: number }> {
  const { headers, body } = await pool.request({
    method: 'POST',
    path: PATH,
    headers: { 'content-type': 'application/json', 'x-use-case': 'metered' },
    body: JSON.stringify({ prompt: '[sim:slow:50] Hi' }),
  });
  const { usage } = (await body.json()) as { usage: Usage };
  const usd = (PRICE.input * usage.prompt_tokens + PRICE.output * usage.completion_tokens) / 1e6;
  return { reason: String(headers['x-smart-router-reason']), usd };
}
