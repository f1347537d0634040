import type { Progress } from '../command-line/progress.ts';
import { type Spread, spreadOf } from '../measure/statistics.ts';
import type { Load } from './load.ts';
import type { Target } from './targets.ts';

/** One kind of load on one target, over all rounds. */
export type Row = {
  readonly target: string;
  readonly mode: 'plain' | 'streamed';
  readonly connections: number;
  /** The time in ms to the end of a plain answer, or to the first content of a streamed one. */
  readonly p50: Spread;
  readonly p99: Spread;
  /** The difference from direct in the same round; absent for direct itself. */
  readonly added_p50?: Spread;
  readonly added_p99?: Spread;
  readonly requests_per_second: Spread;
  /** Processor time of all threads of the server, in µs per answer. */
  readonly cpu_us?: Spread;
  /** Resident memory in MB, right after the load. */
  readonly memory?: Spread;
  readonly answers: number;
  readonly errors: number;
  /** The rounds in order. */
  readonly rounds: readonly Round[];
};

/** One target's turn in a round. */
export type Round = {
  readonly p50: number;
  readonly p99: number;
  readonly requests_per_second: number;
  readonly cpu_us?: number;
  readonly memory?: number;
  readonly answers: number;
  readonly errors: number;
};

export type MatrixOptions = {
  readonly load: Load;
  readonly targets: readonly Target[];
  readonly connections: readonly number[];
  readonly rounds: number;
  readonly seconds: number;
  readonly modes: readonly Row['mode'][];
  readonly progress: Progress;
};

const WARM_CONNECTIONS = 16;
const WARM_SECONDS = 4;
/**
 * After this many answers V8 has compiled the measured code: the first 10,000 come at half the rate of
 * later ones.
 */
const WARM_ANSWERS = 30_000;
/** The limit of warm-up turns for a slow target. */
const WARM_TURNS = 7;
/** Load before each turn that is not counted: a router that was idle for 20 s starts at 0.8 to 0.9 of its rate. */
const LEAD_IN_SECONDS = 1;

/** Sends load until the measured code is compiled; streams, which are few, have one turn. */
async function warmUp({ load, targets, modes, progress }: MatrixOptions): Promise<void> {
  for (const mode of modes) {
    for (const target of targets.filter((one) => takes(one, mode))) {
      progress.advance(0, `warming ${target.name} up`);
      const turns = mode === 'plain' ? WARM_TURNS : 1;
      const wish = { mode, connections: WARM_CONNECTIONS, seconds: WARM_SECONDS };
      for (let turn = 0, answers = 0; turn < turns && answers < WARM_ANSWERS; turn += 1) {
        answers += (await measureTurn(load, target, wish)).answers;
      }
    }
  }
}

function takes({ isForStreams = true }: Target, mode: Row['mode']): boolean {
  return isForStreams || mode === 'plain';
}

/**
 * Measures each kind of load in rounds. All targets have a turn in each, so that all see the same state of
 * the machine.
 */
export async function measureMatrix(options: MatrixOptions): Promise<Row[]> {
  await warmUp(options);
  const rows: Row[] = [];
  for (const mode of options.modes) {
    for (const connections of options.connections) {
      rows.push(...(await measureCase(options, mode, connections)));
    }
  }
  return rows;
}

async function measureCase(
  { load, targets, rounds, seconds, progress }: MatrixOptions,
  mode: Row['mode'],
  connections: number,
): Promise<Row[]> {
  const taking = targets.filter(
    (one) => takes(one, mode) && connections <= (one.maxConnections ?? connections),
  );
  const all = new Map(taking.map((target) => [target, [] as Round[]]));
  // The first round only warms up. The order rotates, so that no target always follows the same one.
  for (let round = 0; round <= rounds; round += 1) {
    const first = round % taking.length;
    for (const target of [...taking.slice(first), ...taking.slice(0, first)]) {
      await measureTurn(load, target, { mode, connections, seconds: LEAD_IN_SECONDS });
      const one = await measureTurn(load, target, { mode, connections, seconds });
      if (round > 0) all.get(target)?.push(one);
      progress.advance(1, `${mode}, ${connections} connections, ${target.name}`);
    }
  }
  const direct = [...all].find(([{ name }]) => name === 'direct')?.[1];
  return [...all].map(([target, found]) =>
    toRow(target, { mode, connections }, { rounds: found, direct }),
  );
}

async function measureTurn(
  load: Load,
  target: Target,
  turn: Pick<Row, 'mode' | 'connections'> & { readonly seconds: number },
): Promise<Round> {
  const { url, headers, bodies, server } = target;
  const isStreamed = turn.mode === 'streamed';
  const { connections, seconds } = turn;
  const cpuBefore = await server?.cpuMs();
  const result = await load.send({
    url,
    headers,
    connections,
    seconds,
    isStreamed,
    bodies: bodies(isStreamed),
  });
  const cpuMs = server && (await server.cpuMs()) - (cpuBefore ?? 0);
  const { answers, errors, elapsedMs } = result;
  return {
    p50: result.p50,
    p99: result.p99,
    requests_per_second: (1_000 * answers) / elapsedMs,
    ...(cpuMs !== undefined && { cpu_us: (1_000 * cpuMs) / answers }),
    ...(server && { memory: await server.memoryMb() }),
    answers,
    errors,
  };
}

function toRow(
  { name }: Target,
  kind: Pick<Row, 'mode' | 'connections'>,
  {
    rounds,
    direct,
  }: { readonly rounds: readonly Round[]; readonly direct: readonly Round[] | undefined },
): Row {
  const of = (pick: (round: Round) => number) => spreadOf(rounds.map(pick));
  const added = (name: 'p50' | 'p99') =>
    spreadOf(rounds.map((round, index) => round[name] - (direct?.[index]?.[name] ?? Number.NaN)));
  const isServer = rounds[0]?.cpu_us !== undefined;
  return {
    target: name,
    ...kind,
    p50: of((round) => round.p50),
    p99: of((round) => round.p99),
    ...(name !== 'direct' && direct && { added_p50: added('p50'), added_p99: added('p99') }),
    requests_per_second: of((round) => round.requests_per_second),
    ...(isServer && {
      cpu_us: of(({ cpu_us = Number.NaN }) => cpu_us),
      memory: of(({ memory = Number.NaN }) => memory),
    }),
    answers: rounds.reduce((sum, { answers }) => sum + answers, 0),
    errors: rounds.reduce((sum, { errors }) => sum + errors, 0),
    rounds,
  };
}
