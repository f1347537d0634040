import type { TableClient } from '@azure/data-tables';
import { mapSome } from '../base/map-some.ts';
import { getRow, readRows } from '../storage/read-rows.ts';
import type { Row } from '../storage/row.ts';
import { dayOf, partitionOf, rowTime, SHARDS } from './request-ids.ts';
import { SPAN_MS, type SpanName, type SumKey, startOf, statsPartition } from './rollup.ts';
import { statsJson } from './stats-json.ts';
import { addSums, createSums, readSums, type Sums } from './sums.ts';

export const STATS_BY = ['use_case', 'deployment', 'hour', 'five_minutes'] as const;
export type StatsBy = (typeof STATS_BY)[number];

/** The requests that stats are about, and how they are grouped. */
export type StatsQuery = {
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  readonly by: StatsBy;
  /** Only requests of this use case, or of this deployment. */
  readonly useCase?: string;
  readonly deployment?: string;
};

const DAY_MS = 86_400_000;

/** The longest time whose sums are read by five minutes, which are some hundred rows. */
export const MAX_FINE_MS = 6 * SPAN_MS.hour;

/** The number of newest outcomes that the quality is computed from. */
const MAX_OUTCOMES = 2_000;

/** So many calls take a small part of those that all requests may make. */
const JOINED_AT_ONCE = 16;

/** Facts read from decisions, by their places; decisions do not change. */
export type Joins = {
  get(place: string): Joined | undefined;
  set(place: string, joined: Joined): void;
};
export type Joined = SumKey & { readonly tier: string };

type Group = { readonly sums: Sums; weak: number; bad: number };

/** Returns the stats of each group; the first, whose key is null, is of all requests. */
export async function readStats(
  client: TableClient,
  query: StatsQuery,
  joins: Joins = new Map(),
): Promise<readonly Record<string, unknown>[]> {
  const { by } = query;
  const span: SpanName = query.to - query.from <= MAX_FINE_MS ? 'five_minutes' : 'hour';
  const whole = { ...query, span, from: Date.parse(startOf(span, query.from)) };
  const groups = new Map<string | undefined, Group>();
  const groupsOf = (key: SumKey) =>
    [undefined, keyOf(key, by)].map((one) => {
      const group = groups.get(one) ?? { sums: createSums(), weak: 0, bad: 0 };
      groups.set(one, group);
      return group;
    });
  groups.set(undefined, { sums: createSums(), weak: 0, bad: 0 });
  let skipped = 0;
  for await (const found of sumsOf(client, whole)) {
    if (found === 'unreadable') skipped += 1;
    else for (const group of groupsOf(found.key)) addSums(group.sums, found.sums);
  }
  for (const { key, isBad } of await readQuality(client, whole, joins)) {
    for (const group of groupsOf(key)) {
      group.weak += 1;
      group.bad += Number(isBad);
    }
  }
  return [...groups]
    .toSorted(([a], [b]) => (a === undefined || (b !== undefined && a < b) ? -1 : 1))
    .map(([key, { sums, weak, bad }]) => ({
      key: key ?? null,
      ...statsJson(sums, weak, bad),
      ...(key === undefined && skipped > 0 && { skipped_rows: skipped }),
    }));
}

function keyOf({ start, useCase, deployment }: SumKey, by: StatsBy): string {
  if (by === 'use_case') return useCase;
  if (by === 'deployment') return deployment;
  return startOf(by, Date.parse(start));
}

function isOf(key: Pick<SumKey, 'useCase' | 'deployment'>, query: StatsQuery): boolean {
  const { useCase = key.useCase, deployment = key.deployment } = query;
  return useCase === key.useCase && deployment === key.deployment;
}

type SpanQuery = StatsQuery & { readonly span: SpanName };

async function* sumsOf(
  client: TableClient,
  query: SpanQuery,
): AsyncGenerator<{ readonly key: SumKey; readonly sums: Sums } | 'unreadable'> {
  const { from, to, span } = query;
  const range = `RowKey ge '${toIso(from)}' and RowKey lt '${toIso(to)}'`;
  for (let day = Math.floor(from / DAY_MS) * DAY_MS; day < to; day += DAY_MS) {
    const filter = `PartitionKey eq '${statsPartition(span, day)}' and ${range}`;
    for (const row of await readRows(client, filter)) {
      const key = row as unknown as SumKey;
      if (!isOf(key, query)) continue;
      const sums = isTime(row['start']) ? readSums(row['sums']) : undefined;
      yield sums === undefined ? 'unreadable' : { key, sums };
    }
  }
}

function isTime(text: unknown): boolean {
  return !Number.isNaN(Date.parse(String(text)));
}

function toIso(ms: number): string {
  return new Date(ms).toISOString();
}

type Quality = { readonly key: SumKey; readonly isBad: boolean };

/** Reads which answers that did not come from the strong model were judged, and how. */
async function readQuality(
  client: TableClient,
  query: SpanQuery,
  joins: Joins,
): Promise<readonly Quality[]> {
  const { from, to, span } = query;
  const found: Quality[] = [];
  for (let day = Math.floor((to - 1) / DAY_MS) * DAY_MS; day + DAY_MS > from; day -= DAY_MS) {
    const pages = await Promise.all(
      SHARDS.map((shard) => {
        const partition = partitionOf(dayOf(day), shard);
        const range = `RowKey gt 'o|${rowTime(to)}' and RowKey le 'o|${rowTime(from)}}'`;
        return readRows(client, `PartitionKey eq '${partition}' and ${range}`, MAX_OUTCOMES);
      }),
    );
    const requests = Map.groupBy(pages.flat(), decisionOf);
    const outcomes = await mapSome([...requests], JOINED_AT_ONCE, async ([decision, rows]) => {
      const key = await join(client, [rows[0]?.partitionKey ?? '', decision], joins);
      if (key?.tier !== 'weak' || !isOf(key, query)) return [];
      return [{ key: { ...key, span }, isBad: isJudgedBad(rows) }];
    });
    found.push(...outcomes.flat());
    if (found.length >= MAX_OUTCOMES) break;
  }
  return found;
}

function decisionOf({ rowKey }: Row): string {
  return `d|${rowKey.split('|').slice(1, 3).join('|')}`;
}

/** Several callers and judges may have judged one answer: it counts once, and as bad where at least half say so. */
function isJudgedBad(outcomes: readonly Row[]): boolean {
  const bad = outcomes.filter((row) => row['verdict'] === 'bad' || Number(row['score'] ?? 1) < 0.5);
  return 2 * bad.length >= outcomes.length;
}

/** Returns the facts of the decision at a place; undefined if it is not written yet. */
async function join(
  client: TableClient,
  place: readonly [partition: string, row: string],
  joins: Joins,
): Promise<Joined | undefined> {
  const id = place.join(' ');
  const known = joins.get(id) ?? (await fetchJoin(client, place));
  if (known !== undefined) joins.set(id, known);
  return known;
}

async function fetchJoin(
  client: TableClient,
  [partition, row]: readonly [partition: string, row: string],
): Promise<Joined | undefined> {
  const decided = await getRow(client, partition, row);
  if (decided === undefined || !isTime(decided['at'])) return undefined;
  return {
    span: 'five_minutes',
    start: startOf('five_minutes', Date.parse(String(decided['at']))),
    useCase: String(decided['useCase'] ?? ''),
    deployment: String(decided['deployment']),
    tier: String(decided['tier']),
  };
}
