import { randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Cron } from 'croner';
import type { TimerFunction } from './messages.ts';
import type { Worker } from './worker-process.ts';

export type Timers = {
  /** Runs a timer now; returns false when none has this name. */
  run(name: string): boolean;
  /** Starts no further runs. */
  stop(): void;
};

type TimersOptions = {
  readonly functions: readonly TimerFunction[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly worker: () => Promise<Worker>;
};

/** The time that .NET writes for an event that never happened. */
const NEVER = '0001-01-01T00:00:00+00:00';

const ADMIN_PATH = /^\/admin\/functions\/([^/]+)\/?$/;

/**
 * Runs timer functions at their times in UTC, as the host does. A function never runs twice
 * concurrently; a failure is reported, and the function runs again at its next time. Throws for an
 * invalid schedule.
 */
export function startTimers({ functions, env, worker }: TimersOptions): Timers {
  const underWay = new Set<string>();
  const lastRuns = new Map<string, string>();
  const enabled = functions.filter(({ name }) => !isOn(env[`AzureWebJobs.${name}.Disabled`]));
  const jobs = new Map(
    enabled.map((one) => [one.name, createJob(one, env, () => start(one.name))]),
  );

  function start(name: string): void {
    if (underWay.has(name)) return;
    underWay.add(name);
    void invoke(name).finally(() => underWay.delete(name));
  }

  async function invoke(name: string): Promise<void> {
    const now = new Date().toISOString();
    const status = {
      Last: lastRuns.get(name) ?? NEVER,
      Next: jobs.get(name)?.nextRun()?.toISOString() ?? NEVER,
      LastUpdated: lastRuns.get(name) ?? NEVER,
    };
    lastRuns.set(name, now);
    try {
      const end = await (await worker()).invoke({
        invocationId: randomUUID(),
        functionName: name,
        traceParent: `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-00`,
        triggerMetadata: {},
        timer: {
          Schedule: { AdjustForDST: false },
          ScheduleStatus: status,
          IsPastDue: false,
        },
      });
      if (end !== 'done') console.error(`[host] The timer ${name} ended as ${end}.`);
    } catch (error) {
      console.error(`[host] The timer ${name} could not be run: ${String(error)}`);
    }
  }

  for (const { name, runOnStartup } of enabled) if (runOnStartup) start(name);
  return {
    run: (name) => {
      const isKnown = functions.some((one) => one.name === name);
      if (isKnown) start(name);
      return isKnown;
    },
    stop: () => {
      for (const job of jobs.values()) job.stop();
    },
  };
}

/**
 * Answers `POST /admin/functions/<name>`, which runs a function without an HTTP trigger. Returns
 * false for any other request.
 */
export function answerAdmin(
  request: IncomingMessage,
  response: ServerResponse,
  timers: Timers,
): boolean {
  const [, name] = ADMIN_PATH.exec(request.url ?? '') ?? [];
  if (name === undefined || request.method !== 'POST') return false;
  request.resume();
  response.writeHead(timers.run(decodeURIComponent(name)) ? 202 : 404, { 'content-length': '0' });
  response.end();
  return true;
}

function createJob(
  { name, schedule }: TimerFunction,
  env: TimersOptions['env'],
  run: () => void,
): Cron {
  const pattern = schedule.replace(/%(\w+)%/g, (_, setting: string) => env[setting] ?? '');
  const what = `The schedule of the timer ${name}, "${pattern}",`;
  if (/^[\d.]+:\d\d:\d\d$/.test(pattern)) {
    throw new Error(`${what} is a time span, which the host accepts only on a dedicated plan.`);
  }
  try {
    return new Cron(pattern, { mode: '5-or-6-parts', timezone: 'UTC', unref: true }, run);
  } catch (error) {
    throw new Error(`${what} is not an NCRONTAB expression: ${String(error)}`);
  }
}

function isOn(setting: string | undefined): boolean {
  return setting === '1' || setting?.toLowerCase() === 'true';
}
