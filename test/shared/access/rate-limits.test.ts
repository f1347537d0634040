import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRateLimits, type RateLimits } from '../../../shared/access/rate-limits.ts';
import { readRateLimits } from '../../../shared/access/read-rate-limits.ts';
import { HttpError } from '../../../shared/base/errors.ts';
import { SettingsReader } from '../../../shared/base/settings-reader.ts';

const MINUTE_MS = 60_000;

/** Limits as the setting has them, on a clock that a test moves. */
function start(setting: string) {
  const clock = { ms: 1_000_000 };
  const read = new SettingsReader({ ROUTER_RATE_LIMITS: setting });
  const limits = createRateLimits(readRateLimits(read), () => clock.ms);
  expect(read.problems).toEqual([]);
  return { limits, clock };
}

function owner(caller: string | undefined, useCase?: string) {
  return { caller: caller === undefined ? undefined : { name: caller }, useCase };
}

function refusal(limits: RateLimits, one: ReturnType<typeof owner>): HttpError | undefined {
  try {
    limits.admit(one);
    return undefined;
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    return error;
  }
}

/** How many of so many requests are let in. */
function admitted(limits: RateLimits, one: ReturnType<typeof owner>, requests: number): number {
  return Array.from({ length: requests }, () => refusal(limits, one)).filter(
    (error) => error === undefined,
  ).length;
}

describe('requests a minute', () => {
  test('are let in until they are used up, and come back one by one', () => {
    const { limits, clock } = start('key=60');
    expect(admitted(limits, owner('a'), 100)).toBe(60);
    clock.ms += 1_000;
    expect(admitted(limits, owner('a'), 100)).toBe(1);
    clock.ms += MINUTE_MS;
    expect(admitted(limits, owner('a'), 100)).toBe(60);
  });

  test('are refused with a 429 that says when to come again, and then are let in', () => {
    const { limits, clock } = start('key=2');
    admitted(limits, owner('a'), 2);
    clock.ms += 10_500;
    const error = refusal(limits, owner('a'));
    expect(error).toMatchObject({
      status: 429,
      type: 'rate_limit_error',
      code: 'rate_limit_exceeded',
      headers: { 'retry-after': '20', 'retry-after-ms': '19500' },
    });
    expect(error?.message).toContain('ROUTER_RATE_LIMITS');
    clock.ms += 19_499;
    expect(refusal(limits, owner('a'))).toBeDefined();
    clock.ms += 1;
    expect(refusal(limits, owner('a'))).toBeUndefined();
  });

  test('are counted for each caller and each use case apart', () => {
    const { limits } = start('key=2,use-case=3');
    expect(admitted(limits, owner('a', 'x'), 9)).toBe(2);
    expect(admitted(limits, owner('b', 'x'), 9)).toBe(1);
    expect(admitted(limits, owner('b', 'y'), 9)).toBe(1);
  });

  test('of a caller cannot be had again by inventing use cases', () => {
    const { limits } = start('key=5,use-case=100');
    const let_in = Array.from({ length: 50_000 }, (_, index) =>
      refusal(limits, owner('a', `invented-${index}`)),
    ).filter((error) => error === undefined);
    expect(let_in).toHaveLength(5);
  });

  test('without a use case count as those of one', () => {
    const { limits } = start('use-case=3');
    expect(admitted(limits, owner('a'), 9)).toBe(3);
    expect(admitted(limits, owner('b'), 9)).toBe(0);
    expect(admitted(limits, owner('b', 'x'), 9)).toBe(3);
  });

  test('of nobody in particular are limited by use case alone', () => {
    const { limits } = start('key=1,use-case=3');
    expect(admitted(limits, owner(undefined, 'x'), 9)).toBe(3);
  });

  test('of a named caller or use case have their own limit', () => {
    const { limits } = start('key=1,key:batch=4,use-case:support=2');
    expect(admitted(limits, owner('batch'), 9)).toBe(4);
    expect(admitted(limits, owner('other'), 9)).toBe(1);
    const { limits: others } = start('key:batch=1,use-case:support=2');
    expect(admitted(others, owner('other', 'chat'), 9)).toBe(9);
    expect(admitted(others, owner('other', 'support'), 9)).toBe(2);
  });

  test('that one limit refuses take nothing from the other', () => {
    const { limits } = start('key=2,use-case:full=1');
    expect(admitted(limits, owner('a', 'full'), 9)).toBe(1);
    expect(admitted(limits, owner('a', 'free'), 9)).toBe(1);
  });

  test('are not limited when there is no setting', () => {
    const limits = createRateLimits([]);
    expect(admitted(limits, owner('a', 'x'), 1_000)).toBe(1_000);
  });
});

describe('tokens a minute', () => {
  test('make who took more than there was wait until the debt is paid', () => {
    const { limits, clock } = start('key=1000/600');
    expect(refusal(limits, owner('a'))).toBeUndefined();
    limits.countTokens(owner('a'), 1_200);
    expect(refusal(limits, owner('a'))?.headers['retry-after']).toBe('61');
    expect(refusal(limits, owner('b'))).toBeUndefined();
    clock.ms += MINUTE_MS;
    expect(refusal(limits, owner('a'))).toBeDefined();
    clock.ms += 100;
    expect(refusal(limits, owner('a'))).toBeUndefined();
  });

  test('are taken from the use case, too', () => {
    const { limits } = start('key=1000,use-case:support=1000/100');
    limits.countTokens(owner('a', 'support'), 100);
    expect(refusal(limits, owner('b', 'support'))).toBeDefined();
    expect(refusal(limits, owner('b', 'other'))).toBeUndefined();
  });

  test('that make no sense count for nothing', () => {
    const { limits } = start('key=1000/100');
    for (const tokens of [0, -5, Number.NaN]) limits.countTokens(owner('a'), tokens);
    expect(refusal(limits, owner('a'))).toBeUndefined();
  });
});

test('never lets in more than the allowance and what came back of it, at any times', () => {
  const steps = fc.array(fc.nat(20_000), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), steps, (perMinute, pauses) => {
      const { limits, clock } = start(`key=${perMinute}`);
      const startedAt = clock.ms;
      let count = 0;
      for (const pause of pauses) {
        clock.ms += pause;
        count += admitted(limits, owner('a'), 1);
        const cameBack = ((clock.ms - startedAt) / MINUTE_MS) * perMinute;
        expect(count).toBeLessThanOrEqual(perMinute + cameBack + 1e-6);
      }
      // One request an interval is always let in.
      clock.ms += MINUTE_MS / perMinute;
      expect(admitted(limits, owner('a'), 1)).toBe(1);
    }),
    { numRuns: 200 },
  );
});

describe('ROUTER_RATE_LIMITS', () => {
  test('reads requests and tokens of all, and of some by name', () => {
    const read = new SettingsReader({
      ROUTER_RATE_LIMITS: ' key=60/200000, use-case=30 ,key:batch=600/1000000,use-case:a.b:c=100',
    });
    expect(readRateLimits(read)).toEqual([
      { of: 'key', requests: 60, tokens: 200_000 },
      { of: 'use-case', requests: 30 },
      { of: 'key', name: 'batch', requests: 600, tokens: 1_000_000 },
      { of: 'use-case', name: 'a.b:c', requests: 100 },
    ]);
    expect(read.problems).toEqual([]);
  });

  test.each([
    'key',
    'key=',
    'key=0',
    'key=1/0',
    'key=-1',
    'key=1.5',
    'key=1/',
    'keys=1',
    'key:=1',
    'key:a b=1',
    'key=1,,use-case=1',
    'key=1,key=2',
    'key:a=1,key:a=2',
  ])('refuses %s, without repeating it', (setting) => {
    const read = new SettingsReader({ ROUTER_RATE_LIMITS: setting });
    readRateLimits(read);
    expect(read.problems).toHaveLength(1);
    expect(read.problems[0]).toContain('ROUTER_RATE_LIMITS');
  });
});
