import { writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { findRegressions } from './bench/check.ts';
import { type ColdStart, measureColdStarts } from './bench/cold-start.ts';
import { type Growth, stepsWorseThanLinear } from './bench/growth.ts';
import { measureMatrix, type Row } from './bench/matrix.ts';
import { formatColdStarts, formatGrowth, formatRows, formatSummary } from './bench/report.ts';
import { type Scene, withBasics, withScene } from './bench/scene.ts';
import { summarize } from './bench/summary.ts';
import { InputError } from './command-line/input-error.ts';
import { createProgress } from './command-line/progress.ts';
import { type CommandLine, runTool } from './command-line/run-tool.ts';
import { installPackages } from './packages/install-packages.ts';

const HELP = `npm run bench [-- --json <file>] [-- --rounds <n>] [-- --seconds <n>]
npm run bench -- --check

Compares the packaged router with Portkey's gateway on this machine (Linux), over loopback, in turn within
one run: calling simulated deployments directly, through the router (the embedding cached in memory, cached in a
table, or made locally), through Portkey, through a minimal proxy, and through the router as an Azure Functions app in
the local host, with an empty function for comparison; plain answers and streams (50 chunks, 5 ms apart), at 1, 16 and 64
connections; the time from the start of the process to the first answer; and how the router's own time grows with
the prompt, the conversation and the fleet. Load is sent by wrk where it is installed, else by autocannon,
and streams by the project's own client.

  --json <file>   writes every row, and a summary, as JSON
  --rounds <n>    measured rounds of each case, after one that warms up (default: 5)
  --seconds <n>   seconds of load in each turn (default: 2)
  --starts <n>    timed starts of each process (default: 10)
  --check         a short run of the router and direct only, in 3 rounds. Exits with 1 when the router has
                  become slower, relative to direct, than tools/bench/recorded.json says
  --only <names>  some of load, starts and growth, separated by commas (default: all)
  --help          this text`;

const PARTS = ['load', 'starts', 'growth'] as const;
type Part = (typeof PARTS)[number];

type Wish = {
  readonly rounds: number;
  readonly seconds: number;
  readonly starts: number;
  readonly json: string | undefined;
  readonly parts: readonly Part[];
};

async function measureAll({ parts, json, ...wish }: Wish, scene: Scene): Promise<void> {
  const rows = parts.includes('load') ? await measureLoad(wish, scene) : [];
  const coldStarts = parts.includes('starts') ? await measureStarts(wish, scene) : [];
  const growth = parts.includes('growth') ? await scene.measureGrowth(wish.rounds) : [];
  const summary = summarize(rows, coldStarts);
  const known = Object.entries(summary).filter(([, value]) => Number.isFinite(value));
  if (json !== undefined) {
    const [cpu] = cpus();
    const machine = { cores: availableParallelism(), cpu: cpu?.model, node: process.version };
    const sent_by = scene.load.by;
    const report = { summary: Object.fromEntries(known), machine, sent_by, options: wish };
    const all = { ...report, rows, cold_starts: coldStarts, growth };
    await writeFile(json, `${JSON.stringify(all, null, 1)}\n`);
  }
  print(rows, coldStarts, growth);
  if (known.length > 0) {
    console.log(`\nSummary\n${formatSummary(known)}`);
  }
  const failed = rows.reduce((sum, { errors }) => sum + errors, 0);
  const steep = stepsWorseThanLinear(growth);
  if (steep.length > 0) console.error(`Worse than linear: ${steep.join('; ')}`);
  if (failed > 0) console.error(`${failed} requests failed.`);
  if (failed > 0 || steep.length > 0) process.exitCode = 1;
}

async function measureLoad(
  { rounds, seconds }: Pick<Wish, 'rounds' | 'seconds'>,
  { load, targets }: Scene,
): Promise<Row[]> {
  const connections = [1, 16, 64];
  const turns = 2 * connections.length * (rounds + 1) * targets.length;
  const progress = createProgress({ label: 'Load', unit: 'turns', total: turns });
  const modes = ['plain', 'streamed'] as const;
  const matrix = { load, targets, connections, rounds, seconds, modes, progress };
  const rows = await measureMatrix(matrix);
  progress.end();
  return rows;
}

async function measureStarts({ starts }: Pick<Wish, 'starts'>, { starters }: Scene) {
  const total = (starts + 1) * starters.length;
  const progress = createProgress({ label: 'Starts', unit: 'starts', total });
  const coldStarts = await measureColdStarts(starters, starts, progress);
  progress.end();
  return coldStarts;
}

function print(
  rows: readonly Row[],
  coldStarts: readonly ColdStart[],
  growth: readonly Growth[],
): void {
  const parts = [
    ...(rows.length > 0 ? [formatRows(rows)] : []),
    ...(coldStarts.length > 0 ? [formatColdStarts(coldStarts)] : []),
    ...(growth.length > 0 ? [formatGrowth(growth)] : []),
  ];
  console.log(parts.join('\n\n'));
}

async function check({ load, targets }: Pick<Scene, 'load' | 'targets'>): Promise<void> {
  const progress = createProgress({ label: 'Check', unit: 'turns' });
  const wish = { rounds: 3, seconds: 2, connections: [16], modes: ['plain'] } as const;
  const rows = await measureMatrix({ load, targets, ...wish, progress });
  progress.end();
  console.log(formatRows(rows));
  const { lines, isWorse } = await findRegressions(rows);
  console.log(`\n${lines.join('\n')}`);
  if (isWorse) process.exitCode = 1;
}

function readWish(commandLine: CommandLine): Wish {
  const rounds = commandLine.integer('rounds', 5);
  const seconds = commandLine.integer('seconds', 2);
  const starts = commandLine.integer('starts', 10);
  if (rounds < 1 || rounds > 50 || seconds < 1 || seconds > 60 || starts < 1 || starts > 100) {
    throw new InputError(
      '--rounds must be from 1 to 50, --seconds from 1 to 60, --starts from 1 to 100.',
    );
  }
  const names = commandLine.text('only')?.split(',') ?? PARTS;
  const parts = PARTS.filter((part) => names.includes(part));
  if (parts.length !== names.length) {
    throw new InputError(`--only takes some of ${PARTS.join(', ')}.`);
  }
  return { rounds, seconds, starts, json: commandLine.text('json'), parts };
}

await runTool({
  help: HELP,
  options: {
    json: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    starts: { type: 'string' },
    check: { type: 'boolean' },
    only: { type: 'string' },
  },
  run: async (commandLine) => {
    const wish = readWish(commandLine);
    if (process.platform !== 'linux') {
      throw new InputError('The benchmark reads process times from /proc: run it on Linux.');
    }
    await installPackages();
    if (commandLine.flag('check')) await withBasics(check);
    else await withScene((scene) => measureAll(wish, scene));
  },
});
