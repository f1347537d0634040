import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import { changeDeployment, simulatedDeployment, withTwoInstances } from './two-instances.ts';

const CONNECTIONS = 16;
const PATH = '/llm/openai/deployments/smart-router/chat/completions';
const NAME = 'comes-and-goes';

/** The time between two changes, so that some requests begin under each. */
const STEP_MS = 150;

/**
 * Sends requests to both instances, every third one streamed, while a deployment is added, changed,
 * paused, resumed and removed repeatedly. Returns how many failed: were refused, or were incomplete.
 */
export async function measureChurn(requests: number): Promise<number> {
  return withTwoInstances(async ({ one, other, simulatorUrl }) => {
    const answered = new Map<string, number>();
    let [left, failed, changes] = [requests, 0, 0];
    const pools = [one, other].map(({ url }) => new Pool(url, { connections: CONNECTIONS }));
    async function work(pool: Pool): Promise<void> {
      while (left > 0) {
        left -= 1;
        const model = await ask(pool, left).catch(() => undefined);
        if (model === undefined) failed += 1;
        else answered.set(model, (answered.get(model) ?? 0) + 1);
      }
    }
    async function change(): Promise<void> {
      const definition = simulatedDeployment(simulatorUrl, 'weak');
      const price = { input: 0.01, output: 0.01 };
      while (left > 0) {
        const steps = [
          [one, { method: 'PUT', definition: { ...definition, price } }],
          [other, { method: 'PATCH', definition: { weight: 2, tags: ['changed'] } }],
          [one, { method: 'PATCH', definition: { deployment: 'strong' } }],
          [other, { method: 'PATCH', definition: { enabled: false } }],
          [one, { method: 'PATCH', definition: { enabled: true } }],
          [one, { method: 'DELETE' }],
        ] as const;
        for (const [{ url }, step] of steps) {
          await changeDeployment(url, NAME, step);
          changes += 1;
          await delay(STEP_MS);
        }
      }
    }
    const workers = pools.flatMap((pool) =>
      Array.from({ length: CONNECTIONS / 2 }, () => work(pool)),
    );
    await Promise.all([...workers, change()]);
    await Promise.all(pools.map((pool) => pool.close()));
    const shares = [...answered].map(([model, count]) => `${model} ${count}`).join(', ');
    console.log(
      `${requests} requests to two instances under ${changes} changes: ${failed} failed; answered by ${shares}`,
    );
    return failed;
  });
}

/** Returns the model that answered; throws when the answer is missing or incomplete. */
async function ask(pool: Pool, index: number): Promise<string> {
  const stream = index % 3 === 0;
  const { statusCode, headers, body } = await pool.request({
    method: 'POST',
    path: PATH,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: `[sim:slow:20] Hi, number ${index}`, stream }),
  });
  const text = await body.text();
  const isWhole = stream
    ? text.trimEnd().endsWith('data: [DONE]')
    : JSON.parse(text).response !== null;
  if (statusCode !== 200 || !isWhole) throw new Error(`Answered ${statusCode}.`);
  return String(headers['x-smart-router-selected-model']);
}
