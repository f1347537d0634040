import { describe, expect, test } from 'vitest';
import { HttpError, UpstreamError } from '../../../shared/base/errors.ts';
import { TooManyBytesError } from '../../../shared/base/memory-budget.ts';
import { openEvents, type StreamEnd, type StreamReader } from '../../../shared/chat/pass-events.ts';
import { createCollector } from '../../../shared/chat-format/collect-answer.ts';
import { startProcessorClock } from '../../support/processor-time.ts';

const usage =
  '{"choices":[],"created":1,"id":"c","model":"m","object":"chat.completion.chunk","usage":{"completion_tokens":2,"prompt_tokens":5,"total_tokens":7}}';

/** The frames of an Azure OpenAI stream, as payloads. */
const recorded = [
  '{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{}}]}',
  '{"choices":[{"content_filter_results":{},"delta":{"content":"","refusal":null,"role":"assistant"},"finish_reason":null,"index":0}],"id":"c","obfuscation":"Xy","usage":null}',
  '{"choices":[{"delta":{"content":"naïve 🎉"},"finish_reason":null,"index":0}],"id":"c","usage":null}',
  '{"choices":[{"delta":{"content":"the word \\"usage\\":{} and \\n\\ndata: [DONE]"},"finish_reason":null,"index":0}],"id":"c"}',
  '{"choices":[{"delta":{},"finish_reason":"stop","index":0}],"id":"c","usage":null}',
];

/** The same before its end is known. */
const unfinished = recorded.slice(0, -1);
const content = recorded[2] ?? '';

function frames(payloads: readonly string[], newline = '\n'): string {
  return payloads.map((payload) => `data: ${payload}${newline}${newline}`).join('');
}

type Result = {
  readonly text: string;
  readonly ends: readonly (HttpError | undefined)[];
  readonly destroyed: number;
  readonly totalTokens: number | undefined;
};

type Source = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

function createBody(source: Source) {
  const counts = { destroyed: 0 };
  const body = {
    async *[Symbol.asyncIterator]() {
      yield* source;
    },
    destroy: () => {
      counts.destroyed += 1;
    },
  };
  return { body, counts };
}

type Options = Partial<Parameters<typeof openEvents>[1]>;

const defaults = {
  includeUsage: false,
  maxBytes: 64 * 1024 * 1024,
  signal: new AbortController().signal,
  onByte: () => undefined,
};

async function pass(source: Source, options: Options = {}): Promise<Result> {
  const ends: StreamEnd[] = [];
  const { body, counts } = createBody(source);
  const chunks: Uint8Array[] = [];
  const events = await openEvents(body, { ...defaults, ...options });
  for await (const chunk of events.pass(endsInto(ends))) chunks.push(chunk);
  return {
    text: Buffer.concat(chunks).toString('utf8'),
    ends: ends.map(({ error }) => error),
    destroyed: counts.destroyed,
    totalTokens: ends[0]?.usage?.total,
  };
}

function endsInto(ends: StreamEnd[]): StreamReader {
  return {
    onEnd: (end) => {
      ends.push(end);
      return undefined;
    },
  };
}

/** The error that a stream without any content is refused with. */
async function refusal(source: Source, options: Options = {}): Promise<unknown> {
  const { body, counts } = createBody(source);
  const error = await openEvents(body, { ...defaults, ...options }).catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(UpstreamError);
  expect(counts.destroyed).toBe(1);
  return error;
}

async function* thenThrow(...parts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
  throw new Error('other side closed');
}

/** The error object of each error event. */
function errorEvents(text: string): { readonly code: string }[] {
  return text
    .split(/\r?\n\r?\n/)
    .filter((event) => event.startsWith('data: {'))
    .map((event) => JSON.parse(event.slice('data: '.length)))
    .flatMap((payload) => ('error' in payload ? [payload.error] : []));
}

describe.each([
  ['LF', '\n'],
  ['CRLF', '\r\n'],
])('a stream with %s line ends', (_, newline) => {
  const whole = frames([...recorded, usage, '[DONE]'], newline);
  const withoutUsage = frames([...recorded, '[DONE]'], newline);
  const bytes = Buffer.from(whole);

  test('is passed byte for byte, wherever it is split', async () => {
    for (let at = 0; at <= bytes.length; at += 1) {
      const parts = [bytes.subarray(0, at), bytes.subarray(at)];
      const { text, ends } = await pass(parts, { includeUsage: true });
      expect(text).toBe(whole);
      expect(ends).toEqual([undefined]);
    }
  });

  test('loses the usage chunk that nobody asked for, wherever it is split', async () => {
    for (let at = 0; at <= bytes.length; at += 1) {
      const { text, ends } = await pass([bytes.subarray(0, at), bytes.subarray(at)]);
      expect(text).toBe(withoutUsage);
      expect(ends).toEqual([undefined]);
    }
  });

  test('may come byte by byte', async () => {
    const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
    expect((await pass(single)).text).toBe(withoutUsage);
  });

  test('is complete when only its last blank line is missing', async () => {
    const { text, ends } = await pass([bytes.subarray(0, -2 * newline.length)]);
    expect(text).toMatch(/data: \[DONE\]\r?\n\r?\n$/);
    expect(ends).toEqual([undefined]);
  });
});

describe('the usage chunk', () => {
  test.each([
    '{ "choices": [], "usage": { "total_tokens": 7 } }',
    '{"usage" : {"total_tokens":7}, "choices" : [ ]}',
    '{"choices":[],"usage":{"total_tokens":7,"details":{"usage":null}}}',
    '{"choices":[],"usage":{"total_tokens":7},"choices_note":null}',
  ])('is left out as %s', async (payload) => {
    const { text } = await pass([Buffer.from(frames([content, payload, '[DONE]']))]);
    expect(text).toBe(frames([content, '[DONE]']));
  });

  test('is left out without a space behind the colon', async () => {
    const { text } = await pass([
      Buffer.from(`data:${content}\n\ndata:${usage}\n\ndata:[DONE]\n\n`),
    ]);
    expect(text).toBe(`data:${content}\n\ndata:[DONE]\n\n`);
  });

  test('is left out behind a comment or another field of its event', async () => {
    const event = `: note\nevent: message\nid: 7\ndata: ${usage}\n\n`;
    const { text } = await pass([Buffer.from(`${frames([content])}${event}data: [DONE]\n\n`)]);
    expect(text).toBe(frames([content, '[DONE]']));
  });

  test.each([
    '{"choices":[{"delta":{"content":"\\"usage\\":{}"}}]}',
    '{"choices":[{"delta":{"content":"usage"}}],"usage":{"total_tokens":7}}',
    '{"choices":[],"usage":null,"prompt_filter_results":[]}',
    '{"choices":[],"note":"\\"usage\\""}',
    '{"usage":{"total_tokens":7}}',
    '{"choices":[],"usage":',
    'not json "usage"',
  ])('is not what %s is', async (payload) => {
    const stream = frames([content, payload, '[DONE]']);
    expect((await pass([Buffer.from(stream)])).text).toBe(stream);
  });

  test('leaves its neighbours in one piece', async () => {
    const stream = frames([usage, recorded[2] ?? '', usage, usage, recorded[4] ?? '', '[DONE]']);
    const { text } = await pass([Buffer.from(stream)]);
    expect(text).toBe(frames([recorded[2] ?? '', recorded[4] ?? '', '[DONE]']));
  });

  test('is left out over several lines of data, which a parser joins', async () => {
    const lines = ['data: {"choices":[],', 'data: "usage":{"total_tokens":7}}', '', ''].join('\n');
    const { text, totalTokens } = await pass([
      Buffer.from(`${frames([content])}${lines}data: [DONE]\n\n`),
    ]);
    expect(text).toBe(frames([content, '[DONE]']));
    expect(totalTokens).toBe(7);
  });

  test.each([
    [
      'with the finish reason',
      '{"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"total_tokens":7}}',
    ],
    [
      'in its choice',
      '{"choices":[{"delta":{},"finish_reason":"stop","usage":{"total_tokens":7}}]}',
    ],
    ["in a service's own field", '{"choices":[],"x_groq":{"id":"r","usage":{"total_tokens":7}}}'],
  ])('is counted %s', async (_, payload) => {
    expect((await pass([Buffer.from(frames([content, payload, '[DONE]']))])).totalTokens).toBe(7);
  });

  test('is counted as it stands last, where each event has one', async () => {
    const counted = [3, 5, 9].map((total) =>
      JSON.stringify({ choices: [{ delta: { content: 'x' } }], usage: { total_tokens: total } }),
    );
    expect((await pass([Buffer.from(frames([...counted, '[DONE]']))])).totalTokens).toBe(9);
  });
});

describe('comments and heartbeats', () => {
  test('are passed', async () => {
    const stream = `: ping\n\n${frames(recorded)}: ping\n\nevent: ping\ndata: {}\n\n${frames(['[DONE]'])}`;
    const { text, ends } = await pass([Buffer.from(stream)]);
    expect(text).toBe(stream);
    expect(ends).toEqual([undefined]);
  });

  test('are no end of the stream', async () => {
    const stream = `${frames(unfinished)}: [DONE]\n\n`;
    const { text } = await pass([Buffer.from(stream)]);
    expect(errorEvents(text)).toHaveLength(1);
  });
});

describe('a stream that stops before [DONE]', () => {
  test('ends with one error event behind its last whole event', async () => {
    const { text, ends } = await pass([Buffer.from(frames(unfinished))]);
    expect(text.startsWith(frames(unfinished))).toBe(true);
    expect(errorEvents(text)).toEqual([expect.objectContaining({ code: 'upstream_incomplete' })]);
    expect(text.endsWith('\n\n')).toBe(true);
    expect(ends).toEqual([expect.any(UpstreamError)]);
  });

  test('loses the event that it broke off in', async () => {
    const { text } = await pass([Buffer.from(`${frames(unfinished)}data: {"broken":[{"half`)]);
    expect(text.startsWith(`${frames(unfinished)}data: {"error"`)).toBe(true);
    expect(text).not.toContain('broken');
  });

  test('does not take [DONE] inside a text for its end', async () => {
    const said = '{"choices":[{"delta":{"content":"data: [DONE]"}}]}';
    const { text } = await pass([Buffer.from(frames([said]))]);
    expect(errorEvents(text)).toHaveLength(1);
  });

  test('loses the event that a break of the connection cut', async () => {
    const { text, ends, destroyed } = await pass(thenThrow(frames(unfinished), 'data: {"cho'));
    expect(text.startsWith(`${frames(unfinished)}data: {"error"`)).toBe(true);
    expect(errorEvents(text)).toHaveLength(1);
    expect(ends).toEqual([expect.objectContaining({ status: 502, code: 'upstream_incomplete' })]);
    expect(destroyed).toBe(1);
  });

  test('says so when time ran out', async () => {
    const signal = AbortSignal.abort();
    const { text, ends } = await pass(thenThrow(frames(unfinished)), { signal });
    expect(errorEvents(text)).toEqual([expect.objectContaining({ code: 'upstream_timeout' })]);
    expect(ends).toEqual([expect.objectContaining({ status: 504 })]);
  });

  test('does not show what broke', async () => {
    expect((await pass(thenThrow(frames(unfinished)))).text).not.toContain('other side closed');
  });
});

describe('a stream that is complete', () => {
  test('stays so when the connection breaks behind [DONE]', async () => {
    const { text, ends } = await pass(thenThrow(frames([...recorded, '[DONE]'])));
    expect(text).toBe(frames([...recorded, '[DONE]']));
    expect(ends).toEqual([undefined]);
  });

  test('stays so when the connection breaks behind a [DONE] without its blank line', async () => {
    const { text, ends } = await pass(thenThrow(`${frames(recorded)}data: [DONE]\n`));
    expect(text).toBe(frames([...recorded, '[DONE]']));
    expect(ends).toEqual([undefined]);
  });
});

describe('a stream that ends without [DONE]', () => {
  test('is complete once its answer has a finish reason and its body ends by itself', async () => {
    const annotated = [
      ...recorded,
      '{"choices":[{"content_filter_offsets":{},"finish_reason":null}]}',
    ];
    for (const payloads of [recorded, [...recorded, usage], annotated]) {
      const { text, ends } = await pass([Buffer.from(frames(payloads))], { includeUsage: true });
      expect(text).toBe(frames([...payloads, '[DONE]']));
      expect(ends).toEqual([undefined]);
    }
  });

  test('is complete where the blank line of its last event is missing', async () => {
    const { text, ends } = await pass([Buffer.from(frames(recorded).trimEnd())]);
    expect(text).toBe(frames([...recorded, '[DONE]']));
    expect(ends).toEqual([undefined]);
  });

  test('has nothing behind an error, and no usage that was not asked for, without a blank line', async () => {
    const error = '{"error":{"message":"Sorry"}}';
    const failed = `${frames([content, error])}data: ${recorded[4]}`;
    expect((await pass([Buffer.from(failed)])).text).toBe(frames([content, error]));
    const counted = await pass([Buffer.from(`${frames(recorded)}data: ${usage}`)]);
    expect(counted.text).toBe(frames([...recorded, '[DONE]']));
    expect(counted.totalTokens).toBe(7);
  });

  test('may be one event without a blank line', async () => {
    const whole = '{"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}';
    const { text, ends } = await pass([Buffer.from(`data: ${whole}`)]);
    expect(text).toBe(frames([whole, '[DONE]']));
    expect(ends).toEqual([undefined]);
  });

  test('is not complete when the connection breaks', async () => {
    const { text } = await pass(thenThrow(frames(recorded)));
    expect(errorEvents(text)).toHaveLength(1);
  });
});

test.each([
  'data: [DONE]\nid: 7\n\n',
  'event: done\nid: a-rather-long-name-of-an-event-that-is-longer-than-sixty-four-bytes\ndata: [DONE]\n\n',
  ': bye\r\ndata: [DONE] \r\n\r\n',
])('%j ends a stream', async (done) => {
  const { text, ends } = await pass([Buffer.from(frames(unfinished) + done)]);
  expect(text).toBe(frames(unfinished) + done);
  expect(ends).toEqual([undefined]);
});

test.each([
  ['CR as ends of lines', frames([...recorded, '[DONE]'], '\r')],
  ['several kinds of ends of lines', `${frames(recorded, '\r\n')}${frames(['[DONE]'])}`],
])('a stream with %s is passed as it is, wherever it is split', async (_, whole) => {
  const bytes = Buffer.from(whole);
  for (let at = 0; at <= bytes.length; at += 1) {
    const { text, ends } = await pass([bytes.subarray(0, at), bytes.subarray(at)]);
    expect(text).toBe(whole);
    expect(ends).toEqual([undefined]);
  }
});

test('a byte order mark is left out, wherever it is split, since comments may come before it', async () => {
  const whole = frames([...recorded, '[DONE]']);
  const marked = Buffer.from(`\ufeff${whole}`);
  for (let at = 0; at <= marked.length; at += 1) {
    const { text, ends } = await pass([marked.subarray(0, at), marked.subarray(at)]);
    expect(text).toBe(whole);
    expect(ends).toEqual([undefined]);
  }
});

describe('a stream without an answer', () => {
  test.each([
    frames(['[DONE]']),
    frames([recorded[1] ?? '', '[DONE]']),
    frames([usage, '[DONE]']),
    ': ping\n\n',
  ])('is refused, so that another deployment can answer: %j', async (stream) => {
    expect(await refusal([Buffer.from(stream)])).toMatchObject({ code: 'upstream_incomplete' });
  });

  test.each([
    frames(['{"object":"error","message":"Sorry","code":500}']),
    'event: error\ndata: {"message":"Sorry"}\n\n',
    'event: error\ndata: Sorry\n\n',
  ])('is an error that another deployment may make good: %j', async (stream) => {
    const opened = await openEvents(createBody([Buffer.from(stream)]).body, defaults);
    expect(opened).toMatchObject({ isError: true, mayFallBack: true });
  });
});

describe('an error event of the deployment', () => {
  const error = '{"error":{"message":"Sorry","type":"server_error","param":null,"code":null}}';

  test('is passed and ends the stream', async () => {
    const stream = frames([...recorded, error]);
    expect((await pass([Buffer.from(stream)])).text).toBe(stream);
  });

  test('is not doubled when the connection breaks behind it', async () => {
    const stream = frames([...recorded, error]);
    expect((await pass(thenThrow(stream))).text).toBe(stream);
  });

  test.each([
    '{ "error" : {"message":"Sorry"} }',
    '{"id":"gen-1","provider":"x","error":{"code":502,"message":"Sorry"},"choices":[]}',
  ])('is known as %s', async (payload) => {
    const stream = frames([...recorded, payload]);
    expect((await pass([Buffer.from(stream)])).text).toBe(stream);
  });

  test('is known behind the name of its event', async () => {
    const stream = `${frames(recorded)}event: error\ndata: ${error}\n\n`;
    expect((await pass([Buffer.from(stream)])).text).toBe(stream);
  });

  test('is not a chunk whose error is null', async () => {
    const stream = frames([...unfinished, '{"error":null,"choices":[]}']);
    const { text } = await pass([Buffer.from(stream)]);
    expect(errorEvents(text)).toEqual([null, expect.any(Object)]);
  });
});

describe('a stream of more than the allowed bytes', () => {
  test('ends with an error event that says so', async () => {
    const stream = frames([...recorded, '[DONE]']);
    const half = Buffer.from(frames(recorded.slice(0, 3)));
    const { text, ends, destroyed } = await pass(
      [half, Buffer.from(stream).subarray(half.length)],
      {
        maxBytes: half.length,
      },
    );
    expect(text.startsWith(half.toString())).toBe(true);
    expect(errorEvents(text)).toEqual([expect.objectContaining({ code: 'answer_too_large' })]);
    expect(text).not.toContain('[DONE]');
    expect(ends).toHaveLength(1);
    expect(destroyed).toBe(1);
  });

  test('is fine at exactly that many', async () => {
    const bytes = Buffer.from(frames([...recorded, '[DONE]']));
    const { ends } = await pass([bytes], { maxBytes: bytes.length, includeUsage: true });
    expect(ends).toEqual([undefined]);
  });
});

describe('a reader that leaves', () => {
  test('ends the upstream body, and the end is told once', async () => {
    const ends: StreamEnd[] = [];
    const { body, counts } = createBody([
      Buffer.from(frames(recorded)),
      Buffer.from(frames(['[DONE]'])),
    ]);
    const events = await openEvents(body, defaults);
    for await (const _ of events.pass(endsInto(ends))) break;
    expect(counts.destroyed).toBe(1);
    expect(ends).toHaveLength(1);
  });
});

describe('a large stream', () => {
  async function timeOf(chunks: readonly Uint8Array[]): Promise<number> {
    const processorMs = startProcessorClock();
    const { ends } = await pass(chunks);
    expect(ends).toEqual([undefined]);
    return processorMs();
  }

  function inChunks(bytes: Buffer, size: number): Buffer[] {
    return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
      bytes.subarray(index * size, (index + 1) * size),
    );
  }

  test.each([
    ['LF', '\n'],
    ['CRLF', '\r\n'],
  ])('of many events with %s in one chunk takes linear time', async (_, newline) => {
    const bytes = Buffer.from(
      frames([...new Array<string>(40_000).fill(recorded[2] ?? ''), '[DONE]'], newline),
    );
    expect(await timeOf([bytes])).toBeLessThan(4_000);
  });

  test('of one event in many chunks takes linear time', async () => {
    const event = `{"choices":[{"delta":{"audio":"${'A'.repeat(16 * 1024 * 1024)}"}}]}`;
    const bytes = Buffer.from(frames([event, '[DONE]']));
    expect(await timeOf(inChunks(bytes, 8 * 1024))).toBeLessThan(6_000);
  });
});

test('a deployment that keeps its connection open behind [DONE] does not keep the client', async () => {
  const { promise: destroyed, resolve } = Promise.withResolvers<void>();
  const body = {
    async *[Symbol.asyncIterator]() {
      yield Buffer.from(frames([...recorded, '[DONE]']));
      await destroyed;
      throw new Error('The body was destroyed.');
    },
    destroy: () => resolve(),
  };
  const ends: StreamEnd[] = [];
  let text = '';
  const events = await openEvents(body, defaults);
  for await (const chunk of events.pass(endsInto(ends))) text += chunk.toString();
  expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
  expect(ends).toMatchObject([{ isWhole: true }]);
});

describe('an error before any content', () => {
  const open = (error: object) =>
    openEvents(createBody([Buffer.from(frames([JSON.stringify({ error })]))]).body, defaults);

  test.each([
    { code: 'content_filter', status: 400 },
    { code: '401', message: 'Access denied' },
    { code: 'x', status: 403 },
    { code: null, type: 'invalid_request_error' },
  ])('that is about the request is nobody else’s to answer: %j', async (error) => {
    expect(await open(error)).toMatchObject({ isError: true, mayFallBack: false });
  });

  test.each([
    { code: '429' },
    // Another model may take a longer prompt.
    { code: 'context_length_exceeded' },
    { code: 'server_error', status: 500 },
    { message: 'Sorry' },
    { code: 'DeploymentNotFound', status: 404 },
  ])('that is about the deployment is: %j', async (error) => {
    expect(await open(error)).toMatchObject({ isError: true, mayFallBack: true });
  });
});

test('nothing follows an error, no [DONE] either', async () => {
  const error = '{"error":{"message":"Sorry"}}';
  for (const parts of [[[...recorded, error, '[DONE]']], [[...recorded, error], ['[DONE]']]]) {
    const { text, ends } = await pass(parts.map((part) => Buffer.from(frames(part))));
    expect(text).toBe(frames([...recorded, error]));
    expect(ends).toEqual([expect.any(UpstreamError)]);
  }
});

describe('a stream without content', () => {
  const preamble = frames(recorded.slice(0, 2));
  const error = frames(['{"error":{"message":"Sorry"}}']);

  test.each([
    ['is empty', ''],
    ['has comments alone', ': ping\n\n: [DONE]\n\n'],
    ['has announced an answer and no more', preamble],
    ['has an error that is null', frames(['{"error":null,"choices":[]}'])],
  ])('is refused before anything is passed: it %s', async (_, stream) => {
    expect(await refusal([Buffer.from(stream)])).toMatchObject({ code: 'upstream_incomplete' });
    expect(await refusal(thenThrow(stream))).toMatchObject({ code: 'upstream_incomplete' });
    const signal = AbortSignal.abort();
    expect(await refusal(thenThrow(stream), { signal })).toMatchObject({
      code: 'upstream_timeout',
    });
  });

  test('is refused when it is too large', async () => {
    const refused = await refusal([Buffer.from(preamble)], { maxBytes: 10 });
    expect(refused).toMatchObject({ code: 'answer_too_large' });
  });

  test('and with an error can be given up for another one, or be passed as it is', async () => {
    const open = () => openEvents(createBody([Buffer.from(preamble + error)]).body, defaults);
    const passed: Uint8Array[] = [];
    const one = await open();
    expect(one.mayFallBack).toBe(true);
    for await (const chunk of one.pass(endsInto([]))) passed.push(chunk);
    expect(Buffer.concat(passed).toString()).toBe(preamble + error);
    const { body, counts } = createBody([Buffer.from(preamble + error)]);
    await (await openEvents(body, defaults)).discard();
    expect(counts.destroyed).toBe(1);
  });

  test('is one only until the first content, whatever that is', async () => {
    const contents = [
      '{"choices":[{"delta":{"content":"a"}}]}',
      '{"choices":[{"delta":{"refusal":"no"}}]}',
      '{"choices":[{"delta":{"tool_calls":[{"index":0}]}}]}',
      '{"choices":[{"delta":{},"finish_reason":"content_filter"}]}',
      'no JSON',
    ];
    for (const content of contents) {
      const stream = preamble + frames([content]) + error;
      const opened = await openEvents(createBody([Buffer.from(stream)]).body, defaults);
      expect(opened.isError, content).toBe(false);
    }
  });
});

test('the first content is passed on as soon as it is there', async () => {
  const { promise: later, resolve } = Promise.withResolvers<void>();
  const start = frames(recorded.slice(0, 3));
  async function* source() {
    for (const frame of recorded.slice(0, 3)) yield Buffer.from(frames([frame]));
    await later;
    yield Buffer.from(frames(['[DONE]']));
  }
  const { pass: passOn } = await openEvents(createBody(source()).body, defaults);
  let text = '';
  for await (const chunk of passOn(endsInto([]))) {
    text += chunk.toString();
    if (text === start) resolve();
  }
  expect(text).toBe(start + frames(['[DONE]']));
});

test('what the deployment counted is told, asked for or not', async () => {
  const bytes = [Buffer.from(frames([...recorded, usage, '[DONE]']))];
  expect((await pass(bytes)).totalTokens).toBe(7);
  expect((await pass(bytes, { includeUsage: true })).totalTokens).toBe(7);
  expect((await pass([Buffer.from(frames([...recorded, '[DONE]']))])).totalTokens).toBeUndefined();
});

describe('a stream that is read on its way', () => {
  const event = (content: string) =>
    frames([JSON.stringify({ choices: [{ delta: { content } }] })]);
  const DONE = 'data: [DONE]\n\n';

  /** The chunks that are passed on, and how many of them had been when the end was told. */
  async function run(chunks: readonly string[], unsettled?: HttpError, leaveAfter = Infinity) {
    const { push, answer } = createCollector();
    const passed: string[] = [];
    const ends: { readonly after: number; readonly isWhole: boolean; readonly content: unknown }[] =
      [];
    const { body } = createBody(chunks.map((chunk) => Buffer.from(chunk)));
    const events = (await openEvents(body, defaults)).pass({
      onEvent: ({ data }) => push(data),
      onEnd: async ({ isWhole }) => {
        ends.push({ after: passed.length, isWhole, content: answer().message?.content });
        return unsettled;
      },
    });
    for await (const chunk of events) {
      passed.push(Buffer.from(chunk).toString());
      if (passed.length >= leaveAfter) break;
    }
    return { passed, ends };
  }

  test('is told of its end before its [DONE], with content in one chunk or not', async () => {
    const content = event('Hel') + event('lo');
    for (const chunks of [[content, DONE], [content + DONE]]) {
      const { passed, ends } = await run(chunks);
      expect(passed).toEqual([content, DONE]);
      expect(ends).toEqual([{ after: 1, isWhole: true, content: 'Hello' }]);
    }
    const unfinished = await run([content, 'data: [DONE]']);
    expect(unfinished.passed).toEqual([content, DONE]);
    expect(unfinished.ends).toEqual([{ after: 1, isWhole: true, content: 'Hello' }]);
  });

  test('has all of its events read, those before the first content too', async () => {
    const opening = frames(['{"choices":[{"delta":{"role":"assistant","content":""}}]}', '5']);
    const { ends } = await run([opening, event('Hel'), `: ping\n\n${event('lo')}`, DONE]);
    expect(ends).toMatchObject([{ content: 'Hello', isWhole: true }]);
  });

  test('that breaks off, or whose reader leaves, is told once as far as it came', async () => {
    const chunks = [event('Hel'), event('lo')];
    const broken = await run([...chunks, 'data: {"error":{}}\n\n']);
    expect(broken.ends).toEqual([{ after: 3, isWhole: false, content: 'Hello' }]);
    const cut = await run(chunks);
    expect(cut.passed.slice(0, 2)).toEqual(chunks);
    expect(cut.ends).toEqual([{ after: 3, isWhole: false, content: 'Hello' }]);
    const left = await run([...chunks, DONE], undefined, 1);
    expect(left.ends).toEqual([{ after: 1, isWhole: false, content: 'Hel' }]);
  });

  test('ends with an error instead of [DONE] when it cannot be kept', async () => {
    const error = new HttpError('Full.', { status: 503, code: 'full' });
    for (const last of [DONE, 'data: [DONE]']) {
      const { passed, ends } = await run([event('Hi'), last], error);
      expect(passed).toHaveLength(2);
      expect(passed[1]).toContain('"code":"full"');
      expect(ends).toHaveLength(1);
    }
  });
});

test('a stream that says twice that it is done is settled once', async () => {
  const stream = `${frames([JSON.stringify({ choices: [{ index: 0, delta: { content: 'Hi' } }] })])}data: [DONE]\n\ndata: [DONE]\n\n`;
  const opened = await openEvents(createBody([Buffer.from(stream)]).body, defaults);
  const ends: StreamEnd[] = [];
  let text = '';
  const passed = opened.pass({
    onEnd: (end) => {
      ends.push(end);
      return undefined;
    },
  });
  for await (const bytes of passed) text += Buffer.from(bytes).toString();
  expect(ends).toHaveLength(1);
  expect(text.match(/\[DONE\]/g)).toHaveLength(1);
});

test('a reader that refuses an event ends the stream with its error, and gives the deployment up', async () => {
  const stream = frames([JSON.stringify({ choices: [{ index: 0, delta: { content: 'Hi' } }] })]);
  const { body } = createBody([Buffer.from(stream)]);
  const opened = await openEvents(body, defaults);
  const ends: StreamEnd[] = [];
  let text = '';
  const passed = opened.pass({
    onEvent: () => {
      throw new TooManyBytesError();
    },
    onEnd: (end) => {
      ends.push(end);
      return undefined;
    },
  });
  for await (const bytes of passed) text += Buffer.from(bytes).toString();
  expect(ends).toMatchObject([{ isWhole: false, error: { code: 'too_many_bytes' } }]);
  expect(text).toContain('too_many_bytes');
});
