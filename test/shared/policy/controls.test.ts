import { describe, expect, test } from 'vitest';
import { InvalidRequestError } from '../../../shared/base/errors.ts';
import {
  type Controls,
  isByShare,
  parseRouterModel,
  parseShare,
  readControls,
  readThreshold,
  routingSchema,
  type ThresholdPolicy,
} from '../../../shared/policy/controls.ts';
import { startProcessorClock } from '../../support/processor-time.ts';

const modes = { cost: 0.2, balanced: 0.5, quality: 0.8 };
const quantiles = Array.from({ length: 101 }, (_, index) => index / 100);

function headers(values: Readonly<Record<string, string>> = {}) {
  return (name: string): string | null => values[name] ?? null;
}

function catchInvalid(work: () => unknown): InvalidRequestError {
  try {
    work();
  } catch (error) {
    if (error instanceof InvalidRequestError) return error;
    throw error;
  }
  throw new Error('The call should have failed.');
}

describe('the name of the router', () => {
  test('asks for nothing as smart-router', () => {
    expect(parseRouterModel('smart-router', 'model')).toEqual({});
  });

  test.each([
    ['router-mf-0.11593', 0.11593],
    ['router-mf-0', 0],
    ['router-mf-1', 1],
    ['router-mf-1.0', 1],
    ['router-mf-.5', 0.5],
    ['router-mf-1e-3', 0.001],
    ['router-mf-5E-1', 0.5],
    ['router-mf-0.116930000001', 0.116930000001],
  ])('names a threshold as %s', (name, threshold) => {
    expect(parseRouterModel(name, 'model')).toMatchObject({ threshold });
  });

  test.each([
    'router-mf-',
    'router-mf--',
    'router-mf-1.5',
    'router-mf--0.5',
    'router-mf-+0.5',
    'router-mf-NaN',
    'router-mf-Infinity',
    'router-mf-1e999',
    'router-mf-0x1',
    'router-mf-0b1',
    'router-mf-0,5',
    'router-mf-0.5.5',
    'router-mf-0 .5',
    'router-mf-1e',
    'router-mf-\u0661',
    'router-mf-0.5, 0.5',
    'router-mf-null',
  ])('refuses %s and names the field', (name) => {
    expect(catchInvalid(() => parseRouterModel(name, 'model'))).toMatchObject({
      status: 400,
      param: 'model',
    });
  });

  test.each(['', 'router-mf', 'Smart-Router', 'smart-router ', 'gpt-4o', 'router-bert-0.5'])(
    'is not "%s"',
    (name) => {
      expect(parseRouterModel(name, 'model')).toBeUndefined();
    },
  );

  test('is refused immediately, however long it is', () => {
    const processorMs = startProcessorClock();
    for (const tail of ['x', '.', ' x']) {
      const name = `router-mf-${'1'.repeat(200_000)}${tail}`;
      expect(() => parseRouterModel(name, 'model')).toThrow(InvalidRequestError);
    }
    expect(processorMs()).toBeLessThan(2_000);
  });
});

describe('parseShare', () => {
  test('takes spaces around a number, as headers have them', () => {
    expect(parseShare(' 0.25 ', 'x')).toBe(0.25);
  });

  test('does not repeat what it refuses', () => {
    expect(catchInvalid(() => parseShare('my secret', 'x-header')).message).not.toContain('secret');
  });
});

describe('readControls', () => {
  const model = { threshold: 0.9, param: 'model' };
  const both = headers({ 'x-smart-router-threshold': '0.5' });

  test('prefers the body to headers and the name', () => {
    expect(readControls({ threshold: 0 }, both, model)).toEqual({ threshold: 0 });
    expect(readControls({ strong_share: 0 }, both, model)).toMatchObject({ strongShare: 0 });
    expect(readControls({ mode: 'cost' }, both, model)).toMatchObject({ mode: 'cost' });
  });

  test('prefers headers to the name', () => {
    expect(readControls({}, both, model)).toEqual({ threshold: 0.5 });
    const share = headers({ 'x-smart-router-strong-share': '0' });
    expect(readControls({}, share, model)).toMatchObject({ strongShare: 0 });
    expect(readControls({}, share, model)).not.toHaveProperty('threshold');
  });

  test('takes the name when nothing else asks', () => {
    expect(readControls({}, headers(), model)).toMatchObject({ threshold: 0.9 });
  });

  test('keeps the models of the body with a threshold from elsewhere', () => {
    expect(readControls({ models: ['weak'] }, both, model)).toEqual({
      models: ['weak'],
      threshold: 0.5,
    });
    expect(readControls({ models: ['weak'] }, headers(), model)).toMatchObject({
      models: ['weak'],
      threshold: 0.9,
    });
  });

  test.each(['x-smart-router-threshold', 'x-smart-router-strong-share'])(
    'refuses %s sent twice, which arrives joined',
    (name) => {
      const error = catchInvalid(() => readControls({}, headers({ [name]: '0.1, 0.2' }), {}));
      expect(error).toMatchObject({ status: 400, param: name });
    },
  );

  test.each(['', ' ', '1.01', '-1', 'half'])('refuses the header value "%s"', (value) => {
    const header = headers({ 'x-smart-router-strong-share': value });
    expect(catchInvalid(() => readControls({}, header, {})).param).toBe(
      'x-smart-router-strong-share',
    );
  });

  test('refuses a threshold together with a share in the headers', () => {
    const header = headers({
      'x-smart-router-threshold': '0.1',
      'x-smart-router-strong-share': '0.1',
    });
    expect(() => readControls({}, header, {})).toThrow('exclude each other');
  });
});

describe('routing in the body', () => {
  test.each([
    { threshold: 0 },
    { threshold: 1 },
    { strong_share: 0.3, models: ['a'], explain: true },
    { mode: 'quality' },
    {},
  ])('may be %o', (routing) => {
    expect(routingSchema.safeParse(routing)).toMatchObject({ success: true, data: routing });
  });

  test.each([
    { threshold: -0.01 },
    { threshold: 1.01 },
    { threshold: '0.5' },
    { threshold: null },
    { threshold: Number.NaN },
    { strong_share: Number.POSITIVE_INFINITY },
    { mode: 'cheap' },
    { models: [] },
    { models: 'weak' },
    { explain: 1 },
    { treshold: 0.5 },
    { threshold: 0.5, strong_share: 0.5 },
    { strong_share: 0.5, mode: 'cost' },
    { threshold: 0, mode: 'cost' },
  ])('must not be %o', (routing) => {
    expect(routingSchema.safeParse(routing).success).toBe(false);
  });
});

/** The threshold of a request, by quantiles of a calibration. */
function thresholdOf(asked: Controls, policy: ThresholdPolicy, values?: readonly number[]): number {
  const quantiles = values && { values, from: 'shipped' };
  const found = { quantiles, random: Math.random };
  return readThreshold({ asked, asker: 'request' }, policy, found).value;
}

describe('readThreshold', () => {
  const policy = { modes, threshold: 0.4 };

  test('takes a threshold exactly, 0 included', () => {
    expect(thresholdOf({ threshold: 0 }, policy, quantiles)).toBe(0);
    expect(thresholdOf({ threshold: 0.116_930_000_001 }, policy, quantiles)).toBe(
      0.116_930_000_001,
    );
  });

  test('turns a share into a threshold by the calibration', () => {
    expect(thresholdOf({ strongShare: 0.3 }, policy, quantiles)).toBeCloseTo(0.7, 12);
    expect(thresholdOf({ strongShare: 0 }, policy, quantiles)).toBeGreaterThan(1);
    expect(thresholdOf({ strongShare: 1 }, policy, quantiles)).toBe(0);
  });

  test('turns a mode into the share that the settings give it', () => {
    expect(thresholdOf({ mode: 'cost' }, policy, quantiles)).toBeCloseTo(0.8, 12);
    const own = { modes: { ...modes, cost: 0 } };
    expect(thresholdOf({ mode: 'cost' }, own, quantiles)).toBeGreaterThan(1);
  });

  test('falls back to the default', () => {
    expect(thresholdOf({}, policy, quantiles)).toBe(0.4);
    expect(thresholdOf({ models: ['weak'] }, policy, quantiles)).toBe(0.4);
  });

  test('refuses a share without a calibration, and names what asked for it', () => {
    const controls = { strongShare: 0.3, param: 'routing.strong_share' };
    expect(catchInvalid(() => thresholdOf(controls, policy, undefined))).toMatchObject({
      status: 400,
      param: 'routing.strong_share',
    });
    expect(catchInvalid(() => thresholdOf({ mode: 'cost' }, policy, undefined)).param).toBe(
      'routing',
    );
  });
});

describe('the default threshold', () => {
  test('is that of the settings, 0 included', () => {
    expect(thresholdOf({}, { modes, threshold: 0 }, quantiles)).toBe(0);
  });

  test('comes from the share of the settings, 0 included', () => {
    expect(thresholdOf({}, { modes, strongShare: 0.3 }, quantiles)).toBeCloseTo(0.7, 12);
    expect(thresholdOf({}, { modes, strongShare: 0 }, quantiles)).toBeGreaterThan(1);
  });

  test('sends half of the calibration to the strong model when nothing is set', () => {
    expect(thresholdOf({}, { modes }, quantiles)).toBeCloseTo(0.5, 12);
    const high = quantiles.map((value) => 0.8 + value / 10);
    expect(thresholdOf({}, { modes }, high)).toBeCloseTo(0.85);
  });

  test('is a half without a calibration', () => {
    expect(thresholdOf({}, { modes }, undefined)).toBe(0.5);
  });
});

test('a threshold has its source', () => {
  const quantiles = { values: [0, 0.5, 1], from: 'shipped' };
  const found = { quantiles, random: Math.random };
  const from = (asked: Controls, policy: Partial<ThresholdPolicy> = {}) =>
    readThreshold({ asked, asker: 'use case' }, { modes, ...policy }, found).from;
  expect(from({ threshold: 0.3 })).toBe('use case');
  expect(from({}, { threshold: 0.3 })).toBe('setting');
  expect(from({ mode: 'cost' }, { threshold: 0.3 })).toBe('shipped');
  expect(from({}, { strongShare: 0.3 })).toBe('shipped');
  const none = { ...found, quantiles: undefined };
  expect(readThreshold({ asked: {}, asker: 'request' }, { modes }, none).from).toBe('default');
  expect(
    ['request', 'use case', 'setting', 'default', 'shipped', 'own 62%'].map(isByShare),
  ).toEqual([false, false, false, false, true, true]);
});
