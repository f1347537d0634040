import { setTimeout } from 'node:timers/promises';
import type { Progress } from '../command-line/progress.ts';
import type { Fault } from './fault.ts';
import { CACHE_ENTRIES, createFaults } from './faults.ts';
import { MAX_BODY_BYTES } from './hostile-bodies.ts';
import { createQuestionMaker, type QuestionMaker } from './question.ts';
import type { MemoryNote } from './report.ts';
import { runFault } from './run-fault.ts';
import { type App, type Services, startApp } from './start-app.ts';
import type { Tally } from './tally.ts';

type FaultsOptions = {
  readonly services: Services;
  /** Requests of all faults together. */
  readonly requests: number;
  readonly concurrency: number;
  readonly isWanted: (name: string) => boolean;
  readonly progress: Progress;
};

export type FaultsFigures = {
  readonly faults: readonly Tally[];
  readonly memory: readonly MemoryNote[];
};

/** The settings of the app under test: time limits short enough to be reached, and circuits that do not open. */
const SETTINGS = {
  FIRST_BYTE_TIMEOUT_MS: '1000',
  REQUEST_TIMEOUT_MS: '4000',
  STREAM_IDLE_TIMEOUT_MS: '4000',
  EMBEDDING_TIMEOUT_MS: '1000',
  EMBEDDING_CACHE_ENTRIES: String(CACHE_ENTRIES),
  MAX_BODY_BYTES: String(MAX_BODY_BYTES),
  CIRCUIT_FAILURES: '1000',
  // The circuit of the embeddings opens nevertheless.
  CIRCUIT_OPEN_MS: '100',
};
const CIRCUITS = { CIRCUIT_FAILURES: '5', CIRCUIT_OPEN_MS: '1000' };

const WARM_UP_REQUESTS = 200;
/** The time for connections to close and for unread streams to end. */
const IDLE_MS = 5_000;

/** Runs all faults: those that need circuits run on a separate app. */
export async function runFaults(options: FaultsOptions): Promise<FaultsFigures> {
  const { services, isWanted } = options;
  const maker = createQuestionMaker();
  const wanted = createFaults(maker).filter(({ name }) => isWanted(name));
  const faults: Tally[] = [];
  const memory: MemoryNote[] = [];
  for (const circuits of [false, true]) {
    const chosen = wanted.filter((fault) => (fault.circuits ?? false) === circuits);
    if (chosen.length === 0) continue;
    const app = await startApp(services, { ...SETTINGS, ...(circuits && CIRCUITS) });
    try {
      const context = { ...options, app, maker, weights: weightsOf(wanted) };
      const name = circuits ? 'circuits open after 5 failures' : 'circuits out of the way';
      memory.push({ app: name, ...(await runOn(chosen, context, (one) => faults.push(one))) });
    } finally {
      await app.close();
    }
  }
  return { faults, memory };
}

type Context = FaultsOptions & {
  readonly app: App;
  readonly maker: QuestionMaker;
  /** The sum of the weights of all faults, by which they share the requests. */
  readonly weights: number;
};

async function runOn(
  faults: readonly Fault[],
  context: Context,
  onTally: (tally: Tally) => void,
): Promise<Omit<MemoryNote, 'app'>> {
  const { app, requests, weights, progress } = context;
  const [ordinary] = createFaults(context.maker);
  if (ordinary !== undefined) await runFault(ordinary, { ...context, requests: WARM_UP_REQUESTS });
  const warm = await app.memory();
  for (const fault of faults) {
    const share = Math.ceil((weightsOf([fault]) / weights) * requests);
    onTally(await runFault(fault, { ...context, requests: share }));
    progress.advance(1, fault.name);
  }
  await setTimeout(IDLE_MS);
  return { warm, atEnd: await app.memory() };
}

function weightsOf(faults: readonly Fault[]): number {
  return faults.reduce((sum, { weight = 1 }) => sum + weight, 0);
}
