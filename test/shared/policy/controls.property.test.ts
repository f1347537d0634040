import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvalidRequestError } from '../../../shared/base/errors.ts';
import {
  parseRouterModel,
  parseShare,
  readControls,
  readThreshold,
  routingSchema,
} from '../../../shared/policy/controls.ts';
import { NEVER_STRONG } from '../../../shared/policy/threshold.ts';
import { propertyRuns } from '../../support/property-runs.ts';

const MODES = { cost: 0.2, balanced: 0.5, quality: 0.8 };
const share = fc.double({ min: 0, max: 1, noNaN: true });

/** Text that looks like a number, or nearly so. */
const numeral = fc.oneof(
  fc.string({ unit: fc.constantFrom('0', '1', '9', '.', 'e', '-', '+', ' ', 'x', '_', ',') }),
  share.map(String),
  fc.double().map(String),
  fc.string({ unit: 'binary' }),
);

const quantiles = fc
  .array(share, { minLength: 101, maxLength: 101 })
  .map((values) => values.toSorted((a, b) => a - b));

function orRefused<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidRequestError);
    return undefined;
  }
}

describe('controls of any kind', () => {
  test('give a number from 0 to 1 or a refusal, for any text', () => {
    fc.assert(
      fc.property(numeral, (text) => {
        const value = orRefused(() => parseShare(text, 'x'));
        if (value === undefined) return;
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(1);
        expect(value).toBe(Number(text));
      }),
      propertyRuns(500),
    );
  });

  test('take every share as its writer wrote it', () => {
    fc.assert(
      fc.property(share, (value) => {
        expect(parseShare(String(value), 'x')).toBe(value);
        expect(parseRouterModel(`router-mf-${value}`, 'model')).toMatchObject({ threshold: value });
      }),
    );
  });

  test('take no name but its own for the router', () => {
    fc.assert(
      fc.property(fc.oneof(numeral, fc.string()), (text) => {
        const controls = orRefused(() => parseRouterModel(text, 'model'));
        if (!text.startsWith('router-mf-') && text !== 'smart-router')
          expect(controls).toBeUndefined();
      }),
    );
  });

  test('come to a threshold from 0 to 1, whatever the request says', () => {
    const wish = fc.oneof(
      fc.record({ threshold: fc.oneof(share, fc.double()) }, { requiredKeys: [] }),
      fc.record({ strong_share: fc.oneof(share, fc.double()) }),
      fc.record({ mode: fc.oneof(fc.constantFrom('cost', 'balanced', 'quality'), fc.string()) }),
      fc.jsonValue(),
    );
    const headers = fc.record({ threshold: fc.option(numeral), share: fc.option(numeral) });
    fc.assert(
      fc.property(wish, headers, fc.option(quantiles), (asked, header, calibration) => {
        const parsed = routingSchema.safeParse(asked);
        if (!parsed.success) return;
        const given: Record<string, string | null> = {
          'x-smart-router-threshold': header.threshold,
          'x-smart-router-strong-share': header.share,
        };
        const threshold = orRefused(() => {
          const controls = readControls(parsed.data, (name) => given[name] ?? null, {});
          const quantiles = calibration ? { values: calibration, from: 'shipped' } : undefined;
          const found = { quantiles, random: Math.random };
          const asked = { asked: controls, asker: 'request' } as const;
          return readThreshold(asked, { modes: MODES }, found).value;
        });
        if (threshold === undefined) return;
        expect(threshold).toBeGreaterThanOrEqual(0);
        // It is above every win rate when the strong share must be 0.
        expect(threshold).toBeLessThanOrEqual(NEVER_STRONG);
        if (parsed.data.threshold !== undefined) expect(threshold).toBe(parsed.data.threshold);
      }),
      propertyRuns(500),
    );
  });
});
