import { randomUUID } from 'node:crypto';
import { TableClient } from '@azure/data-tables';
import { describe, expect, test } from 'vitest';
import { createBackground } from '../../../shared/base/background.ts';
import { createDecisionLog } from '../../../shared/decisions/decision-log.ts';
import type { DecisionRecord } from '../../../shared/decisions/decision-record.ts';
import { purgeDecisions } from '../../../shared/decisions/purge-decisions.ts';
import { readDecisions } from '../../../shared/decisions/read-decisions.ts';
import { createRequestIds } from '../../../shared/decisions/request-ids.ts';
import { startAzurite } from '../../../tools/local-services/azurite.ts';
import { takeStorageAccount } from '../../support/azurite.ts';

const NOON = Date.UTC(2026, 10, 27, 12);
const DAY_MS = 86_400_000;

const azurite = takeStorageAccount();

function createTable(): TableClient {
  const name = `d${randomUUID().replaceAll('-', '')}`;
  return TableClient.fromConnectionString(azurite.connectionString, name, {
    allowInsecureConnection: true,
  });
}

function start(table = createTable(), options: { readonly maxNoted?: number } = {}) {
  const clock = { now: NOON };
  const logged: string[] = [];
  const note = (_: unknown, event: string) => logged.push(event);
  const log = createDecisionLog({
    loadClient: async () => table,
    background: createBackground(note),
    log: note,
    now: () => clock.now,
    ...options,
  });
  const decide = (): DecisionRecord => ({
    requestId: log.ids.create(randomUUID()),
    at: clock.now,
    tier: 'weak',
    reason: 'win-rate',
    deployment: 'weak',
    selectedModel: 'm',
    embeddingCache: 'none',
    attempts: 'weak;200',
    stream: false,
    status: 200,
    overheadMs: 1,
    totalMs: 2,
  });
  const read = (from = 0, to = clock.now + 1) =>
    readDecisions(table, { from: Math.max(from, NOON - 40 * DAY_MS), to, where: {}, limit: 5_000 });
  return { log, decide, clock, table, logged, read, again: () => start(table) };
}

describe('the decision log', () => {
  test('writes any cost, and gives up only the decision that the table does not take', async () => {
    const { log, decide, read, logged } = start();
    await log.flush();
    const [dear, refused, other] = [decide(), decide(), decide()];
    log.record({ ...dear, cost: 2 ** 40, costStrong: Number.POSITIVE_INFINITY });
    log.record({ ...refused, error: 'x'.repeat(40_000) });
    log.record(other);
    await log.flush();
    const rows = await read();
    expect(new Set(rows.map((row) => row['requestId']))).toEqual(
      new Set([dear.requestId, other.requestId]),
    );
    expect(rows.find((row) => row['requestId'] === dear.requestId)?.['cost']).toBe(2 ** 40);
    expect(logged).toContain('decisions-dropped');
  });

  test('writes decisions in batches, each decision once', async () => {
    const { log, decide, clock, read } = start();
    await log.flush();
    const ids: string[] = [];
    for (let count = 0; count < 1_000; count += 1) {
      const decision = decide();
      ids.unshift(decision.requestId);
      log.record(decision);
      clock.now += 1;
    }
    await Promise.all([log.flush(), log.flush()]);
    const rows = await read();
    expect(rows.map((row) => row['requestId'])).toEqual(ids);
  });

  test('queues a limited number of decisions, and logs that it dropped some', async () => {
    const { log, decide, read, logged } = start(createTable(), { maxNoted: 300 });
    await log.flush();
    for (let count = 0; count < 301; count += 1) log.record(decide());
    await log.flush();
    expect(await read()).toHaveLength(300);
    expect(logged).toEqual(['decisions-dropped']);
  });

  test('keeps decisions that it cannot write, and logs the failure once', async () => {
    const storage = await startAzurite({});
    const table = TableClient.fromConnectionString(storage.connectionString, 'decisions', {
      allowInsecureConnection: true,
      retryOptions: { maxRetries: 0 },
    });
    const { log, decide, logged } = start(table);
    await log.flush();
    await storage.close();
    log.record(decide());
    await log.flush();
    await log.flush();
    expect(logged).toEqual(['background-work-failed']);
  });

  test('is read across days, the newest first, and purged by day', async () => {
    const { log, decide, clock, read, table, again } = start();
    await log.flush();
    const ids: string[] = [];
    for (let day = 0; day < 4; day += 1) {
      clock.now = NOON + day * DAY_MS;
      const decision = decide();
      ids.unshift(decision.requestId);
      log.record(decision);
    }
    await log.flush();
    expect((await read()).map((row) => row['requestId'])).toEqual(ids);
    expect(await read(NOON + DAY_MS, NOON + 2 * DAY_MS + 1)).toHaveLength(2);
    // Two decisions, each with the sums of its hour and its five minutes.
    expect(await purgeDecisions(table, new Date(NOON + 2 * DAY_MS))).toBe(6);
    expect((await read()).map((row) => row['requestId'])).toEqual(ids.slice(0, 2));
    // A purge keeps the key of the ids.
    const later = again().log;
    await later.flush();
    expect(later.ids.placeOf(ids[0] ?? '')).toBeDefined();
  });

  test('has one key for all instances, created by the first of them', async () => {
    const one = start();
    const others = Array.from({ length: 5 }, () => one.again());
    await Promise.all([one, ...others].map(({ log }) => log.flush()));
    const id = one.log.ids.create(randomUUID());
    for (const { log } of others) expect(log.ids.placeOf(id)).toEqual(one.log.ids.placeOf(id));
    expect(start().log.ids.placeOf(id)).toBeUndefined();
  });
});

describe('a request id', () => {
  test('is the id of its invocation until the key is known', () => {
    let key: Uint8Array | undefined;
    const ids = createRequestIds(
      () => key,
      () => NOON,
    );
    const invocation = randomUUID();
    expect(ids.create(invocation)).toBe(invocation);
    expect(ids.placeOf(invocation)).toBeUndefined();
    key = Buffer.alloc(32, 1);
    const id = ids.create(invocation);
    expect(id.startsWith(`${invocation}.`)).toBe(true);
    expect(ids.placeOf(id)).toMatchObject({
      partition: expect.stringMatching(/^2026-11-27\|[0-7]$/),
    });
    key = Buffer.alloc(32, 2);
    expect(ids.placeOf(id)).toBeUndefined();
  });
});
