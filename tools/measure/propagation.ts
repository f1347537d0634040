import { setTimeout as delay } from 'node:timers/promises';
import { quantile } from './statistics.ts';
import { changeDeployment, simulatedDeployment, withTwoInstances } from './two-instances.ts';

const NAME = 'comes-and-goes';

/** The time between two looks at the second instance. */
const LOOK_MS = 10;

/** A change that the second instance has not seen by then is a failure. */
const GIVE_UP_MS = 30_000;

/** Times changes from the first instance's answer to their effect on the second; returns the slowest, in ms. */
export async function measurePropagation(changes: number): Promise<number> {
  const times = await withTwoInstances(async ({ one, other, simulatorUrl }) => {
    const taken: number[] = [];
    await changeDeployment(one.url, NAME, {
      method: 'PUT',
      definition: simulatedDeployment(simulatorUrl, 'weak'),
    });
    await seen(other.url, true);
    for (let change = 0; change < changes; change += 1) {
      const enabled = change % 2 === 1;
      // A random delay keeps the change out of step with the clock by which the other instance looks.
      await delay(Math.random() * 1_000);
      await changeDeployment(one.url, NAME, { method: 'PATCH', definition: { enabled } });
      const from = performance.now();
      await seen(other.url, enabled);
      taken.push(performance.now() - from);
    }
    return taken;
  });
  const [half, most] = [quantile(times, 0.5), Math.max(...times)].map((ms) => ms.toFixed(0));
  console.log(
    `A change to its effect on a second instance, in ms, of ${changes}: p50 ${half}, max ${most}`,
  );
  return Math.max(...times);
}

/** Waits until the instance lists the deployment, or until it no longer does. */
async function seen(url: string, isListed: boolean): Promise<void> {
  const giveUpAt = performance.now() + GIVE_UP_MS;
  while (performance.now() < giveUpAt) {
    const response = await fetch(`${url}/llm/openai/v1/models`);
    const { data } = (await response.json()) as { data: readonly { id: string }[] };
    if (data.some(({ id }) => id === 'comes-and-goes') === isListed) return;
    await delay(LOOK_MS);
  }
  throw new Error(`A change was not seen within ${GIVE_UP_MS} ms.`);
}
