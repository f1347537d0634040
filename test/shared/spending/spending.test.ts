import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { TableClient } from '@azure/data-tables';
import { describe, expect, test } from 'vitest';
import { createSpending } from '../../../shared/spending/spending.ts';
import { takeStorageAccount } from '../../support/azurite.ts';

const azurite = takeStorageAccount();

const NOON = Date.UTC(2026, 10, 27, 12);
const DAY_MS = 86_400_000;

type Setup = {
  readonly table?: string;
  readonly connectionString?: string;
  readonly refreshMs?: number;
  readonly budgeted?: readonly string[];
};

function start({ table = newTable(), budgeted = ['batch'], ...setup }: Setup = {}) {
  const clock = { now: NOON };
  const logged: string[] = [];
  const client = TableClient.fromConnectionString(
    setup.connectionString ?? azurite.connectionString,
    table,
    { allowInsecureConnection: true, retryOptions: { maxRetries: 0 } },
  );
  const spending = createSpending({
    loadClient: async () => client,
    instanceId: randomUUID(),
    refreshMs: setup.refreshMs ?? 60_000,
    getBudgeted: () => budgeted,
    log: (_, event) => logged.push(event),
    now: () => clock.now,
  });
  return { spending, client, clock, logged };
}

function newTable(): string {
  return `t${randomUUID().replaceAll('-', '')}`;
}

describe('the spending of a use case', () => {
  test('is added up immediately in this instance, by use case', () => {
    const { spending } = start();
    spending.add('batch', 0.25);
    spending.add('batch', 0.5);
    spending.add('other', 1);
    spending.add('batch', Number.NaN);
    expect(spending.spentToday('batch')).toBe(0.75);
    expect(spending.spentToday('none')).toBe(0);
  });

  test('is known to other instances once both have synchronized', async () => {
    const table = newTable();
    const [one, other] = [start({ table }), start({ table })];
    one.spending.add('batch', 1);
    other.spending.add('batch', 2.5);
    await one.spending.sync();
    await other.spending.sync();
    expect(other.spending.spentToday('batch')).toBe(3.5);
    await one.spending.sync();
    expect(one.spending.spentToday('batch')).toBe(3.5);
    // Another synchronization changes nothing.
    await Promise.all([one.spending.sync(), other.spending.sync()]);
    expect(one.spending.spentToday('batch')).toBe(3.5);
  });

  test('is known to a restarted process', async () => {
    const table = newTable();
    const before = start({ table });
    before.spending.add('batch', 4);
    await before.spending.sync();
    const after = start({ table });
    await after.spending.sync();
    expect(after.spending.spentToday('batch')).toBe(4);
    after.spending.add('batch', 1);
    await after.spending.sync();
    expect(after.spending.spentToday('batch')).toBe(5);
  });

  test('includes additions made during a write', async () => {
    const table = newTable();
    const one = start({ table });
    one.spending.add('batch', 1);
    const syncing = one.spending.sync();
    one.spending.add('batch', 2);
    await syncing;
    await one.spending.sync();
    const other = start({ table });
    await other.spending.sync();
    expect(other.spending.spentToday('batch')).toBe(3);
  });

  test('is the newest sum even if the write of an older one takes longer', async () => {
    const table = newTable();
    const one = start({ table });
    one.spending.add('batch', 1);
    await one.spending.sync();
    const underWay = Promise.withResolvers<void>();
    let isSlow = true;
    one.client.pipeline.addPolicy({
      name: 'slow-first-request',
      sendRequest: async (request, next) => {
        underWay.resolve();
        const waitMs = isSlow ? 200 : 0;
        isSlow = false;
        await delay(waitMs);
        return next(request);
      },
    });
    one.spending.add('batch', 1);
    const syncing = one.spending.sync();
    await underWay.promise;
    one.spending.add('batch', 2);
    await Promise.all([syncing, one.spending.sync()]);
    const other = start({ table });
    await other.spending.sync();
    expect(other.spending.spentToday('batch')).toBe(4);
  });

  test('is read as soon as an instance starts', async () => {
    const table = newTable();
    const before = start({ table });
    before.spending.add('batch', 4);
    await before.spending.sync();
    const after = start({ table, refreshMs: 60_000 });
    void after.spending.start();
    await expect.poll(() => after.spending.spentToday('batch')).toBe(4);
  });

  test('begins at zero each day, by UTC', async () => {
    const { spending, clock } = start();
    spending.add('batch', 3);
    await spending.sync();
    clock.now += DAY_MS / 2 - 1;
    expect(spending.spentToday('batch')).toBe(3);
    clock.now += 1;
    expect(spending.spentToday('batch')).toBe(0);
    spending.add('batch', 0.5);
    expect(spending.spentToday('batch')).toBe(0.5);
  });

  test('is still counted while the table is down, which is logged once', async () => {
    const down = azurite.connectionString.replace(
      /TableEndpoint=http:\/\/127\.0\.0\.1:\d+/,
      'TableEndpoint=http://127.0.0.1:9',
    );
    const { spending, logged } = start({ connectionString: down });
    spending.add('batch', 1);
    await spending.sync();
    await spending.sync();
    expect(spending.spentToday('batch')).toBe(1);
    expect(logged).toEqual(['spending-unreachable']);
  });

  test('needs no table while there is nothing to count', async () => {
    let loads = 0;
    const spending = createSpending({
      loadClient: () => {
        loads += 1;
        return Promise.reject(new Error('not to be asked'));
      },
      instanceId: 'one',
      refreshMs: 1_000,
      getBudgeted: () => [],
      log: () => undefined,
    });
    await spending.sync();
    expect(loads).toBe(0);
  });

  test('exceeds a budget by at most the spending of two instances in two refreshes', async () => {
    const table = newTable();
    const instances = [start({ table }), start({ table })];
    const budget = 1;
    const perCall = 0.01;
    const callsPerLook = 10;
    const isLeft = ({ spending }: (typeof instances)[number]) =>
      spending.spentToday('batch') < budget;
    while (instances.some(isLeft)) {
      for (const one of instances) {
        for (let call = 0; call < callsPerLook && isLeft(one); call += 1) {
          one.spending.add('batch', perCall);
        }
      }
      await Promise.all(instances.map(({ spending }) => spending.sync()));
    }
    const last = start({ table });
    await last.spending.sync();
    const total = last.spending.spentToday('batch');
    expect(total).toBeGreaterThanOrEqual(budget);
    expect(total).toBeLessThanOrEqual(budget + instances.length * 2 * callsPerLook * perCall);
  });

  test('is removed once its day has passed', async () => {
    const table = newTable();
    const { spending, clock, client } = start({ table });
    spending.add('batch', 1);
    await spending.sync();
    clock.now += DAY_MS;
    spending.add('batch', 2);
    await spending.sync();
    expect(await spending.purge(new Date(NOON))).toBe(0);
    expect(await spending.purge(new Date(NOON + DAY_MS))).toBe(1);
    const left: unknown[] = [];
    for await (const row of client.listEntities()) left.push(row['usd']);
    expect(left).toEqual([2]);
  });

  test('is counted only in memory without tables', async () => {
    const spending = createSpending({
      instanceId: 'one',
      refreshMs: 1_000,
      getBudgeted: () => ['batch'],
      log: () => undefined,
    });
    spending.add('batch', 1);
    await spending.sync();
    expect(spending.spentToday('batch')).toBe(1);
    expect(await spending.purge(new Date())).toBe(0);
  });
});
