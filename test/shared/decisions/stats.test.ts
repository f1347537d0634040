import { randomUUID } from 'node:crypto';
import { TableClient } from '@azure/data-tables';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createBackground } from '../../../shared/base/background.ts';
import { createDecisionLog } from '../../../shared/decisions/decision-log.ts';
import type { DecisionRecord } from '../../../shared/decisions/decision-record.ts';
import { addTo, type Histogram, percentile } from '../../../shared/decisions/histogram.ts';
import { keepOutcome } from '../../../shared/decisions/outcome-record.ts';
import { readStats } from '../../../shared/decisions/read-stats.ts';
import { createRollup } from '../../../shared/decisions/rollup.ts';
import { takeStorageAccount } from '../../support/azurite.ts';

const NOON = Date.UTC(2026, 10, 27, 12);
const HOUR_MS = 3_600_000;

const azurite = takeStorageAccount();

function start() {
  const clock = { now: NOON };
  const name = `s${randomUUID().replaceAll('-', '')}`;
  const table = TableClient.fromConnectionString(azurite.connectionString, name, {
    allowInsecureConnection: true,
  });
  const createLog = () =>
    createDecisionLog({
      loadClient: async () => table,
      background: createBackground(() => undefined),
      log: () => undefined,
      now: () => clock.now,
    });
  const decide = (requestId: string, more: Partial<DecisionRecord> = {}): DecisionRecord => ({
    requestId,
    at: clock.now,
    tier: 'weak',
    reason: 'win-rate',
    useCase: 'support',
    deployment: 'weak',
    selectedModel: 'm',
    embeddingCache: 'hit',
    attempts: 'weak;200',
    stream: false,
    status: 200,
    overheadMs: 1,
    totalMs: 100,
    winRate: 0.21,
    tokens: { prompt: 10, completion: 5 },
    cost: 1,
    costStrong: 10,
    costWeak: 1,
    ...more,
  });
  return { clock, table, createLog, decide };
}

describe('the stats', () => {
  test.each([
    ['a number that nobody can add up', { promptTokens: 1e308 }],
    ['no number', { promptTokens: null }],
    ['a list of times that is none', { totalMs: null }],
  ])('leave out a row with %s, and count it', async (_, damage) => {
    const { clock, table, createLog, decide } = start();
    const log = createLog();
    await log.flush();
    log.record(decide(log.ids.create(randomUUID())));
    await log.flush();
    const query = { from: NOON - 1, to: clock.now + 1, by: 'use_case' } as const;
    expect(await readStats(table, query)).not.toMatchObject([{ skipped_rows: 1 }, {}]);
    for await (const row of table.listEntities<{ sums?: string }>()) {
      const { partitionKey = '', rowKey = '', sums, ...rest } = row;
      if (sums === undefined) continue;
      const damaged = JSON.stringify({ ...JSON.parse(sums), ...damage });
      await table.createEntity({ ...rest, partitionKey, rowKey: `${rowKey}-2`, sums: damaged });
    }
    expect(await readStats(table, query)).toMatchObject([
      { requests: 1, prompt_tokens: 10, skipped_rows: 1 },
      { requests: 1 },
    ]);
  });

  test('add up the sums of all instances, by use case, deployment or hour', async () => {
    const { clock, table, createLog, decide } = start();
    const [one, two] = [createLog(), createLog()];
    await Promise.all([one.flush(), two.flush()]);
    const id = () => one.ids.create(randomUUID());
    one.record(decide(id()));
    await one.flush();
    one.record(decide(id(), { tier: 'strong', deployment: 'strong', cost: 10, winRate: 1 }));
    two.record(decide(id(), { useCase: 'batch', status: 500, error: 'x', embeddingCache: 'miss' }));
    clock.now += HOUR_MS;
    two.record(decide(id(), { reason: 'fallback', cost: undefined, totalMs: 900 }));
    await Promise.all([one.flush(), two.flush()]);
    const span = { from: NOON - HOUR_MS, to: clock.now + 1 };
    const [total, ...cases] = await readStats(table, { ...span, by: 'use_case' });
    expect(total).toMatchObject({
      key: null,
      requests: 4,
      errors: 1,
      fallbacks: 1,
      strong_share: 0.25,
      prompt_tokens: 40,
      completion_tokens: 20,
      cost: 12,
      cost_always_strong: 30,
      cost_always_weak: 3,
      savings: 18,
      savings_share: 0.6,
      cache_hit_rate: 0.75,
      quality: { outcomes: 0 },
    });
    const { win_rate_histogram: bins, total_ms: latency } = total as never as {
      win_rate_histogram: number[];
      total_ms: Record<string, number>;
    };
    expect([bins[4], bins[19], bins.length]).toEqual([3, 1, 20]);
    expect(latency['p50']).toBeGreaterThan(90);
    expect(latency['p50']).toBeLessThan(110);
    expect(latency['p99']).toBeGreaterThan(800);
    expect(cases.map(({ key, requests }) => [key, requests])).toEqual([
      ['batch', 1],
      ['support', 3],
    ]);
    const [, ...hours] = await readStats(table, { ...span, by: 'hour' });
    expect(hours.map(({ key, requests }) => [key, requests])).toEqual([
      ['2026-11-27T12:00:00.000Z', 3],
      ['2026-11-27T13:00:00.000Z', 1],
    ]);
    const [last] = await readStats(table, {
      from: NOON + HOUR_MS,
      to: clock.now + 1,
      by: 'deployment',
    });
    expect(last).toMatchObject({ requests: 1 });
    expect(await readStats(table, { from: 0, to: HOUR_MS, by: 'hour' })).toMatchObject([
      { key: null, requests: 0, strong_share: null, total_ms: { p50: null } },
    ]);
  });

  test('tell with which confidence the weak model was good enough', async () => {
    const { table, createLog, decide } = start();
    const log = createLog();
    await log.flush();
    const from = { caller: 'app', key: undefined, at: NOON };
    for (let count = 0; count < 40; count += 1) {
      const decision = decide(log.ids.create(randomUUID()), count >= 30 ? { tier: 'strong' } : {});
      log.record(decision);
      const place = log.ids.placeOf(decision.requestId);
      if (place === undefined) throw new Error('not signed');
      const request_id = decision.requestId;
      const outcome =
        count === 0 ? { request_id, score: 0.2 } : { request_id, verdict: 'good' as const };
      await keepOutcome(table, outcome, { ...from, place });
    }
    await log.flush();
    const [total, support] = await readStats(table, {
      from: NOON - 1,
      to: NOON + 1,
      by: 'use_case',
    });
    expect(total?.['quality']).toMatchObject({ outcomes: 30, bad: 1 });
    expect(support?.['quality']).toEqual(total?.['quality']);
    const quality = total?.['quality'] as Record<string, number> | undefined;
    // Wilson's upper bound of 1 in 30 at z = 1.645: (0.0333 + 0.0451 + 0.0703) / 1.0902.
    expect(quality?.['strong_would_have_won_at_most']).toBeCloseTo(0.1364, 3);
  });
});

describe('the effect of another threshold', () => {
  test('is computed by hundredth of the win rate, for requests compared with a threshold', async () => {
    const { table, createLog, decide } = start();
    const log = createLog();
    await log.flush();
    const record = (more: Partial<DecisionRecord>) =>
      log.record(decide(log.ids.create(randomUUID()), { threshold: 0.5, ...more }));
    record({ winRate: 0.217, strongShareForeseen: 0.4 });
    record({ winRate: 0.2101, strongShareForeseen: 0.4, cost: undefined, costStrong: undefined });
    record({ winRate: 1, tier: 'strong', threshold: 0.25, strongShareForeseen: 0.7 });
    record({ winRate: 0.9, tier: 'strong', reason: 'session' });
    await log.flush();
    const [total] = await readStats(table, { from: NOON - 1, to: NOON + 1, by: 'hour' });
    expect(total).toMatchObject({
      requests: 4,
      strong_share_foreseen: { requests: 3, strong_share: 1 / 3, foreseen: 0.5 },
      thresholds: [
        { threshold: 0.5, requests: 2 },
        { threshold: 0.25, requests: 1 },
      ],
      compared: [
        { win_rate: 0.21, requests: 2, strong: 0, priced: 1, cost_strong: 10, cost_weak: 1 },
        { win_rate: 0.99, requests: 1, strong: 1, priced: 1, cost_strong: 10, cost_weak: 1 },
      ],
    });
  });
});

describe('a closer look', () => {
  test('at six hours or less is by five minutes, of one use case or deployment if requested', async () => {
    const { clock, table, createLog, decide } = start();
    const log = createLog();
    await log.flush();
    const record = (more: Partial<DecisionRecord> = {}) =>
      log.record(decide(log.ids.create(randomUUID()), more));
    record();
    clock.now += 6 * 60_000;
    record({ useCase: 'batch' });
    record({ deployment: 'strong', tier: 'strong', useCase: undefined });
    await log.flush();
    const span = { from: NOON - 60_000, to: clock.now + 1, by: 'five_minutes' } as const;
    const keysOf = async (more: object = {}) => {
      const [, ...data] = await readStats(table, { ...span, ...more });
      return data.map(({ key, requests }) => [key, requests]);
    };
    expect(await keysOf()).toEqual([
      ['2026-11-27T12:00:00.000Z', 1],
      ['2026-11-27T12:05:00.000Z', 2],
    ]);
    expect(await keysOf({ from: NOON + 300_000 })).toEqual([['2026-11-27T12:05:00.000Z', 2]]);
    expect(await keysOf({ useCase: 'batch' })).toEqual([['2026-11-27T12:05:00.000Z', 1]]);
    expect(await keysOf({ useCase: '', by: 'use_case' })).toEqual([['', 1]]);
    expect(await keysOf({ deployment: 'strong', by: 'deployment' })).toEqual([['strong', 1]]);
  });

  test('has the times of embeddings that were not cached, of deployments and of first tokens', async () => {
    const { table, createLog, decide } = start();
    const log = createLog();
    await log.flush();
    const record = (more: Partial<DecisionRecord>) =>
      log.record(decide(log.ids.create(randomUUID()), more));
    record({ embeddingCache: 'miss', embeddingMs: 40, upstreamMs: 500, firstTokenMs: 200 });
    for (let hit = 0; hit < 3; hit += 1) record({ embeddingMs: 0.1, upstreamMs: 500 });
    await log.flush();
    const [total] = await readStats(table, { from: NOON - 1, to: NOON + 1, by: 'hour' });
    expect(total).toMatchObject({
      embedding_cache: { hits: 3, misses: 1, saved_ms: 120 },
      cache_hit_rate: 0.75,
    });
    const near = (name: string, ms: number) => {
      const latencies = total?.[name] as { p50: number } | undefined;
      expect(Math.abs((latencies?.p50 ?? 0) - ms)).toBeLessThan(0.07 * ms);
    };
    near('embedding_ms', 40);
    near('upstream_ms', 500);
    near('first_token_ms', 200);
  });
});

describe('sums', () => {
  test('are kept for a limited number of use cases', () => {
    const { decide } = start();
    const rollup = createRollup('one', () => NOON);
    for (let count = 0; count < 2_500; count += 1) rollup.add(decide('x', { useCase: `${count}` }));
    const rows = rollup.changed();
    // One row for the hour and one for its five minutes, for each use case.
    expect(rows).toHaveLength(2 * 2_001);
    const others = rows.filter((row) => row['useCase'] === '(others)');
    expect(others.map((row) => JSON.parse(String(row['sums'])))).toMatchObject([
      { requests: 500 },
      { requests: 500 },
    ]);
    expect(rollup.changed()).toEqual([]);
  });
});

describe('drift', () => {
  test('is not reported for evenly distributed percentiles, and once an hour for others', () => {
    const { decide } = start();
    const run = (percentileOf: (index: number) => number, requests = 1_000) => {
      const rollup = createRollup('one', () => NOON);
      for (let index = 0; index < requests; index += 1) {
        rollup.add(decide('x', { percentile: percentileOf(index), useCase: `${index % 3}` }));
      }
      const [first, second] = [rollup.drifted(), rollup.drifted()];
      expect(second).toEqual([]);
      return first;
    };
    expect(run((index) => index / 1_000)).toEqual([]);
    // Half as wide a distribution as expected.
    expect(run((index) => index / 2_000)).toEqual([
      {
        hour: '2026-11-27T12:00:00.000Z',
        requests: 1_000,
        drift: 0.5,
      },
    ]);
    expect(run((index) => index / 400, 200)).toEqual([]);
  });

  test('is in the stats', async () => {
    const { table, createLog, decide } = start();
    const log = createLog();
    await log.flush();
    for (let index = 0; index < 20; index += 1) {
      log.record(decide(log.ids.create(randomUUID()), { percentile: 0.99 }));
    }
    await log.flush();
    const [total] = await readStats(table, { from: NOON - 1, to: NOON + 1, by: 'hour' });
    expect(total?.['drift']).toBeCloseTo(0.95, 10);
  });
});

describe('a percentile', () => {
  test('differs from the exact one by at most its bucket', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 200 }),
        fc.constantFrom(0.5, 0.9, 0.99),
        (values, share) => {
          const histogram: Histogram = {};
          for (const value of values) addTo(histogram, value);
          const exact = values.toSorted((a, b) => a - b)[Math.ceil(share * values.length) - 1] ?? 0;
          const found = percentile(histogram, share) ?? Number.NaN;
          expect(Math.abs(found - exact)).toBeLessThanOrEqual(0.07 * (exact + 1));
        },
      ),
    );
    expect(percentile({}, 0.5)).toBeUndefined();
  });
});
