import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { propertyRuns } from '../support/property-runs.ts';
import { post, type Router, startRouter } from '../support/router.ts';

let router: Router;
beforeAll(async () => {
  router = await startRouter();
});
afterAll(() => router.close());

/** Texts of all scripts, and texts with patterns that the embedder recognizes. */
const anything = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.string({
    unit: fc.constantFrom('a', ' ', '\n', '1', '$', '"', '`', '漢', '\u0301', '\ud83d'),
  }),
  fc.constantFrom('Hi', '?', '\u0000', '\ud800', '<system-reminder>', 'Answer: B\n\n', '```', '🎉'),
  fc.constantFrom('a'.repeat(10_000), '\n'.repeat(5_000), '-1'.repeat(5_000), '‮'.repeat(500)),
);

/** Prompts that are not empty, since an empty prompt is refused. */
const text = anything.filter((one) => one.trim() !== '');

const share = fc.double({ min: 0, max: 1, noNaN: true });

type Decision = {
  readonly index: number;
  readonly win_rate?: number;
  readonly percentile?: number;
  readonly threshold: number;
  readonly tier: string;
  readonly reason: string;
};

describe('the router', () => {
  test('decides on any text, by comparing a win rate from 0 to 1 with the threshold', async () => {
    let decided = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(text, { minLength: 1, maxLength: 40 }),
        share,
        async (prompts, threshold) => {
          const { status, body } = await post(`${router.url}/llm/route`, {
            prompts,
            routing: { threshold },
          });
          expect(status).toBe(200);
          const data = body.data as readonly Decision[];
          expect(data.map(({ index }) => index)).toEqual([...prompts.keys()]);
          decided += data.length;
          for (const decision of data) expectValid(decision, threshold);
        },
      ),
      propertyRuns(15),
    );
    expect(decided).toBeGreaterThan(60);
  });

  test('decides exactly at the win rate itself', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 1, maxLength: 40 }), async (prompt) => {
        const prompts = [`x${prompt}`];
        const winRate = (await post(`${router.url}/llm/route`, { prompts })).body.data[0].win_rate;
        const above = nextAfter(winRate);
        for (const [threshold, tier] of [
          [winRate, 'strong'],
          [above, 'weak'],
        ]) {
          const { body } = await post(`${router.url}/llm/route`, {
            prompts,
            routing: { threshold },
          });
          expect(body.data[0].tier).toBe(tier);
          expect(body.data[0].threshold).toBe(threshold);
        }
      }),
      propertyRuns(10),
    );
  });
});

function expectValid(decision: Decision, threshold: number): void {
  const { win_rate: winRate, percentile, tier, reason } = decision;
  expect(decision.threshold).toBe(threshold);
  if (winRate === undefined) {
    // The prompt has nothing that a scorer could read.
    expect(reason).toBe('no-text');
    return;
  }
  expect(reason).toBe('win-rate');
  expect(winRate).toBeGreaterThanOrEqual(0);
  expect(winRate).toBeLessThanOrEqual(1);
  expect(percentile ?? 0).toBeGreaterThanOrEqual(0);
  expect(percentile ?? 0).toBeLessThanOrEqual(1);
  expect(tier).toBe(winRate >= threshold ? 'strong' : 'weak');
}

/** Returns the next greater double of a number from 0 to 1. */
function nextAfter(value: number): number {
  const bits = new BigUint64Array(1);
  const number = new Float64Array(bits.buffer);
  number[0] = value;
  bits[0] = (bits[0] ?? 0n) + 1n;
  return number[0];
}
