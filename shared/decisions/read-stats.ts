import type { TableClient } from '@azure/data-tables';
import { getRow, readRows } from '../threads/read-rows.ts';
import { percentile } from './histogram.ts';
import { dayOf, partitionOf, rowTime, SHARDS } from './request-ids.ts';
import { type SumKey, statsPartition } from './rollup.ts';
import { addSums, BINS, createSums, driftOf, type Sums } from './sums.ts';

export const STATS_BY = ['use_case', 'deployment', 'hour'] as const;
export type StatsBy = (typeof STATS_BY)[number];

/** Since 1970, in ms. */
export type Span = { readonly from: number; readonly to: number };

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** The newest so many outcomes tell of the quality. */
const MAX_OUTCOMES = 2_000;

/** 1.645 standard deviations: one-sided, 95%. */
const Z_95 = 1.645;

/** What came of the requests of some hours, by one of three; `undefined` is of all of them. */
export async function readStats(
  client: TableClient,
  { from, to }: Span,
  by: StatsBy,
): Promise<readonly Record<string, unknown>[]> {
  const groups = new Map<string | undefined, { sums: Sums; weak: number; bad: number }>();
  const groupOf = (key: string | undefined) => {
    const group = groups.get(key) ?? { sums: createSums(), weak: 0, bad: 0 };
    groups.set(key, group);
    return group;
  };
  groupOf(undefined);
  const hours = {
    first: new Date(Math.floor(from / HOUR_MS) * HOUR_MS).toISOString(),
    end: new Date(to).toISOString(),
  };
  for (let day = Math.floor(from / DAY_MS) * DAY_MS; day < to; day += DAY_MS) {
    const partition = statsPartition(new Date(day).toISOString());
    const range = `RowKey ge '${hours.first}' and RowKey lt '${hours.end}'`;
    const filter = `PartitionKey eq '${partition}' and ${range}`;
    for (const row of await readRows(client, filter, Number.MAX_SAFE_INTEGER)) {
      const sums = JSON.parse(String(row['sums'])) as Sums;
      const key = keyOf(row as unknown as SumKey, by);
      for (const one of [undefined, key]) addSums(groupOf(one).sums, sums);
    }
  }
  for (const { key, isBad } of await readQuality(
    client,
    { from: Date.parse(hours.first), to },
    by,
  )) {
    for (const one of [undefined, key]) {
      groupOf(one).weak += 1;
      groupOf(one).bad += Number(isBad);
    }
  }
  return [...groups]
    .toSorted(([a], [b]) => (a === undefined || (b !== undefined && a < b) ? -1 : 1))
    .map(([key, { sums, weak, bad }]) => ({
      key: key ?? null,
      ...toJson(sums),
      quality: qualityOf(weak, bad),
    }));
}

function keyOf({ hour, useCase, deployment }: SumKey, by: StatsBy): string {
  if (by === 'hour') return hour;
  return by === 'use_case' ? useCase : deployment;
}

type Quality = { readonly key: string; readonly isBad: boolean };

/** How good those answers were that did not come from the strong model, as far as somebody said. */
async function readQuality(
  client: TableClient,
  { from, to }: Span,
  by: StatsBy,
): Promise<readonly Quality[]> {
  const found: Quality[] = [];
  for (let day = Math.floor((to - 1) / DAY_MS) * DAY_MS; day + DAY_MS > from; day -= DAY_MS) {
    const pages = await Promise.all(
      SHARDS.map((shard) => {
        const partition = partitionOf(dayOf(day), shard);
        const range = `RowKey gt 'o|${rowTime(to)}' and RowKey le 'o|${rowTime(from)}}'`;
        return readRows(client, `PartitionKey eq '${partition}' and ${range}`, MAX_OUTCOMES);
      }),
    );
    const outcomes = await Promise.all(
      pages.flat().map(async (row) => {
        const decision = `d|${row.rowKey.split('|').slice(1, 3).join('|')}`;
        const decided = await getRow(client, row.partitionKey, decision);
        if (decided?.['tier'] !== 'weak') return [];
        const at = Math.floor(Date.parse(String(decided['at'])) / HOUR_MS) * HOUR_MS;
        const key = keyOf(
          {
            hour: new Date(at).toISOString(),
            useCase: String(decided['useCase'] ?? ''),
            deployment: String(decided['deployment']),
          },
          by,
        );
        return [{ key, isBad: row['verdict'] === 'bad' || Number(row['score'] ?? 1) < 0.5 }];
      }),
    );
    found.push(...outcomes.flat());
    if (found.length >= MAX_OUTCOMES) break;
  }
  return found;
}

/** With Wilson's bound: the strong model would have won at most so many, with 95% confidence. */
function qualityOf(weak: number, bad: number): Record<string, unknown> {
  if (weak === 0) return { outcomes: 0 };
  const share = bad / weak;
  const squared = Z_95 ** 2;
  const middle = share + squared / (2 * weak);
  const spread = Z_95 * Math.sqrt((share * (1 - share)) / weak + squared / (4 * weak ** 2));
  const bound = (middle + spread) / (1 + squared / weak);
  return { outcomes: weak, bad, strong_would_have_won_at_most: Math.min(1, bound) };
}

function toJson(sums: Sums): Record<string, unknown> {
  const { requests, comparedCost, costStrong, costWeak, cacheHits, cacheMisses } = sums;
  const ratio = (a: number, b: number) => (b === 0 ? null : a / b);
  const latencies = (histogram: Sums['totalMs']) =>
    Object.fromEntries(
      [0.5, 0.9, 0.99].map((share) => [`p${share * 100}`, percentile(histogram, share) ?? null]),
    );
  return {
    requests,
    errors: sums.errors,
    fallbacks: sums.fallbacks,
    strong_share: ratio(sums.strong, requests),
    prompt_tokens: sums.promptTokens,
    completion_tokens: sums.completionTokens,
    cached_tokens: sums.cachedTokens,
    cost: sums.cost,
    cost_always_strong: costStrong,
    cost_always_weak: costWeak,
    savings: costStrong - comparedCost,
    savings_share: ratio(costStrong - comparedCost, costStrong),
    cache_hit_rate: ratio(cacheHits, cacheHits + cacheMisses),
    out_of_distribution_share: ratio(sums.outOfDistribution, requests),
    win_rate_histogram: Array.from({ length: BINS }, (_, bin) => sums.winRates[bin] ?? 0),
    drift: driftOf(sums) ?? null,
    total_ms: latencies(sums.totalMs),
    overhead_ms: latencies(sums.overheadMs),
  };
}
