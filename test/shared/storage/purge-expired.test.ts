import { expect, test } from 'vitest';
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
  await createPurgeExpired([job('a', 1), job('b', 30)], log, () => NOW)();
  expect(asked).toEqual(['a 2026-11-26', 'b 2026-10-28']);
  expect(logged).toEqual([
    ['info', 'purged', { what: 'a', removed: 1 }],
    ['info', 'purged', { what: 'b', removed: 30 }],
  ]);
});

test('a job that fails does not stop the others, and the host sees the failure', async () => {
  const events: string[] = [];
  const failing = { what: 'a', retentionDays: 1, purge: () => Promise.reject(new Error('secret')) };
  const fine = { what: 'b', retentionDays: 1, purge: async () => 0 };
  const purge = createPurgeExpired(
    [failing, fine],
    (_, event) => events.push(event),
    () => NOW,
  );
  await expect(purge()).rejects.toThrow('Could not purge a.');
  expect(events).toEqual(['purge-failed', 'purged']);
});
