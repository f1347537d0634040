import { fileURLToPath } from 'node:url';
import { buildApp } from '../bundle/build-app.ts';
import { startLocalHost } from '../local-host/local-host.ts';
import { startLocalServices } from '../local-services/local-services.ts';
import { load } from './load.ts';
import { formatSpread } from './statistics.ts';

const PROMPTS = 1_000;
const PROMPT_CHARACTERS = 500;
const TEXT = 'Explain in plain words why a heat pump still warms a house in winter, with figures. ';

/** Times requests for decisions on many prompts; the first reaches an app that has not answered any request yet. */
export async function measureBatch(
  settings: Readonly<Record<string, string>>,
  rounds: number,
): Promise<void> {
  const [services] = await Promise.all([startLocalServices(settings), buildApp()]);
  const host = await startLocalHost({
    appFolder: fileURLToPath(new URL('../..', import.meta.url)),
    env: { ...process.env, ...services.settings, LOG_LEVEL: 'warning' },
  });
  try {
    const prompts = Array.from({ length: PROMPTS }, (_, index) =>
      `${index} ${TEXT.slice(index % TEXT.length)}${TEXT.repeat(6)}`.slice(0, PROMPT_CHARACTERS),
    );
    const target = { url: `${host.url}/llm/route`, body: JSON.stringify({ prompts }) };
    const samples = await load(target, { connections: 1, requests: rounds + 1 });
    const [first, ...later] = samples.map(({ ms }) => ms);
    console.log(
      `Decisions on ${PROMPTS} prompts in one request, in ms: first ${first?.toFixed(0)}, then ${formatSpread(later, 0)}`,
    );
  } finally {
    await host.close();
    await services.close();
  }
}
