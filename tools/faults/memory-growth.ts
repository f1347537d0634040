import { randomInt } from 'node:crypto';
import { kindOf } from './deployment-faults.ts';
import { createQuestionMaker } from './question.ts';
import type { Finding } from './read-events.ts';
import { runLoad } from './run-load.ts';
import { type Services, startApp } from './start-app.ts';
import type { WorkerMemory } from './worker-memory.ts';

type GrowthOptions = {
  readonly services: Services;
  /** Requests after the warm-up. */
  readonly requests: number;
  readonly concurrency: number;
  readonly onProgress: (requests: number) => void;
};

export type MemoryFigures = {
  /** Memory in MiB and the requests since the warm-up; the first step is right after the warm-up. */
  readonly steps: readonly (WorkerMemory & { readonly requests: number })[];
  readonly findings: readonly Finding[];
};

const WARM_UP = 10_000;
/** More texts than embeddings in memory, so that some embeddings are read from tables or made again. */
const TEXTS = 5_500;
const STEPS = 10;
const MAX_MS = 20 * 60_000;

/** Sends ordinary requests, plain and streamed, and measures the worker's memory ten times. */
export async function measureGrowth(options: GrowthOptions): Promise<MemoryFigures> {
  const { services, requests, concurrency, onProgress } = options;
  const app = await startApp(services, {});
  const maker = createQuestionMaker();
  const findings: Finding[] = [];
  const startedAt = performance.now();
  let count = 0;
  function next() {
    count += 1;
    // The warm-up fills the app's memory; most of the random texts after it are found there.
    const number = count <= WARM_UP ? count % TEXTS : randomInt(TEXTS);
    const text = `Question ${number} is asked again and again.`;
    return maker.chat({ ...kindOf(count), text, due: ['chosen'] });
  }
  async function send(length: number): Promise<void> {
    await runLoad(Array.from({ length }, next), {
      url: app.url,
      simulator: services.simulator,
      concurrency,
      onResult: (result) => findings.push(...result.findings),
    });
    onProgress(length);
  }
  try {
    await send(Math.min(WARM_UP, requests));
    const steps = [{ requests: 0, ...(await app.memory()) }];
    for (let step = 1; step <= STEPS; step += 1) {
      if (performance.now() - startedAt > MAX_MS) {
        findings.push({ kind: 'not due', what: `not all was sent within ${MAX_MS} ms` });
        break;
      }
      await send(Math.ceil(requests / STEPS));
      steps.push({ requests: step * Math.ceil(requests / STEPS), ...(await app.memory()) });
    }
    return { steps, findings };
  } finally {
    await app.close();
  }
}

/** Returns the growth of the worker's memory between the warm-up and the end, in MiB. */
export function growthOf({ steps }: MemoryFigures): WorkerMemory {
  const [first, last] = [steps[0], steps.at(-1)];
  return {
    held: (last?.held ?? Number.NaN) - (first?.held ?? Number.NaN),
    rss: (last?.rss ?? Number.NaN) - (first?.rss ?? Number.NaN),
  };
}

export function describeGrowth(figures: MemoryFigures, maxGrowth: number): string {
  const { held, rss } = growthOf(figures);
  return [
    'Worker memory after the warm-up, in MB: held = heap and buffers after a garbage collection, RSS = the whole process',
    ...figures.steps.map(
      (step) =>
        `${String(step.requests).padStart(7)} requests  held ${step.held.toFixed(1)}  RSS ${step.rss.toFixed(1)}`,
    ),
    `Growth: held ${held.toFixed(1)} (at most ${maxGrowth}), RSS ${rss.toFixed(1)}; ${figures.findings.length} answers were lost or wrong`,
    ...figures.findings.slice(0, 5).map(({ kind, what }) => `  ${kind}: ${what}`),
  ].join('\n');
}
