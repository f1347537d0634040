import { SettingsReader } from '../../shared/base/settings-reader.ts';
import { readLimits } from '../../shared/settings/read-limits.ts';
import { quantile } from '../measure/statistics.ts';
import { kindOf } from './deployment-faults.ts';
import { createQuestionMaker, type Question } from './question.ts';
import type { Finding } from './read-events.ts';
import { type Result, runLoad } from './run-load.ts';
import { type Services, startApp } from './start-app.ts';

type HangingOptions = {
  readonly services: Services;
  readonly requests: number;
  readonly concurrency: number;
};

/** Times to the end of an answer, in milliseconds. */
type Times = {
  readonly name: string;
  readonly requests: number;
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
};

export type HangingFigures = {
  /** The defaults of the time limits, in ms, and of the failures that open a circuit. */
  readonly defaults: Waits;
  readonly used: Waits;
  readonly rows: readonly Times[];
  /** The p50 of all requests with one deployment hanging, relative to none hanging. */
  readonly ratioP50: number;
  readonly ratioP99: number;
  readonly findings: readonly Finding[];
};

type Waits = {
  readonly firstByteTimeoutMs: number;
  readonly circuitFailures: number;
  readonly circuitOpenMs: number;
};

/** A short limit, as for streams only: the default suits answers that take minutes. */
const SETTINGS = { FIRST_BYTE_TIMEOUT_MS: '1000' };

/**
 * Compares the times of requests, half of them for each deployment, while both answer and while the
 * weak one accepts every question and never answers.
 */
export async function measureHanging(options: HangingOptions): Promise<HangingFigures> {
  const { services, requests, concurrency } = options;
  const app = await startApp(services, SETTINGS);
  const findings: Finding[] = [];
  const maker = createQuestionMaker();
  async function run(count: number, makeOne: (index: number) => Question): Promise<Result[]> {
    const results: Result[] = [];
    await runLoad(
      Array.from({ length: count }, (_, index) => makeOne(index)),
      {
        url: app.url,
        simulator: services.simulator,
        concurrency,
        onResult: (one) => results.push(one),
      },
    );
    findings.push(...results.flatMap((result) => result.findings));
    return results;
  }
  // There are few texts, so that their embeddings are in memory and only deployments cause waiting.
  const textOf = (index: number) => `Question ${index % 100} is asked again and again.`;
  const healthy = (index: number) =>
    maker.chat({ ...kindOf(index), text: textOf(index), due: ['chosen'] });
  const hanging = (index: number) => {
    const kind = kindOf(index);
    const due = [kind.chosen === 'weak' ? 'fallback' : 'chosen'] as const;
    const text = textOf(index);
    return maker.chat({ ...kind, text, markers: '[sim:stall:0@weak]', due });
  };
  try {
    const half = Math.ceil(requests / 2);
    await run(Math.min(1_000, half), healthy);
    const before = await run(half, healthy);
    return { ...compare(before, await run(half, hanging)), findings };
  } finally {
    await app.close();
  }
}

function compare(before: readonly Result[], during: readonly Result[]) {
  const all = [timesOf('both answer', before), timesOf('the weak one hangs', during)] as const;
  const chosen = (name: 'strong' | 'weak') =>
    during.filter(({ question }) => question.chosen === name);
  return {
    defaults: waits({}),
    used: waits(SETTINGS),
    rows: [
      ...all,
      timesOf('  of these: the strong one chosen', chosen('strong')),
      timesOf('  of these: the weak one chosen', chosen('weak')),
    ],
    ratioP50: all[1].p50 / all[0].p50,
    ratioP99: all[1].p99 / all[0].p99,
  };
}

function waits(settings: Readonly<Record<string, string>>): Waits {
  const { firstByteTimeoutMs, circuitFailures, circuitOpenMs } = readLimits(
    new SettingsReader(settings),
  );
  return { firstByteTimeoutMs, circuitFailures, circuitOpenMs };
}

function timesOf(name: string, results: readonly Result[]): Times {
  const times = results.map(({ received }) => received.ms);
  return {
    name,
    requests: times.length,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    longest: quantile(times, 1),
  };
}

export function describeHanging(figures: HangingFigures): string {
  const { defaults, used, rows, ratioP50, ratioP99, findings } = figures;
  const describeWaits = (waits: Waits) =>
    `FIRST_BYTE_TIMEOUT_MS=${waits.firstByteTimeoutMs} CIRCUIT_FAILURES=${waits.circuitFailures} CIRCUIT_OPEN_MS=${waits.circuitOpenMs}`;
  const lines = rows.map(
    ({ name, requests, p50, p99, longest }) =>
      `${name.padEnd(34)} ${String(requests).padStart(6)} requests  p50 ${p50.toFixed(0)} ms  p99 ${p99.toFixed(0)} ms  longest ${longest.toFixed(0)} ms`,
  );
  return [
    `By default: ${describeWaits(defaults)}`,
    `In this run: ${describeWaits(used)}`,
    ...lines,
    `With one deployment hanging: p50 x ${ratioP50.toFixed(2)}, p99 x ${ratioP99.toFixed(2)}; ${findings.length} answers were lost or wrong`,
    ...findings.slice(0, 5).map(({ kind, what }) => `  ${kind}: ${what}`),
  ].join('\n');
}
