import { fileURLToPath } from 'node:url';
import { buildApp } from '../bundle/build-app.ts';
import { startLocalHost } from '../local-host/local-host.ts';
import { startLocalServices } from '../local-services/local-services.ts';
import { formatSpread, medianOf } from './statistics.ts';

const CHAT = '/llm/openai/deployments/smart-router/chat/completions';

/** Starts the app with and without a vector engine in turn, each until its first chat answer. */
export async function measureStarts(rounds: number): Promise<void> {
  const [services] = await Promise.all([startLocalServices({}), buildApp()]);
  const { VECTOR_STORE_FILE, ...without } = services.settings;
  const kinds = { with: { ...without, VECTOR_STORE_FILE }, without };
  const times = { with: [] as number[], without: [] as number[] };
  try {
    // The first start finds nothing in the system's cache, so it is not counted.
    await timeStart(without);
    for (let round = 0; round < rounds; round += 1) {
      for (const kind of ['with', 'without'] as const)
        times[kind].push(await timeStart(kinds[kind]));
    }
  } finally {
    await services.close();
  }
  const difference = medianOf(times.with) - medianOf(times.without);
  console.log(
    `Start to the first chat answer, median of ${rounds}: with the engine ${formatSpread(times.with, 0)} ms, without ${formatSpread(times.without, 0)} ms: ${difference.toFixed(0)} ms`,
  );
}

async function timeStart(settings: Readonly<Record<string, string | undefined>>): Promise<number> {
  const from = performance.now();
  const host = await startLocalHost({
    appFolder: fileURLToPath(new URL('../..', import.meta.url)),
    env: { ...process.env, ...settings, LOG_LEVEL: 'error' },
  });
  try {
    const answer = await fetch(host.url + CHAT, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: 'Hi' }),
    });
    await answer.text();
    if (!answer.ok) throw new Error(`The first answer was ${answer.status}.`);
    return performance.now() - from;
  } finally {
    await host.close();
  }
}
