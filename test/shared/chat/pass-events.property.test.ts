import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HttpError } from '../../../shared/base/errors.ts';
import { openEvents, type StreamEnd } from '../../../shared/chat/pass-events.ts';
import { propertyRuns } from '../../support/property-runs.ts';

const options = {
  includeUsage: true,
  maxBytes: 1_000_000,
  signal: new AbortController().signal,
  onByte: () => undefined,
};

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('\n\ndata: [DONE]\n\n', '"usage":{}', '"error":{}', '\r\n\r\n', '[DONE]', '🎉'),
);

const chunkOf = (choices: unknown, more = {}) => JSON.stringify({ id: 'c', choices, ...more });

/** What a deployment sends: content, annotations, comments, fields that the router does not know. */
const frame = fc.oneof(
  { weight: 5, arbitrary: text.map((content) => chunkOf([{ index: 0, delta: { content } }])) },
  text.map((name) => chunkOf([{ index: 0, delta: { tool_calls: [{ function: { name } }] } }])),
  text.map((role) => chunkOf([{ index: 0, delta: { role, content: '' } }])),
  text.map((value) => chunkOf([], { prompt_filter_results: [value] })),
);

const newline = fc.constantFrom('\n', '\r\n');

/** A whole stream: the first content is there, and [DONE] last. */
const stream = fc
  .tuple(newline, fc.array(frame, { maxLength: 6 }), fc.constantFrom('', ': ping', 'event: x'))
  .map(([end, frames, before]) => {
    const content = chunkOf([{ index: 0, delta: { content: 'Hi' } }]);
    const events = [...frames, content].map((one) =>
      [...(before === '' ? [] : [before]), `data: ${one}`, '', ''].join(end),
    );
    return { end, events, bytes: Buffer.from(`${events.join('')}data: [DONE]${end}${end}`) };
  });

const cuts = fc.array(fc.nat(), { maxLength: 12 });

function split(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = places.map((one) => one % (bytes.length + 1)).toSorted((a, b) => a - b);
  return [0, ...sorted].map((from, index) => bytes.subarray(from, sorted[index] ?? bytes.length));
}

async function pass(chunks: readonly Uint8Array[], changed: Partial<typeof options> = {}) {
  let ends = 0;
  let end: StreamEnd | undefined;
  const body = {
    async *[Symbol.asyncIterator]() {
      yield* chunks;
    },
    destroy: () => undefined,
  };
  const out: Uint8Array[] = [];
  try {
    const events = await openEvents(body, { ...options, ...changed });
    const passed = events.pass({
      onEnd: (told) => {
        ends += 1;
        end = told;
        return undefined;
      },
    });
    for await (const chunk of passed) out.push(chunk);
  } catch (error) {
    // Nothing has gone out: another deployment can answer.
    expect(error).toBeInstanceOf(HttpError);
    expect(ends).toBe(0);
    return undefined;
  }
  expect(ends).toBe(1);
  return { text: Buffer.concat(out).toString('utf8'), error: end?.error };
}

describe('server-sent events', () => {
  test('come out byte for byte, however the network cut them', async () => {
    await fc.assert(
      fc.asyncProperty(stream, cuts, async ({ bytes }, places) => {
        const passed = await pass(split(bytes, places));
        expect(passed).toEqual({ text: bytes.toString('utf8'), error: undefined });
      }),
      propertyRuns(150),
    );
  });

  test('come out without the usage that only the router asked for, and nothing else missing', async () => {
    const usage = `data: ${chunkOf([], { usage: { total_tokens: 7 } })}`;
    await fc.assert(
      fc.asyncProperty(stream, cuts, async ({ end, events, bytes }, places) => {
        const done = `data: [DONE]${end}${end}`;
        const withUsage = Buffer.from(`${events.join('')}${usage}${end}${end}${done}`);
        const passed = await pass(split(withUsage, places), { includeUsage: false });
        expect(passed).toEqual({ text: bytes.toString('utf8'), error: undefined });
      }),
      propertyRuns(100),
    );
  });

  test('that break off anywhere end in an error, and not in [DONE]', async () => {
    await fc.assert(
      fc.asyncProperty(stream, cuts, fc.nat(), async ({ end, events, bytes }, places, at) => {
        const whole = bytes.length - `data: [DONE]${end}${end}`.length;
        // From the end of [DONE] on nothing that counts is missing.
        const length = at % (whole + 'data: [DONE'.length + 1);
        const passed = await pass(split(bytes.subarray(0, length), places));
        if (passed === undefined) return;
        expect(passed.error).toBeInstanceOf(HttpError);
        const last = passed.text.slice(0, -2).lastIndexOf('data: ');
        expect(JSON.parse(passed.text.slice(last + 'data: '.length))).toMatchObject({
          error: { message: expect.any(String), code: expect.any(String) },
        });
        // What came out before is whole events, so that the error is not read as part of one.
        const before = passed.text.slice(0, last);
        const starts = events.map((_, index) =>
          events
            .slice(0, index + 1)
            .join('')
            .trimEnd(),
        );
        // The blank line of the last one may have been made up for.
        expect(['', ...starts]).toContain(before.trimEnd());
        expect(before).toMatch(/^$|(\r?\n){2}$/);
      }),
      propertyRuns(150),
    );
  });

  test('of any kind at all never throw once content has gone out', async () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((one) => Buffer.from(one)),
      fc
        .constantFrom(
          'data: ',
          'data:',
          '\n\n',
          '\r\n\r\n',
          '\r',
          '[DONE]',
          '{"choices":[',
          '"error"',
        )
        .map((one) => Buffer.from(one)),
      fc.json().map((one) => Buffer.from(`data: ${one}\n\n`)),
      frame.map((one) => Buffer.from(`data: ${one}\n\n`)),
      fc
        .constantFrom(
          '{"choices":{}}',
          '{"choices":[null]}',
          '{"choices":[{"delta":[]}]}',
          '{"choices":[],"usage":{"total_tokens":"x"}}',
          '{"error":"x"}',
          '{"__proto__":{"error":{}},"choices":[]}',
        )
        .map((one) => Buffer.from(`data: ${one}\n\n`)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 20 }), async (pieces) => {
        const passed = await pass(pieces);
        if (passed === undefined || passed.error === undefined) return;
        expect(passed.text).not.toMatch(/(^|\n)data: \[DONE\]\n\n$/);
      }),
      propertyRuns(300),
    );
  });
});
