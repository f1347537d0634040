import { setTimeout as delay } from 'node:timers/promises';
import { residentMegabytes } from './process-usage.ts';
import { quantile } from './statistics.ts';
import { contentsOf, createThreadClient, type ThreadClient } from './thread-client.ts';
import { withTwoInstances } from './two-instances.ts';

const MANY = 64;

/** Appends timed for each kind of load, after the warm-up. */
const APPENDS = 1_000;
const WARM_UP = 200;
const TEXT = 'A message of some length, as people write them. '.repeat(4);

const PAGED = 10_000;
const AT_ONCE = 64;
const PASSES = 8;
const SAMPLE_MS = 50;

/** Times adding messages: by one client, by many clients to a thread each, and by many clients to one thread. */
export async function measureAppends(): Promise<void> {
  await withTwoInstances(async ({ one }) => {
    const client = createThreadClient(one.url, MANY);
    const threads = await Promise.all(Array.from({ length: MANY }, () => client.create()));
    const [first = ''] = threads;
    await timeAppends(client, [first], { clients: 1, appends: WARM_UP });
    const kinds = [
      ['1 client', [first], 1],
      [`${MANY} clients, a thread each`, threads, MANY],
      [`${MANY} clients, one thread`, [first], MANY],
    ] as const;
    for (const [name, places, clients] of kinds) {
      const { times, refused } = await timeAppends(client, places, { clients, appends: APPENDS });
      const [half, most] = [0.5, 0.99].map((q) => quantile(times, q).toFixed(1));
      console.log(`Adding a message, ${name}: p50 ${half} ms, p99 ${most} ms, ${refused} refused`);
    }
    await client.close();
  });
}

async function timeAppends(
  client: ThreadClient,
  threads: readonly string[],
  { clients, appends }: { readonly clients: number; readonly appends: number },
) {
  const times: number[] = [];
  let [left, refused] = [appends, 0];
  async function work(_: unknown, index: number): Promise<void> {
    const thread = threads[index % threads.length] ?? '';
    while (left > 0) {
      left -= 1;
      const from = performance.now();
      const status = await client.add(thread, TEXT);
      if (status === 201) times.push(performance.now() - from);
      else refused += 1;
    }
  }
  await Promise.all(Array.from({ length: clients }, work));
  return { times, refused };
}

/** Pages a long thread several times, and reports the peak memory of the app's process. */
export async function measurePaging(): Promise<void> {
  await withTwoInstances(async ({ one }) => {
    const client = createThreadClient(one.url, AT_ONCE);
    const threads = await Promise.all([client.create(), client.create()]);
    const [short = '', long = ''] = threads;
    await fill(client, short, AT_ONCE);
    await fill(client, long, PAGED);
    const sizes: string[] = [];
    for (const [name, thread] of [
      ['short', short],
      ...Array.from({ length: PASSES }, () => ['long', long] as const),
    ] as const) {
      const { peak, count, ms } = await watchPaging(client, thread, one.workerPid());
      sizes.push(`${name}: ${count} messages in ${ms} ms, at most ${peak} MB`);
    }
    console.log(`Paging by 100, the process's memory:\n  ${sizes.join('\n  ')}`);
    await client.close();
  });
}

async function fill(client: ThreadClient, thread: string, messages: number): Promise<void> {
  let left = messages;
  async function work(): Promise<void> {
    while (left > 0) {
      left -= 1;
      await client.addForSure(thread, TEXT.repeat(5), `${left}`);
    }
  }
  await Promise.all(Array.from({ length: 8 }, work));
}

async function watchPaging(client: ThreadClient, thread: string, pid: number) {
  let [peak, count, isDone] = [0, 0, false];
  async function watch(): Promise<void> {
    while (!isDone) {
      peak = Math.max(peak, await residentMegabytes(pid));
      await delay(SAMPLE_MS);
    }
  }
  const watching = watch();
  const from = performance.now();
  for await (const _ of contentsOf(client, thread)) count += 1;
  const ms = Math.round(performance.now() - from);
  isDone = true;
  await watching;
  return { peak, count, ms };
}
