import { Agent } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { ask } from './ask.ts';
import { checkAnswer, checkCalls, type Received } from './check-answer.ts';
import type { Question } from './question.ts';
import type { Finding } from './read-events.ts';
import type { SimulatorProcess } from './simulator-process.ts';

export type Result = {
  readonly question: Question;
  readonly received: Received;
  readonly outcome: Question['due'][number] | undefined;
  readonly findings: readonly Finding[];
};

type LoadOptions = {
  readonly url: string;
  readonly simulator: SimulatorProcess;
  readonly concurrency: number;
  /** The wait of each client between an answer and its next question (default: none). */
  readonly pauseMs?: number;
  /** False where deployments are killed, so that calls can be lost on their way. */
  readonly countsCalls?: boolean;
  readonly onResult: (result: Result) => void;
};

/** Sends the questions concurrently, and judges each answer; the calls are counted at the end. */
export async function runLoad(questions: Iterable<Question>, options: LoadOptions): Promise<void> {
  const { url, simulator, concurrency, pauseMs = 0, countsCalls = true } = options;
  // A server closes idle connections after 5 s: one that it may be about to close is not reused.
  const agent = new Agent({
    keepAlive: true,
    maxSockets: concurrency,
    agentKeepAliveTimeoutBuffer: 4_000,
  });
  const iterator = questions[Symbol.iterator]();
  const answered: { readonly question: Question; readonly received: Received }[] = [];
  async function work(): Promise<void> {
    for (let next = iterator.next(); !next.done; next = iterator.next()) {
      const question = next.value;
      const received = await ask(agent, url, question);
      answered.push({ question, received });
      if (pauseMs > 0) await setTimeout(pauseMs);
    }
  }
  await Promise.all(Array.from({ length: concurrency }, work));
  agent.destroy();
  await simulator.settle();
  for (const { question, received } of answered) {
    const { outcome, findings } = checkAnswer(question, received);
    const calls = checkCalls({ question, received }, simulator.callsOf(question.id), countsCalls);
    options.onResult({ question, received, outcome, findings: [...findings, ...calls] });
  }
  simulator.forget();
}
