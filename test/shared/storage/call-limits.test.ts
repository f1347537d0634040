import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createCallLimits } from '../../../shared/storage/call-limits.ts';
import { createQueue } from '../../../shared/storage/queue.ts';

const silent = () => new Promise<never>(() => undefined);
const answered = async () => 'answer';

test('a call that is not answered ends in its time', async () => {
  const { ofRequests } = createCallLimits({ timeoutMs: 50, maxCalls: 1 });
  await expect(ofRequests(silent)).rejects.toMatchObject({ code: 'storage_timeout' });
  expect(await ofRequests(answered)).toBe('answer');
});

test('a call waits for its turn while the storage answers others', async () => {
  const { ofRequests } = createCallLimits({ timeoutMs: 10_000, maxCalls: 2 });
  let [underWay, most] = [0, 0];
  const calls = Array.from({ length: 20 }, () =>
    ofRequests(async () => {
      underWay += 1;
      most = Math.max(most, underWay);
      await delay(5);
      underWay -= 1;
    }),
  );
  await Promise.all(calls);
  expect(most).toBe(2);
});

test('a call is refused while the storage answers none', async () => {
  const { ofRequests, inBackground } = createCallLimits({ timeoutMs: 60_000, maxCalls: 1 });
  const end = new AbortController();
  const under = ofRequests(silent, end.signal);
  await expect(ofRequests(answered)).rejects.toMatchObject({ code: 'storage_busy' });
  const from = performance.now();
  await expect(ofRequests(answered)).rejects.toMatchObject({ code: 'storage_busy' });
  expect(performance.now() - from).toBeLessThan(500);
  // What no request waits for has turns of its own.
  expect(await inBackground(answered)).toBe('answer');
  end.abort(new Error('left'));
  await expect(under).rejects.toThrow('left');
  expect(await ofRequests(answered)).toBe('answer');
});

test('work that waits for work that is not answered fails with it', async () => {
  const { ofRequests } = createCallLimits({ timeoutMs: 50, maxCalls: 8 });
  const queue = createQueue();
  const all = await Promise.allSettled([
    queue('a', () => ofRequests(silent)),
    queue('a', answered),
    queue('b', answered),
  ]);
  expect(all.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  expect(await queue('a', answered)).toBe('answer');
});
