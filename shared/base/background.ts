import { setTimeout as delay } from 'node:timers/promises';
import { errorKind, type Log } from './log.ts';

/** How the work of one job has fared, in the answer to `GET /ready`. */
export type JobState = {
  readonly name: string;
  /** The time since it last succeeded, in ms; absent before the first success. */
  readonly success_age_ms?: number;
  /** The kind of the newest failure; absent if none has failed. */
  readonly last_failure?: string;
  readonly failures_in_a_row: number;
};

/** Work that no request waits for. Its failures are logged and counted, and cannot end the process. */
export type Background = {
  /** Does work of a job. Resolves when it has ended, to false if it failed; never throws. */
  run(job: string, work: () => unknown): Promise<boolean>;
  /** Does work again and again, each time after a pause, which does not keep the process alive. */
  repeat(work: () => Promise<unknown>, pauseMs: () => number): void;
  /** The jobs that have run, in the order of their names. */
  states(): readonly JobState[];
  /** Waits for the work under way, at most this long. */
  drain(timeoutMs: number): Promise<void>;
};

type Job = {
  succeededAt?: number;
  lastFailure?: string;
  failures: number;
  /** No failure is logged before this time. */
  quietUntil: number;
  isFailureLogged: boolean;
};

/** The shortest time between two log lines about failures of a job. */
const LOG_EVERY_MS = 10_000;

/** Of the failures in a row only the first is logged: a storage that is away fails every few seconds. */
export function createBackground(log: Log): Background {
  const underWay = new Set<Promise<unknown>>();
  const jobs = new Map<string, Job>();

  function succeed(name: string, job: Job): void {
    if (job.isFailureLogged) log('info', 'background-work-recovered', { job: name });
    job.isFailureLogged = false;
    job.succeededAt = performance.now();
    job.failures = 0;
  }

  function fail(name: string, job: Job, error: unknown): void {
    job.lastFailure = errorKind(error);
    job.failures += 1;
    const now = performance.now();
    if (job.failures > 1 || now < job.quietUntil) return;
    log('warning', 'background-work-failed', { job: name, error: job.lastFailure });
    job.quietUntil = now + LOG_EVERY_MS;
    job.isFailureLogged = true;
  }

  async function attempt(name: string, work: () => unknown): Promise<boolean> {
    const job = jobs.get(name) ?? { failures: 0, quietUntil: 0, isFailureLogged: false };
    jobs.set(name, job);
    try {
      await work();
      succeed(name, job);
      return true;
    } catch (error) {
      fail(name, job, error);
      return false;
    }
  }

  async function repeat(work: () => Promise<unknown>, pauseMs: () => number): Promise<void> {
    for (;;) {
      await delay(pauseMs(), undefined, { ref: false });
      await work();
    }
  }

  return {
    run: (name, work) => {
      const attempted = attempt(name, work).finally(() => underWay.delete(attempted));
      underWay.add(attempted);
      return attempted;
    },
    repeat: (work, pauseMs) => void repeat(work, pauseMs),
    states: () => [...jobs].toSorted(([a], [b]) => a.localeCompare(b)).map(toState),
    drain: async (timeoutMs) => {
      const { promise: timeout, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, timeoutMs);
      await Promise.race([Promise.all(underWay), timeout]);
      clearTimeout(timer);
    },
  };
}

function toState([name, { succeededAt, lastFailure, failures }]: [string, Job]): JobState {
  return {
    name,
    ...(succeededAt !== undefined && {
      success_age_ms: Math.round(performance.now() - succeededAt),
    }),
    ...(lastFailure !== undefined && { last_failure: lastFailure }),
    failures_in_a_row: failures,
  };
}
