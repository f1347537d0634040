import { Agent } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { ask } from './ask.ts';
import { checkAnswer } from './check-answer.ts';
import type { Block, Fault } from './fault.ts';
import type { Question, QuestionMaker } from './question.ts';
import { runLoad } from './run-load.ts';
import type { App, Services } from './start-app.ts';
import { createTally, type Tally, type TallyKeeper } from './tally.ts';

type RunOptions = {
  readonly app: App;
  readonly services: Services;
  readonly maker: QuestionMaker;
  readonly concurrency: number;
  /** Requests in all blocks together; each block gets at least four. */
  readonly requests: number;
};

const MIN_PER_BLOCK = 4;
/** Longer than a circuit stays open, and than Azurite takes to start on a busy machine. */
const RECOVERY_MS = 15_000;

/** Runs one fault, and returns the results of its requests. */
export async function runFault(fault: Fault, options: RunOptions): Promise<Tally> {
  const { app, services, requests } = options;
  const tally = createTally(fault.name);
  const count = Math.max(MIN_PER_BLOCK, Math.ceil(requests / fault.blocks.length));
  const restarts = app.restarts();
  const internalErrors = app.internalErrors();
  for (const [index, block] of fault.blocks.entries()) {
    const isFirst = index === 0;
    await Promise.all([
      runBlock(fault, { ...options, block, count, tally, isFirst }),
      isFirst ? fault.during?.(services) : undefined,
    ]);
    await awaitRecovery(options, tally);
  }
  for (const finding of (await fault.after?.(app, services)) ?? []) tally.note(finding);
  if (app.restarts() > restarts) tally.note({ kind: 'lost', what: 'the worker ended' });
  if (app.internalErrors() > internalErrors) {
    tally.note({ kind: 'not due', what: 'the app answered a request with an internal error' });
  }
  return tally.result();
}

type BlockOptions = RunOptions & {
  readonly block: Block;
  readonly count: number;
  readonly tally: TallyKeeper;
  readonly isFirst: boolean;
};

async function runBlock(fault: Fault, options: BlockOptions): Promise<void> {
  const { app, services, concurrency, block, count, tally, isFirst } = options;
  const spreadMs = isFirst ? (fault.spreadMs ?? 0) : 0;
  await runLoad(questionsOf(block, count), {
    url: app.url,
    simulator: services.simulator,
    concurrency: Math.min(concurrency, count),
    pauseMs: (spreadMs * Math.min(concurrency, count)) / count,
    countsCalls: !fault.losesCalls,
    onResult: tally.add,
  });
}

function* questionsOf(block: Block, count: number): Generator<Question> {
  for (let index = 0; index < count; index += 1) yield block(index);
}

/** Waits until the weak and the strong deployment both answer normally again. */
async function awaitRecovery({ app, maker }: RunOptions, tally: TallyKeeper): Promise<void> {
  const agent = new Agent({ keepAlive: true });
  const startedAt = performance.now();
  const isHealthy = async (chosen: 'weak' | 'strong'): Promise<boolean> => {
    const question = maker.chat({ stream: false, chosen, due: ['chosen'] });
    const { outcome } = checkAnswer(question, await ask(agent, app.url, question));
    return outcome === 'chosen';
  };
  while (!((await isHealthy('weak')) && (await isHealthy('strong')))) {
    if (performance.now() - startedAt > RECOVERY_MS) {
      tally.note({ kind: 'not due', what: `no recovery within ${RECOVERY_MS} ms` });
      break;
    }
    await setTimeout(50);
  }
  agent.destroy();
  tally.recovered(performance.now() - startedAt);
}
