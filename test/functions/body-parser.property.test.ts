import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkShape } from '../../functions/http/body-shape.ts';
import { parseBody } from '../../functions/http/read-body.ts';
import { findAsk } from '../../shared/asks/find-ask.ts';
import { HttpError } from '../../shared/base/errors.ts';
import { createMemoryBudget } from '../../shared/base/memory-budget.ts';
import { toJson } from '../../shared/base/wire-json.ts';
import { parseChatRequest } from '../../shared/chat-format/chat-request.ts';
import { propertyRuns } from '../support/property-runs.ts';

const SHAPE = { maxBodyDepth: 64, maxBodyValues: 500_000 };

/** Keys that mean something to JavaScript, to the platform or to the router. */
const key = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'toJSON', 'rawJSON', ''),
  fc.constantFrom('messages', 'prompt', 'model', 'stream', 'stream_options', 'routing', 'role'),
);

/** Text with lone surrogates, which JSON can write and UTF-8 cannot. */
const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\ud800', 'a\udc00', 'Hi'));

/** JSON as it is written, so that keys may come twice and numbers be as long as they like. */
const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    text.map((one) => JSON.stringify(one)),
    fc.constantFrom('0', '-0', '1e400', '12345678901234567890', '0.1', 'true', 'false', 'null'),
    fc.array(tie('json'), { maxLength: 4 }).map((items) => `[${items.join(' , ')}]`),
    fc
      .array(fc.tuple(key, tie('json')), { maxLength: 5 })
      .map((fields) => `{${fields.map(([name, value]) => field(name, value)).join(',\n')}}`),
  ),
}));

/** A body like a chat request, with arbitrary values next to and inside of its fields. */
const chatBody = fc
  .array(
    fc.oneof(
      fc.tuple(key, json),
      fc.tuple(fc.constant('prompt'), fc.constantFrom('"Hi"', '"Ho"', 'null', '7')),
      fc.tuple(
        fc.constant('messages'),
        fc
          .array(fc.tuple(key, json), { maxLength: 3 })
          .map(
            (more) =>
              `[{${[['role', '"user"'], ['content', '"Hi"'], ...more].map(([name, value]) => field(name ?? '', value ?? '')).join(',')}}]`,
          ),
      ),
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((fields) => `{${fields.map(([name, value]) => field(name, value)).join(',')}}`);

function field(name: string, value: string): string {
  return `${JSON.stringify(name)}:${value}`;
}

function refusal(run: () => unknown): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    return error;
  }
}

function expectClientError(error: unknown): void {
  expect(error).toBeInstanceOf(HttpError);
  const { status } = error as HttpError;
  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
}

describe('the parser of bodies', () => {
  test('refuses an object of more keys than any request needs, wherever it stands', () => {
    const keys = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, {}]));
    const check = (body: object) =>
      refusal(() => parseBody(Buffer.from(JSON.stringify(body)), SHAPE));
    for (const wrap of [(one: object) => one, (one: object) => ({ a: [1, { b: one, c: 1 }] })]) {
      expect(check(wrap(keys(2_048)))).toBeUndefined();
      expectClientError(check(wrap(keys(2_049))));
    }
    expect(check({ many: Array(100).fill(keys(100)) })).toBeUndefined();
  });

  test('takes any bytes, and refuses them with nothing but a 4xx', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      json.map((one) => Buffer.from(one)),
      // The bytes are cut anywhere, also within a character.
      fc.tuple(json, fc.nat()).map(([one, at]) => {
        const whole = Buffer.from(one);
        return whole.subarray(0, at % (whole.length + 1));
      }),
      fc.tuple(fc.constantFrom('[', '{"a":', '"', '\\'), fc.nat(3_000)).map(([one, times]) => {
        return Buffer.from(one.repeat(times));
      }),
    );
    fc.assert(
      fc.property(bytes, (body) => {
        const error = refusal(() => parseBody(Buffer.from(body), SHAPE));
        if (error !== undefined) expectClientError(error);
      }),
      propertyRuns(500),
    );
  });

  test('finds every level and every value that the parser would', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 8 }), (written) => {
        const bytes = Buffer.from(written);
        const depth = depthOf(JSON.parse(written));
        const values = costOf(JSON.parse(written));
        const enough = { maxBodyDepth: depth, maxBodyValues: values };
        expect(refusal(() => checkShape(bytes, enough))).toBeUndefined();
        const tooFlat = { ...enough, maxBodyDepth: depth - 1 };
        if (depth > 0) expectClientError(refusal(() => checkShape(bytes, tooFlat)));
        const tooFew = { ...enough, maxBodyValues: values - 1 };
        if (values > 0) expectClientError(refusal(() => checkShape(bytes, tooFew)));
      }),
      propertyRuns(500),
    );
  });

  test('hands the same to the router and to the deployment, whatever the keys are', () => {
    fc.assert(
      fc.property(chatBody, (written) => {
        let sent: Record<string, unknown>;
        let decidedOn: ReturnType<typeof parseChatRequest>;
        try {
          decidedOn = parseChatRequest(parseBody(Buffer.from(written), SHAPE));
          sent = JSON.parse(toJson(decidedOn.upstreamBody)) as Record<string, unknown>;
        } catch (error) {
          expectClientError(error);
          return;
        }
        expect(findAsk(sent['messages'] as typeof decidedOn.messages)).toEqual(
          findAsk(decidedOn.messages),
        );
        expect(sent['stream'] ?? false).toBe(decidedOn.stream);
        for (const own of ['prompt', 'routing', 'thread_id', 'model', '__proto__']) {
          expect(Object.hasOwn(sent, own)).toBe(false);
        }
        // Fields unknown to the router pass unchanged; of a repeated key, the last value counts.
        // -0 is written as 0.
        const given = JSON.parse(written, (_, value) => (value === 0 ? 0 : value));
        for (const name of Object.keys(given).filter(isUnknown)) {
          expect(sent[name]).toEqual(given[name]);
        }
      }),
      propertyRuns(500),
    );
    expectCleanPrototypes();
  });
});

describe('the memory of bodies', () => {
  test('never gives more than there is, and gets everything back', () => {
    const step = fc.record({ hold: fc.nat(4), bytes: fc.option(fc.nat(70)) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const memory = createMemoryBudget(100);
        const holds = Array.from({ length: 5 }, () => ({ ...memory.hold(), held: 0 }));
        for (const { hold, bytes } of steps) {
          const one = holds[hold];
          if (one === undefined) continue;
          if (bytes !== null && one.take(bytes)) one.held += bytes;
          if (bytes === null) {
            one.release();
            one.held = 0;
          }
          expect(holds.reduce((sum, { held }) => sum + held, 0)).toBeLessThanOrEqual(100);
        }
        for (const { release } of holds) release();
        expect(memory.hold().take(100)).toBe(true);
      }),
    );
  });
});

const KNOWN =
  /^(messages|prompt|model|stream|stream_options|temperature|top_p|max_tokens|max_completion_tokens|n|routing|routing_config|thread_id|__proto__)$/;

function isUnknown(name: string): boolean {
  return !KNOWN.test(name);
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

/** Counts one for each list, object and item after the first, and four more for each key. */
function costOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const inside = Object.values(value);
  const own = 1 + Math.max(0, inside.length - 1) + (Array.isArray(value) ? 0 : 4 * inside.length);
  return own + inside.reduce((sum: number, one) => sum + costOf(one), 0);
}

function expectCleanPrototypes(): void {
  for (const prototype of [Object.prototype, Array.prototype, Function.prototype]) {
    expect(Object.keys(prototype)).toEqual([]);
  }
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
}
