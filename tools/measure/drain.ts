import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { buildApp } from '../bundle/build-app.ts';
import { simulatorSettings } from '../local-services/local-services.ts';
import { type ServerProcess, startServerProcess } from '../local-services/server-process.ts';
import { startSimulator } from '../upstream-simulator/simulator.ts';

type Options = { readonly restarts: number; readonly clients: number };

/** The time between two checks of an instance. */
const CHECK_MS = 500;
/** The longest time that a check waits for its answer. */
const CHECK_TIMEOUT_MS = 1_000;
/** The longest pause between two requests of a client. */
const PAUSE_MS = 200;
const CHAT = '/llm/openai/deployments/smart-router/chat/completions';
const ANSWERED = 'answered';
const BODY = JSON.stringify({ prompt: 'Which city is the capital of France?' });

/** A server of the two, and whether its last check found it ready. */
type Instance = { server: ServerProcess; isReady: boolean };

/** Returns true if every request was answered. */
export async function measureDrain({ restarts, clients }: Options): Promise<boolean> {
  await buildApp();
  const simulator = await startSimulator();
  const env = { ...simulatorSettings(simulator.url), ROUTER_AUTH: 'none', LOG_LEVEL: 'info' };
  const start = () => startServerProcess({ env });
  const instances = await Promise.all(
    Array.from({ length: 2 }, async (): Promise<Instance> => {
      return { server: await start(), isReady: true };
    }),
  );
  const done = new AbortController();
  const counts = new Map<string, number>();
  const checks = instances.map((one) => check(one, done.signal));
  const asking = Array.from({ length: clients }, () => ask(instances, counts, done.signal));
  try {
    for (let restart = 0; restart < restarts; restart += 1) {
      const one = instances[restart % instances.length];
      if (one === undefined) continue;
      await one.server.stop();
      one.server = await start();
      while (!one.isReady) await delay(CHECK_MS);
    }
  } finally {
    done.abort();
    await Promise.all([...checks, ...asking]);
    await Promise.all(instances.map(({ server }) => server.stop()));
    await simulator.close();
  }
  return report(counts, { restarts, clients });
}

async function check(instance: Instance, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const asked = { signal: AbortSignal.timeout(CHECK_TIMEOUT_MS) };
    const ready = await fetch(`${instance.server.url}/ready`, asked).catch(() => undefined);
    await ready?.arrayBuffer().catch(() => undefined);
    instance.isReady = ready?.ok ?? false;
    await delay(CHECK_MS);
  }
}

/** Sends requests, one at a time, to an instance that is ready, over a connection that is kept. */
async function ask(
  instances: readonly Instance[],
  counts: Map<string, number>,
  signal: AbortSignal,
): Promise<void> {
  const agent = new Agent({ keepAlive: true });
  while (!signal.aborted) {
    const ready = instances.filter(({ isReady }) => isReady);
    const chosen = ready[Math.floor(Math.random() * ready.length)];
    if (chosen !== undefined) {
      const result = await post(chosen.server.url, agent);
      counts.set(result, (counts.get(result) ?? 0) + 1);
    }
    await delay(PAUSE_MS * Math.random());
  }
  agent.destroy();
}

/** Returns what came of it: an answer, a status with its code, or the code of what broke. */
async function post(url: string, agent: Agent): Promise<string> {
  try {
    const headers = { 'content-type': 'application/json', 'content-length': BODY.length };
    const sent = request(url + CHAT, { method: 'POST', agent, headers });
    sent.end(BODY);
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk as Buffer);
    if (answer.statusCode === 200) return ANSWERED;
    const { error } = JSON.parse(Buffer.concat(chunks).toString()) as { error: { code: string } };
    return `${answer.statusCode} ${error.code}`;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

function report(counts: ReadonlyMap<string, number>, { restarts, clients }: Options): boolean {
  const lost = [...counts].filter(([result]) => result !== ANSWERED);
  const kinds = lost.map(([result, count]) => `${count} ${result}`).join(', ');
  console.log(
    `${restarts} restarts of two servers, ${clients} clients: ${counts.get(ANSWERED) ?? 0} requests were answered, ${kinds || 'none was refused or broke'}.`,
  );
  return lost.length === 0;
}
