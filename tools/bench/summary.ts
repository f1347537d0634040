import { medianOf } from '../measure/statistics.ts';
import type { ColdStart } from './cold-start.ts';
import type { Row } from './matrix.ts';

/** The router with cached embeddings compared with Portkey's gateway, in one run. */
export type Summary = {
  /** Requests a second at 16 connections, as a multiple of Portkey's. */
  readonly rps16_vs_portkey: number;
  /** The time added to the p50 of direct at one connection, as a share of the time that Portkey adds. */
  readonly added_p50_1_vs_portkey: number;
  /** The delay of the first token compared with direct, in ms, at p50. */
  readonly first_token_ms_1: number;
  readonly first_token_ms_16: number;
  /** The time from start to first answer, as a share of Portkey's. */
  readonly cold_start_vs_portkey: number;
  /** Resident memory right after the plain load, as a share of Portkey's. */
  readonly memory_vs_portkey: number;
};

const ROUTER = 'router, LRU';
const PORTKEY = 'portkey';

export function summarize(rows: readonly Row[], coldStarts: readonly ColdStart[]): Summary {
  const plain = (target: string, connections: number) =>
    find(rows, { target, mode: 'plain', connections });
  const streamed = (connections: number) =>
    find(rows, { target: ROUTER, mode: 'streamed', connections });
  const startOf = (target: string) =>
    coldStarts.find((one) => one.target === target)?.ms.median ?? Number.NaN;
  return {
    rps16_vs_portkey: ratio(plain(ROUTER, 16), plain(PORTKEY, 16), (round) => {
      return round.requests_per_second;
    }),
    added_p50_1_vs_portkey:
      (plain(ROUTER, 1)?.added_p50?.median ?? Number.NaN) /
      (plain(PORTKEY, 1)?.added_p50?.median ?? Number.NaN),
    first_token_ms_1: streamed(1)?.added_p50?.median ?? Number.NaN,
    first_token_ms_16: streamed(16)?.added_p50?.median ?? Number.NaN,
    cold_start_vs_portkey: startOf('router') / startOf(PORTKEY),
    memory_vs_portkey: ratio(plain(ROUTER, 16), plain(PORTKEY, 16), ({ memory }) => memory),
  };
}

function find(
  rows: readonly Row[],
  wanted: Pick<Row, 'target' | 'mode' | 'connections'>,
): Row | undefined {
  return rows.find(
    ({ target, mode, connections }) =>
      target === wanted.target && mode === wanted.mode && connections === wanted.connections,
  );
}

/** Returns the median of the ratios of each round, in which both had the same machine. */
function ratio(
  one: Row | undefined,
  other: Row | undefined,
  pick: (round: Row['rounds'][number]) => number | undefined,
): number {
  const ratios = (one?.rounds ?? []).map((round, index) => {
    const beside = other?.rounds[index];
    return (pick(round) ?? Number.NaN) / ((beside && pick(beside)) ?? Number.NaN);
  });
  return medianOf(ratios);
}
