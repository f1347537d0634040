import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Azurite, startAzurite } from '../local-services/azurite.ts';
import { contentsOf, createThreadClient, type ThreadClient } from './thread-client.ts';
import { withTwoInstances } from './two-instances.ts';

const CLIENTS = 64;
const THREADS = 16;
/** The time for which the table service is down. */
const AWAY_MS = 3_000;

/**
 * Adds messages from many clients to a few threads on two instances, while the table service is stopped
 * and restarted twice. Each is sent again with its key until it is accepted. Returns how many are not in
 * their thread exactly once.
 */
export async function measureOutage(messages: number): Promise<number> {
  const dataFolder = await mkdtemp(join(tmpdir(), 'smart-router-threads-'));
  let azurite = await startAzurite({ dataFolder });
  const { connectionString } = azurite;
  try {
    return await withTwoInstances(
      async ({ one, other }) => {
        const clients = [one, other].map(({ url }) => createThreadClient(url, CLIENTS / 2));
        const wrong = await run(clients, messages, async () => {
          await azurite.close();
          await delay(AWAY_MS);
          azurite = await startAgain(dataFolder, connectionString);
        });
        await Promise.all(clients.map((client) => client.close()));
        return wrong;
      },
      { TABLES_CONNECTION_STRING: connectionString },
    );
  } finally {
    await azurite.close();
    await rm(dataFolder, { recursive: true, force: true });
  }
}

function startAgain(dataFolder: string, connectionString: string): Promise<Azurite> {
  const tablePort = Number(/TableEndpoint=http:\/\/[^:]+:(\d+)/.exec(connectionString)?.[1]);
  return startAzurite({ dataFolder, tablePort });
}

async function run(
  clients: readonly ThreadClient[],
  messages: number,
  interrupt: () => Promise<void>,
): Promise<number> {
  const [first] = clients;
  if (first === undefined) throw new Error('There is no client.');
  const threads = await Promise.all(Array.from({ length: THREADS }, () => first.create()));
  let [done, next, tries] = [0, 0, 0];
  async function work(_: unknown, index: number): Promise<void> {
    while (next < messages) {
      const message = next;
      next += 1;
      const thread = threads[message % THREADS] ?? '';
      const client = clients[index % clients.length] as ThreadClient;
      const tried = await client.addForSure(thread, `message ${message}`, `key ${message}`);
      tries += tried;
      done += 1;
    }
  }
  const from = performance.now();
  const working = Promise.all(Array.from({ length: CLIENTS }, work));
  for (const share of [1 / 3, 2 / 3]) {
    while (done < messages * share) await delay(20);
    await interrupt();
  }
  await working;
  const seconds = ((performance.now() - from) / 1_000).toFixed(0);
  const { lost, doubled } = await count(first, threads, messages);
  console.log(
    `${messages} messages by ${CLIENTS} clients to ${THREADS} threads on two instances, with the table service down twice: ${lost} lost, ${doubled} doubled; ${tries} tries, ${seconds} s`,
  );
  return lost + doubled;
}

async function count(client: ThreadClient, threads: readonly string[], messages: number) {
  const found = new Map<string, number>();
  for (const thread of threads) {
    for await (const content of contentsOf(client, thread)) {
      found.set(content, (found.get(content) ?? 0) + 1);
    }
  }
  const doubled = [...found.values()].filter((times) => times > 1).length;
  return { lost: messages - found.size, doubled };
}
