import { expect, test } from 'vitest';
import { createBackground } from '../../../shared/base/background.ts';

test('work that fails is logged once, counted, and done again', async () => {
  const logged: unknown[] = [];
  const background = createBackground((_, event, fields) => logged.push([event, fields]));
  const { promise: worked, resolve } = Promise.withResolvers<void>();
  let runs = 0;
  const work = () => {
    runs += 1;
    if (runs <= 3) throw new TypeError('secret');
    resolve();
  };
  background.repeat(
    () => background.run('reading', work),
    () => 1,
  );
  await worked;
  await background.drain(1_000);
  expect(logged).toEqual([
    ['background-work-failed', { job: 'reading', error: 'TypeError' }],
    ['background-work-recovered', { job: 'reading' }],
  ]);
  expect(background.states()).toEqual([
    {
      name: 'reading',
      success_age_ms: expect.any(Number),
      last_failure: 'TypeError',
      failures_in_a_row: 0,
    },
  ]);
});

test('the failures in a row are shown', async () => {
  const background = createBackground(() => undefined);
  for (const _ of [1, 2]) {
    expect(await background.run('b', () => Promise.reject(new Error('secret')))).toBe(false);
  }
  expect(await background.run('a', () => 1)).toBe(true);
  expect(background.states()).toMatchObject([
    { name: 'a', failures_in_a_row: 0 },
    { name: 'b', failures_in_a_row: 2, last_failure: 'Error' },
  ]);
});
