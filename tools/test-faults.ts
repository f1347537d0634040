import { buildApp } from './bundle/build-app.ts';
import { InputError } from './command-line/input-error.ts';
import { createProgress } from './command-line/progress.ts';
import { type CommandLine, runTool } from './command-line/run-tool.ts';
import { createFaults } from './faults/faults.ts';
import { describeHanging, measureHanging } from './faults/hanging.ts';
import { describeGrowth, growthOf, measureGrowth } from './faults/memory-growth.ts';
import { createQuestionMaker } from './faults/question.ts';
import { describeFaults } from './faults/report.ts';
import { runFaults } from './faults/run-faults.ts';
import { type Services, startServices } from './faults/start-app.ts';
import { isClean } from './faults/tally.ts';

const FAULTS = createFaults(createQuestionMaker()).map(({ name }) => name);

const HELP = `npm run test:faults [-- --requests <n>] [-- --only <fault>]...
npm run test:faults -- --hanging | --memory <requests>

Starts the built app in the local host, simulated deployments and Azure Storage's emulator, each in
its own process on 127.0.0.1, and provokes faults under load: deployments that cut, stall, refuse, fail
and answer slowly, one or both, plain and streamed; a table service and deployments that are killed and
come back; servers that purge the same table; a storage that is silent, slow, refuses or answers
nonsense; embeddings that fail; clients that leave or read slowly; hostile bodies. Every request has a
number that comes back in its answer, which proves that each got exactly one complete answer, its own,
from the right deployment, and that no deployment was called more often than the answer reports. Exits
with 1 when an answer was lost, doubled, mixed up, malformed or not an expected one, or when memory was
not released.

  --requests <n>       requests of all faults together (default: 10000, which takes three to five minutes)
  --concurrency <n>    concurrent requests (default: 32)
  --only <fault>       runs only this fault; can be given more than once
  --hanging            instead measures the times of requests while one deployment hangs, and while none does
  --memory <requests>  instead measures the worker's memory over this many ordinary requests, after 10000
                       more that warm up
  --json               prints the results as JSON

Faults: ${FAULTS.join('; ')}.`;

/** Growth in MiB above which memory counts as not released. */
const MAX_GROWTH = 20;
/** Circuits that must stay closed open after this many consecutive failures. */
const MAX_REQUESTS = 100_000;

type Run = {
  readonly services: Services;
  readonly commandLine: CommandLine;
  readonly requests: number;
  readonly concurrency: number;
};
type Outcome = { readonly figures: object; readonly text: string; readonly isGood: boolean };

await runTool({
  help: HELP,
  options: {
    requests: { type: 'string' },
    concurrency: { type: 'string' },
    only: { type: 'string', multiple: true },
    hanging: { type: 'boolean' },
    memory: { type: 'string' },
    json: { type: 'boolean' },
  },
  run: async (commandLine) => {
    const concurrency = within(commandLine, 'concurrency', { fallback: 32, max: 200 });
    const requests = within(commandLine, 'requests', { fallback: 10_000, max: MAX_REQUESTS });
    const run = chooseRun(commandLine);
    const [services] = await Promise.all([startServices(), buildApp()]);
    try {
      const { figures, text, isGood } = await run({ services, commandLine, requests, concurrency });
      console.log(commandLine.flag('json') ? JSON.stringify(figures) : text);
      if (!isGood) process.exitCode = 1;
    } finally {
      await services.close();
    }
  },
});

function chooseRun(commandLine: CommandLine): (run: Run) => Promise<Outcome> {
  for (const name of commandLine.all('only')) {
    if (FAULTS.includes(name)) continue;
    throw new InputError(`There is no fault "${name}". There are: ${FAULTS.join('; ')}.`);
  }
  const isMemory = commandLine.text('memory') !== undefined;
  const isHanging = commandLine.flag('hanging');
  const isFaults = commandLine.all('only').length > 0;
  if (Number(isMemory) + Number(isHanging) + Number(isFaults) > 1) {
    throw new InputError('--only, --hanging and --memory exclude each other: give one.');
  }
  if (isHanging) return runHanging;
  if (!isMemory) return runAllFaults;
  const requests = within(commandLine, 'memory', { fallback: 0, max: 1_000_000 });
  return (run) => runMemory({ ...run, requests });
}

function within(
  commandLine: CommandLine,
  name: string,
  { fallback, max }: { readonly fallback: number; readonly max: number },
): number {
  const value = commandLine.integer(name, fallback);
  if (value >= 1 && value <= max) return value;
  throw new InputError(`--${name} must be from 1 to ${max}, got ${value}.`);
}

async function runAllFaults(run: Run): Promise<Outcome> {
  const only = run.commandLine.all('only');
  const isWanted = (name: string) => only.length === 0 || only.includes(name);
  const total = FAULTS.filter(isWanted).length;
  const progress = createProgress({ label: 'Faults', unit: 'faults', total });
  const startedAt = performance.now();
  const figures = await runFaults({ ...run, isWanted, progress }).finally(progress.end);
  const seconds = (performance.now() - startedAt) / 1_000;
  const cameBack = figures.memory.every(({ warm, atEnd }) => atEnd.held - warm.held < MAX_GROWTH);
  return {
    figures: { ...figures, seconds },
    text: describeFaults({ ...figures, seconds }),
    isGood: cameBack && figures.faults.every(isClean),
  };
}

async function runHanging(run: Run): Promise<Outcome> {
  const figures = await measureHanging(run);
  return { figures, text: describeHanging(figures), isGood: figures.findings.length === 0 };
}

async function runMemory(run: Run): Promise<Outcome> {
  const progress = createProgress({ label: 'Sending', unit: 'requests' });
  const onProgress = (requests: number) => progress.advance(requests);
  const figures = await measureGrowth({ ...run, onProgress }).finally(progress.end);
  return {
    figures,
    text: describeGrowth(figures, MAX_GROWTH),
    isGood: growthOf(figures).held < MAX_GROWTH && figures.findings.length === 0,
  };
}
