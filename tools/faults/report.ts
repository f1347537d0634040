import { isClean, type Tally } from './tally.ts';
import type { WorkerMemory } from './worker-memory.ts';

/** The memory of one app, from its start to its end. */
export type MemoryNote = {
  readonly app: string;
  readonly warm: WorkerMemory;
  readonly atEnd: WorkerMemory;
};

const COLUMNS: readonly (readonly [string, (tally: Tally) => string])[] = [
  ['requests', ({ requests }) => String(requests)],
  ['chosen', ({ chosen }) => String(chosen)],
  ['fallback', ({ fallback }) => String(fallback)],
  ['error', ({ errors }) => String(errors)],
  ['error event', ({ brokenOff }) => String(brokenOff)],
  ['left', ({ left }) => String(left)],
  ['lost', ({ lost }) => String(lost)],
  ['doubled', ({ doubled }) => String(doubled)],
  ['mixed up', ({ mixedUp }) => String(mixedUp)],
  ['malformed', ({ malformed }) => String(malformed)],
  ['not due', ({ notDue }) => String(notDue)],
  ['p50 ms', ({ p50 }) => p50.toFixed(0)],
  ['p99 ms', ({ p99 }) => p99.toFixed(0)],
  ['recovery ms', ({ recoveryMs }) => recoveryMs.toFixed(0)],
];

/** Returns a table of faults and outcomes, examples of defects, the memory, and a summary line. */
export function describeFaults(figures: {
  readonly faults: readonly Tally[];
  readonly memory: readonly MemoryNote[];
  readonly seconds: number;
}): string {
  const { faults, memory, seconds } = figures;
  return [faultTable(faults), '', memoryLines(memory), summary(faults, seconds)].join('\n');
}

function faultTable(tallies: readonly Tally[]): string {
  const rows = [
    ['fault', ...COLUMNS.map(([title]) => title)],
    ...tallies.map((tally) => [tally.name, ...COLUMNS.map(([, read]) => read(tally))]),
  ];
  const widths = rows[0]?.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lines = rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths?.[column] ?? 0;
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  '),
  );
  const wrong = tallies.flatMap(({ name, examples }) => examples.map((one) => `  ${name}: ${one}`));
  return [
    ...lines,
    ...(wrong.length > 0 ? ['', 'What is wrong, for example:', ...wrong] : []),
  ].join('\n');
}

function summary(tallies: readonly Tally[], seconds: number): string {
  const sum = (read: (tally: Tally) => number) =>
    tallies.reduce((total, tally) => total + read(tally), 0);
  const failed = tallies.filter((tally) => !isClean(tally)).length;
  const counts = [
    `${sum((tally) => tally.requests)} requests`,
    `${tallies.length} faults`,
    `${sum(({ lost }) => lost)} lost`,
    `${sum(({ doubled }) => doubled)} answered twice`,
    `${sum(({ mixedUp }) => mixedUp)} mixed up`,
    `${sum(({ malformed }) => malformed)} malformed`,
    `${sum(({ notDue }) => notDue)} not as they had to be`,
  ];
  return `${failed === 0 ? 'ok' : 'not ok'}: ${counts.join(', ')}; ${seconds.toFixed(0)} s`;
}

function memoryLines(notes: readonly MemoryNote[]): string {
  return notes
    .map(
      ({ app, warm, atEnd }) =>
        `Worker memory, ${app}: held ${megabytes(warm.held)} after warm-up, ${megabytes(atEnd.held)} at the end (${growth(warm.held, atEnd.held)}); RSS ${megabytes(warm.rss)}, ${megabytes(atEnd.rss)}`,
    )
    .join('\n');
}

function megabytes(number: number): string {
  return `${number.toFixed(1)} MB`;
}

function growth(from: number, to: number): string {
  return `${to < from ? '' : '+'}${(to - from).toFixed(1)}`;
}
