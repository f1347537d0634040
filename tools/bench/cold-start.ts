import { once } from 'node:events';
import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Progress } from '../command-line/progress.ts';
import { type Spread, spreadOf } from '../measure/statistics.ts';
import { freePort, type Program, spawnProgram } from './servers.ts';

export type Starter = {
  readonly name: string;
  readonly program: (port: number) => Program;
  /** The path of the first request. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** The times from the start of a process to its first answer, in ms. */
export type ColdStart = { readonly target: string; readonly ms: Spread; readonly all: number[] };

const LIMIT_MS = 30_000;

/** Times all starters in turn, `repeats` times each. */
export async function measureColdStarts(
  starters: readonly Starter[],
  repeats: number,
  progress: Progress,
): Promise<ColdStart[]> {
  const found = starters.map(({ name }) => ({ target: name, all: [] as number[] }));
  // The first start only brings the files into memory.
  for (let repeat = 0; repeat <= repeats; repeat += 1) {
    for (const [index, starter] of starters.entries()) {
      const ms = await timeStart(starter);
      if (repeat > 0) found[index]?.all.push(ms);
      progress.advance(1, `start of ${starter.name}`);
    }
  }
  return found.map(({ target, all }) => ({ target, ms: spreadOf(all), all }));
}

async function timeStart(starter: Starter): Promise<number> {
  const port = await freePort();
  const from = performance.now();
  const child = spawnProgram(starter.program(port));
  try {
    while (!(await isAnswered(port, starter))) {
      if (child.exitCode !== null || performance.now() - from > LIMIT_MS) {
        throw new Error(`${starter.name} did not start.`);
      }
      await delay(1);
    }
    return performance.now() - from;
  } finally {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
}

/** Returns false while nothing listens on the port. Rejects when the answer is not a 200. */
function isAnswered(port: number, { path, headers, body }: Starter): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, path, method: 'POST', headers }, (answer) => {
      answer.resume().on('end', () => {
        if (answer.statusCode === 200) resolve(true);
        else reject(new Error(`The first answer has the status ${answer.statusCode}.`));
      });
    });
    call.on('error', () => resolve(false));
    call.end(body);
  });
}
