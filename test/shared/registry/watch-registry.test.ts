import { describe, expect, test } from 'vitest';
import { createBackground } from '../../../shared/base/background.ts';
import type { Log } from '../../../shared/base/log.ts';
import type { Snapshot } from '../../../shared/registry/registry-store.ts';
import { watchRegistry } from '../../../shared/registry/watch-registry.ts';

type Setup = {
  readonly refreshMs?: number;
  readonly startMs?: number;
  readonly apply?: (snapshot: Snapshot) => Promise<readonly string[]>;
};

/** Starts a registry whose revision a test sets; undefined makes it unreachable. */
function start({ refreshMs = 60_000, startMs = 1_000, apply }: Setup = {}) {
  const registry = { revision: '1' as string | undefined, loads: 0, answers: Promise.resolve() };
  const clock = { now: 1_000_000 };
  const applied: string[] = [];
  const logged: unknown[] = [];
  const log: Log = (level, event) => logged.push(`${level} ${event}`);
  const watcher = watchRegistry({
    store: {
      load: async (since) => {
        registry.loads += 1;
        const { revision } = registry;
        await registry.answers;
        if (revision === undefined) throw new Error('secret host');
        return revision === since ? undefined : { revision, entries: [], unreadable: [] };
      },
    },
    refreshMs,
    startMs,
    apply: async (snapshot) => {
      const problems = (await apply?.(snapshot)) ?? [];
      applied.push(snapshot.revision);
      return problems;
    },
    background: createBackground(log),
    log,
    now: () => clock.now,
  });
  return { watcher, registry, applied, logged, clock };
}

describe('the registry', () => {
  test('is in force after the start, and read again when it has changed', async () => {
    const { watcher, registry, applied, clock } = start();
    expect(watcher.state()).toEqual({ state: 'unread', problems: [] });
    await watcher.start();
    expect(applied).toEqual(['1']);
    await watcher.refresh();
    registry.revision = '2';
    await watcher.refresh();
    expect(applied).toEqual(['1', '2']);
    clock.now += 50;
    expect(watcher.state()).toEqual({ state: 'ok', age_ms: 50, problems: [] });
  });

  test('is read at every interval', async () => {
    const { watcher, registry, applied } = start({ refreshMs: 20 });
    await watcher.start();
    registry.revision = '2';
    await expect.poll(() => applied).toEqual(['1', '2']);
  });

  test('does not hold up the start for longer than allowed, and comes into force later', async () => {
    const { watcher, registry, applied } = start({ startMs: 20 });
    const { promise, resolve } = Promise.withResolvers<void>();
    registry.answers = promise;
    await watcher.start();
    expect(applied).toEqual([]);
    resolve();
    await expect.poll(() => applied).toEqual(['1']);
  });

  test('stays in force while it cannot be reached, which is logged once', async () => {
    const { watcher, registry, applied, logged, clock } = start();
    await watcher.start();
    registry.revision = undefined;
    clock.now += 100;
    await watcher.refresh();
    await watcher.refresh();
    expect(watcher.state()).toEqual({ state: 'unreachable', age_ms: 100, problems: [] });
    registry.revision = '2';
    await watcher.refresh();
    expect(watcher.state()).toMatchObject({ state: 'ok', age_ms: 0 });
    expect(applied).toEqual(['1', '2']);
    expect(logged).toEqual(['warning background-work-failed', 'info background-work-recovered']);
  });

  test('that cannot be reached at the start is logged once, and comes into force later', async () => {
    const { watcher, registry, applied, logged } = start();
    registry.revision = undefined;
    await watcher.start();
    await watcher.refresh();
    expect(watcher.state()).toEqual({ state: 'unread', problems: [] });
    registry.revision = '1';
    await watcher.refresh();
    expect(applied).toEqual(['1']);
    expect(logged).toEqual(['warning background-work-failed', 'info background-work-recovered']);
  });

  test('is applied again at every read while an entry cannot be called', async () => {
    let problems = ['mid'];
    const { watcher, applied, logged } = start({ apply: async () => problems });
    await watcher.start();
    expect(watcher.state()).toMatchObject({ state: 'ok', problems: ['mid'] });
    await watcher.refresh();
    problems = [];
    await watcher.refresh();
    await watcher.refresh();
    expect(applied).toEqual(['1', '1', '1']);
    expect(watcher.state().problems).toEqual([]);
    expect(logged).toEqual(['warning registry-problems']);
  });

  test('is applied again every five minutes, for secrets that have changed', async () => {
    const { watcher, applied, clock } = start();
    await watcher.start();
    clock.now += 299_000;
    await watcher.refresh();
    expect(applied).toEqual(['1']);
    clock.now += 1_000;
    await watcher.refresh();
    expect(applied).toEqual(['1', '1']);
  });

  test('that cannot be applied counts as unreachable', async () => {
    const { watcher } = start({ apply: () => Promise.reject(new Error('bad')) });
    await watcher.start();
    expect(watcher.state().state).toBe('unread');
  });

  test('is read again after a write, even if another read is in progress', async () => {
    const { watcher, registry, applied } = start();
    await watcher.start();
    const { promise, resolve } = Promise.withResolvers<void>();
    registry.answers = promise;
    const underWay = watcher.refresh();
    await expect.poll(() => registry.loads).toBe(2);
    registry.revision = '2';
    const behind = watcher.refresh();
    resolve();
    await behind;
    expect(applied).toEqual(['1', '2']);
    await underWay;
    expect(registry.loads).toBe(3);
  });
});
