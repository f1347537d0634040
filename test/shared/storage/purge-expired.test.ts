import { expect, test } from 'vitest';
import { createBackground } from '../../../shared/base/background.ts';
import { createPurgeExpired } from '../../../shared/storage/purge-expired.ts';

const NOW = Date.UTC(2026, 10, 27);

test('each kind of records is removed after its own retention', async () => {
  const asked: string[] = [];
  const logged: unknown[] = [];
  const job = (what: string, retentionDays: number) => ({
    what,
    retentionDays,
    purge: async (before: Date) => {
      asked.push(`${what} ${before.toISOString().slice(0, 10)}`);
      return retentionDays;
    },
  });
  const log = (...line: unknown[]) => logged.push(line);
  const options = { background: createBackground(log), log, now: () => NOW };
  expect(await createPurgeExpired([job('a', 1), job('b', 30)], options)()).toEqual([]);
  expect(asked).toEqual(['a 2026-11-26', 'b 2026-10-28']);
  expect(logged).toEqual([
    ['info', 'purged', { what: 'a', removed: 1 }],
    ['info', 'purged', { what: 'b', removed: 30 }],
  ]);
});

test('a job that fails does not stop the others, and is told', async () => {
  const events: string[] = [];
  const log = (_: unknown, event: string) => events.push(event);
  const background = createBackground(log);
  const failing = { what: 'a', retentionDays: 1, purge: () => Promise.reject(new Error('secret')) };
  const fine = { what: 'b', retentionDays: 1, purge: async () => 0 };
  expect(await createPurgeExpired([failing, fine], { background, log })()).toEqual(['a']);
  expect(events).toEqual(['background-work-failed', 'purged']);
  expect(background.states()).toEqual([
    { name: 'purge of a', last_failure: 'Error', failures_in_a_row: 1 },
    { name: 'purge of b', success_age_ms: expect.any(Number), failures_in_a_row: 0 },
  ]);
});
