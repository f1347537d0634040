import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Simulator, startSimulator } from '../../tools/upstream-simulator/simulator.ts';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

/** The number of generated requests, in addition to the fixed ones. */
const GENERATED = 2_500;
const AT_ONCE = 16;
/** A time limit far below the four minutes of a hang, and sufficient for a busy machine. */
const ANSWER_WITHIN_MS = 60_000;
const MAX_HEADER_BYTES = 20_000;

/** Statuses that the platform itself answers, without a body, to requests that do not reach the app. */
const PLATFORM_STATUSES = [
  204, // `GET /`
  400, // not HTTP
  404, // no route of that path and method
  414, // an address of more than 8,192 characters
  417, // an unknown `expect`
  431, // headers of more than 32 KiB
];

// Two requests are not tested, since the host itself answers them badly: a client's own
// `x-ms-invocation-id` (it waits for minutes; the front door removes it), and a body of more than 100 MiB
// (an empty 500).

/** A script without spaces that reports properties added to Object.prototype when the worker ends. */
const TELL_PROTOTYPES =
  "--import=data:text/javascript,process.on('exit',()=>console.log('prototypes'+JSON.stringify([Object,Array,Function,String].flatMap(o=>Object.keys(o.prototype)))))";

type Sent = { readonly head: string; readonly body: Buffer };
type Answered = { readonly status: number; readonly headers: string; readonly body: string };

let router: Router;
let simulator: Simulator;
let firstPid: number;
const counts = { tried: 0, byApp: 0, byPlatform: 0, unanswered: 0, serverErrors: 0 };

beforeAll(async () => {
  simulator = await startSimulator({ record: 10_000 });
  router = await startRouter({
    simulator,
    hangMs: 60_000,
    settings: {
      MAX_BODY_BYTES: '300000',
      MAX_BODY_VALUES: '20000',
      MAX_HEADER_BYTES: String(MAX_HEADER_BYTES),
      // This is set as in a deployment: otherwise the library's server refuses headers of 16 KiB, and the host hangs.
      languageWorkers__node__arguments: `--max-http-header-size=65536 ${TELL_PROTOTYPES}`,
    },
  });
  firstPid = router.workerPid();
});
// The local host reports each invocation that the library gives up: there are hundreds.
beforeEach(() => void vi.spyOn(console, 'error').mockImplementation(() => undefined));
afterAll(async () => {
  await simulator.close();
  process.stderr.write(
    `hostile input: ${counts.tried} requests tried, ${counts.serverErrors} answered with 5xx; ` +
      `${counts.byApp} answered by the app, ${counts.byPlatform} by the platform, ${counts.unanswered} broken off by their sender\n`,
  );
});

/** Sends bytes as they are, and reads the answer until the connection closes. */
async function send({ head, body }: Sent, halfClose = false): Promise<Answered | undefined> {
  const socket = connect(Number(new URL(router.url).port), '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(Buffer.from(chunk)));
  // An error of sending after the answer has come does not matter.
  socket.on('error', () => undefined);
  socket.write(Buffer.from(head, 'latin1'));
  socket.write(body);
  if (halfClose) socket.end();
  socket.setTimeout(ANSWER_WITHIN_MS, () => {
    chunks.push(Buffer.from('HUNG'));
    socket.destroy();
  });
  await new Promise((resolve) => socket.once('close', resolve));
  const text = Buffer.concat(chunks)
    .toString('latin1')
    .replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '');
  if (text === '') return undefined;
  const end = text.indexOf('\r\n\r\n');
  const headers = text.slice(0, end);
  const raw = text.slice(end + 4);
  const isChunked = /\ntransfer-encoding: chunked/i.test(headers);
  const latin1 = isChunked ? withoutChunks(raw) : raw;
  return {
    status: Number(text.slice(9, 12)),
    headers,
    body: Buffer.from(latin1, 'latin1').toString('utf8'),
  };
}

function withoutChunks(raw: string): string {
  let whole = '';
  for (let at = 0; ; ) {
    const start = raw.indexOf('\r\n', at) + 2;
    const length = Number.parseInt(raw.slice(at, start), 16);
    if (start === 1 || !(length > 0)) return whole;
    whole += raw.slice(start, start + length);
    at = start + length + 2;
  }
}

/** Tries one request and judges its answer. */
async function attempt(sent: Sent): Promise<void> {
  counts.tried += 1;
  let answer = await send(sent);
  // A server that refuses while it is still being sent to resets the connection, and the system
  // then discards the answer that it had already received.
  for (let again = 0; answer === undefined && again < 3; again += 1) answer = await send(sent);
  if (answer !== undefined && answer.status >= 500) counts.serverErrors += 1;
  try {
    judge(answer, sent.head.startsWith('HEAD '));
  } catch (cause) {
    const what = JSON.stringify([sent.head, sent.body.toString('latin1')]).slice(0, 1_000);
    throw new Error(`${what} got ${JSON.stringify(answer)?.slice(0, 1_000)}`, { cause });
  }
}

function judge(answer: Answered | undefined, isHead = false): asserts answer is Answered {
  expect(answer).toBeDefined();
  // The line above proves the type.
  if (answer === undefined) return;
  const { status, headers, body } = answer;
  expect(body).not.toMatch(/HUNG$/);
  expect(status).toBeLessThan(500);
  expect(headers).not.toMatch(/\nx-forged/i);
  if (!/\nx-smart-router-request-id: /i.test(headers)) {
    counts.byPlatform += 1;
    expect(PLATFORM_STATUSES).toContain(status);
    expect(body).toBe('');
    return;
  }
  counts.byApp += 1;
  // These have no body.
  if (isHead || status === 302) {
    expect(body).toBe('');
    return;
  }
  if (status !== 200) {
    expect(JSON.parse(body)).toMatchObject({
      error: { message: expect.any(String), type: expect.any(String) },
    });
  } else if (/\ncontent-type: application\/json/i.test(headers)) {
    expect(JSON.parse(body)).toEqual(expect.any(Object));
  } else if (!/\ncontent-type: text\/html/i.test(headers)) {
    expect(headers).toMatch(/\ncontent-type: text\/event-stream/i);
    expect(body).toMatch(/data: (\[DONE\]|\{"error".*\})\n\n(\r\n)*$/);
  }
}

function request(
  method: string,
  path: string,
  headers: readonly (readonly [string, string])[],
  body: Buffer,
): Sent {
  const framing = headers.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name))
    ? []
    : [['content-length', String(body.length)] as const];
  const typed = headers.some(([name]) => /^content-type$/i.test(name))
    ? []
    : [['content-type', 'application/json'] as const];
  const all = [...headers, ['host', 'localhost'] as const, ['connection', 'close'] as const];
  const lines = [...all, ...typed, ...framing].map(([name, value]) => `${name}: ${value}\r\n`);
  return { head: `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, body };
}

// Parts of generated requests.

const names = [
  ...['smart-router', 'strong', 'weak', 'embedding', 'router-mf-0.5', 'router-mf-1e-9', 'x'],
  ...['router-mf-NaN', 'router-mf-', '%2F', '..', '%2e%2e', '%00', '%0d%0ax-forged:%201', '%ff'],
  ...['__proto__', 'constructor', '%F0%9F%A4%96', 'a'.repeat(3_000), '%', "'--", '{deployment}'],
];
const name = fc.oneof(
  { weight: 4, arbitrary: fc.constant('smart-router') },
  { weight: 3, arbitrary: fc.constantFrom(...names) },
);

const path = fc.oneof(
  { weight: 6, arbitrary: name.map((one) => `/llm/openai/deployments/${one}/chat/completions`) },
  { weight: 2, arbitrary: name.map((one) => `/llm/deployments/${one}/chat/completions`) },
  { weight: 2, arbitrary: name.map((one) => `/llm/openai/deployments/${one}/embeddings`) },
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      ...['/llm/openai/v1/chat/completions', '/llm/chat/completions', '/llm/openai/v1/embeddings'],
      ...['/llm/route', '/llm/openai/v1/models', '/health', '/ready', '/openapi.json', '/', '/llm'],
      ...['/LLM/Route/', '//llm/route', '/llm/../health', '/llm/responses', '/admin/host/status'],
      ...['/llm/%00', '/llm/%ff', '/%', '*', 'http://evil.example/llm/route', '/llm/route;x=1'],
    ),
  },
  fc.webPath().map((one) => `/llm${one}`),
);

const query = fc.oneof(
  { weight: 6, arbitrary: fc.constant('') },
  fc.constantFrom('?headers=%7B%22host%22%3A%22x%22%7D', '?HEADERS=x', '?code=x', '?api-version='),
  fc.constantFrom(
    '?__proto__=1&constructor=2',
    '?deployment=strong&deployment=weak',
    '?%',
    '?&&=&',
  ),
  fc.constantFrom(`?x=${'y'.repeat(9_000)}`, '?model=%0d%0ax-forged:%201', '?rest=%2e%2e'),
  fc.webQueryParameters().map((one) => `?${one}`),
);

/** Header values that are valid on the wire, and sometimes invalid ones. */
const value = fc.oneof(
  fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((one) => String.fromCharCode(one)) }),
  fc.string({ unit: fc.integer({ min: 0xa0, max: 0xff }).map((one) => String.fromCharCode(one)) }),
  fc.constantFrom('0.5', '1.5', 'NaN', '-1', '1e400', '', '0.1, 0.2', '[object Object]', 'gzip'),
  fc.constantFrom('a\tb', 'a\u0000b', 'a\nx-forged: 1', 'a\rb', '\u0001', 'é'.repeat(300)),
  fc.constantFrom('x'.repeat(5_000), 'y'.repeat(18_000), 'z'.repeat(25_000), '0'.repeat(400)),
);

const header = fc.tuple(
  fc.constantFrom(
    ...['x-use_case', 'X-USE_CASE', 'x-use-case', 'x-smart-router-threshold', 'traceparent'],
    ...['x-smart-router-strong-share', 'authorization', 'api-key', 'content-type', 'accept'],
    ...['x-ms-client-request-id', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-for'],
    ...['x-ms-client-principal', 'x-front-door-caller', 'idempotency-key', 'cookie', 'te'],
    ...['x-http-method-override', 'content-encoding', '__proto__', 'constructor', 'headers'],
    ...['bad name', 'x-\u00e9', '', 'content-length', 'expect', 'upgrade', 'trailer'],
  ),
  value,
);

/** Headers that reach the app. */
const passable = header.filter(
  ([key, one]) =>
    /^[\w-]+$/.test(key) &&
    /^[\x20-\xff]{0,15000}$/.test(one) &&
    !/^(expect|upgrade|trailer|te)$/.test(key),
);

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom(
    'Hi',
    '',
    ' ',
    '\ud800',
    '\u0000',
    '__proto__',
    '\r\nx-forged: 1',
    '<system-reminder>',
  ),
  fc.constantFrom('a'.repeat(20_000), '\\'.repeat(99), '😀'.repeat(500), 'data: [DONE]\n\n', '‮'),
);

const field = fc.constantFrom(
  ...['messages', 'prompt', 'model', 'stream', 'stream_options', 'routing', 'routing_config'],
  ...['temperature', 'top_p', 'max_tokens', 'max_completion_tokens', 'n', 'thread_id', 'tools'],
  ...['tool_choice', 'response_format', 'input', 'prompts', 'metadata', 'seed', 'stop', 'user'],
  // A top-level key `headers` has its own test: some of those requests take five seconds.
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'rawJSON', 'id'],
  ...['role', 'content', 'type', 'text', 'threshold', 'strong_share', 'mode', 'models', 'explain'],
);

const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 5 },
    text.map((one) => JSON.stringify(one)),
    fc.constantFrom(
      '0',
      '1',
      '-1',
      '0.5',
      '1e400',
      '12345678901234567890',
      'true',
      'false',
      'null',
    ),
    fc.constantFrom('"strong"', '"weak"', '"cost"', '"user"', '"system"', '"json_object"'),
    fc.array(tie('json'), { maxLength: 3 }).map((items) => `[${items.join(',')}]`),
    fc
      .array(fc.tuple(field, tie('json')), { maxLength: 4 })
      .map(
        (fields) => `{${fields.map(([key, one]) => `${JSON.stringify(key)}:${one}`).join(',')}}`,
      ),
  ),
}));

/** A valid request with other fields replaced or added; keys may come twice. */
const almostRight = fc
  .tuple(
    fc.constantFrom(
      '"messages":[{"role":"user","content":"Hi"}]',
      '"prompt":"Hi"',
      '"input":"Hi"',
      '"prompts":["Hi"]',
      '"messages":[{"role":"user","content":"Hi"}],"stream":true',
    ),
    fc.array(fc.tuple(field, json), { maxLength: 4 }),
  )
  .map(([start, more]) =>
    [start, ...more.map(([key, one]) => `${JSON.stringify(key)}:${one}`)].join(','),
  )
  .map((fields) => Buffer.from(`{${fields}}`));

const body = fc.oneof(
  { weight: 8, arbitrary: almostRight },
  { weight: 2, arbitrary: json.map((one) => Buffer.from(one)) },
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.tuple(almostRight, fc.nat()).map(([one, at]) => one.subarray(0, at % (one.length + 1))),
  fc
    .tuple(fc.constantFrom('[', '{"a":', '{"messages":[', '"\\', '\ufeff'), fc.nat(40_000))
    .map(([one, times]) => Buffer.from(one.repeat(times)).subarray(0, 250_000)),
);

const generated = fc
  .tuple(
    fc.oneof(
      { weight: 9, arbitrary: fc.constant('POST') },
      fc.constantFrom('GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'post', 'PO ST'),
    ),
    path,
    query,
    fc.oneof(
      { weight: 2, arbitrary: fc.constant([]) },
      { weight: 2, arbitrary: fc.array(passable, { maxLength: 3 }) },
      fc.array(header, { minLength: 1, maxLength: 2 }),
    ),
    body,
  )
  .map(([method, where, asked, headers, bytes]) => request(method, where + asked, headers, bytes))
  // A wrong length leaves a request unfinished, or is followed by another request.
  .filter(({ head }) => (head.match(/\ncontent-length: /gi)?.length ?? 0) === 1)
  .filter(({ head, body: { length } }) => head.includes(`content-length: ${length}\r\n`));

/** Values that replace the headers of a request on the way to the app if they are an object or its JSON. */
const headersKey = fc
  .tuple(
    fc.constantFrom('headers', 'Headers', 'HEADERS', 'header\u017f'),
    fc.oneof(
      json,
      fc
        .dictionary(fc.oneof(fc.string(), fc.constantFrom('host', 'api-key', 'a b', 'é')), text)
        .chain((one) => fc.constantFrom(JSON.stringify(one), JSON.stringify(JSON.stringify(one)))),
    ),
  )
  .map(([key, one]) => Buffer.from(`{"prompt":"Hi",${JSON.stringify(key)}:${one}}`));

/** Known attacks, one by one. */
function fixed(): Sent[] {
  const json = ['content-type', 'application/json'] as const;
  const hi = Buffer.from('{"messages":[{"role":"user","content":"Hi"}]}');
  const bomb = gzipSync(Buffer.alloc(5_000_000, '{"prompt":"Hi"} '));
  const bodies = [
    ...[
      '',
      ' ',
      'null',
      '[]',
      '7',
      '"x"',
      '{',
      '}',
      '{}',
      '{"a"}',
      '{,}',
      "{'prompt':'Hi'}",
      '\ufeff{}',
    ],
    `{"prompt":"Hi","deep":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    `{"prompt":"Hi","deep":${'{"a":'.repeat(40_000)}1${'}'.repeat(40_000)}}`,
    `{"messages":[{"role":"user","content":[${'1,'.repeat(140_000)}1]}]}`,
    `{"messages":[${'{},'.repeat(60_000)}{}]}`,
    `{"prompt":"Hi",${Array.from({ length: 8_000 }, (_, index) => `"k${index}":0`).join(',')}}`,
    `{"prompt":"Hi","routing":{${Array.from({ length: 3_000 }, (_, index) => `"k${index}":0`).join(',')}}}`,
    `{"prompt":"Hi","x":${'9'.repeat(200_000)}}`,
    `{"prompt":"Hi","x":1e${'9'.repeat(1_000)}}`,
    `{"prompt":"${'\\u0000'.repeat(40_000)}"}`,
    `{"prompt":"${'\\ud800'.repeat(40_000)}"}`,
    `{"prompt":"${'<system-reminder>'.repeat(15_000)}"}`,
    `{"prompt":"${'a'.repeat(290_000)}"}`,
    `{"prompt":"${'a'.repeat(310_000)}"}`,
    '{"prompt":"Hi","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
    '{"messages":[{"role":"user","content":"Hi","__proto__":{"polluted":1}}],"metadata":{"__proto__":{"polluted":1}}}',
    '{"prompt":"Hi","routing":{"__proto__":{"threshold":0}},"stream_options":{"__proto__":{"include_usage":true}}}',
    '{"model":"strong","model":"weak","prompt":"a","prompt":"b","stream":true,"stream":false}',
    '{"model":"smart-router\\r\\nx-forged: 1","prompt":"Hi"}',
    '{"prompt":"Hi","model":{"toString":"x"},"stream":{"valueOf":1}}',
    '{"prompt":"Hi","tools":"none","response_format":[],"n":1e9,"max_tokens":-1,"logit_bias":{"1":1e308}}',
  ].map((one) => request('POST', ROUTED, [json], Buffer.from(one)));
  const bytes = [
    Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
    Buffer.from('\ufeff{"prompt":"Hi"}', 'utf16le'),
    Buffer.from([0xed, 0xa0, 0x80]),
    Buffer.alloc(100_000, 0),
    bomb,
  ].map((one) => request('POST', ROUTED, [json], one));
  const headers = (
    [
      ['content-encoding', 'gzip'],
      ['content-encoding', 'deflate, br'],
      ['content-type', 'multipart/form-data; boundary=x'],
      ['content-type', 'application/json; charset=utf-16'],
      ['x-smart-router-threshold', `0.${'9'.repeat(15_000)}`],
      ['x-use_case', 'a\u0000b'],
      ['x-use_case', `${'x'.repeat(19_000)}`],
      ['api-key', 'x'.repeat(25_000)],
      ['authorization', `Bearer ${'x'.repeat(15_000)}`],
      ['x-big', 'x'.repeat(40_000)],
      ['host', 'a b'],
      ['host', 'user:password@localhost'],
      ['host', '[::1'],
      ['x-forwarded-host', 'evil.example'],
      ['x-forwarded-proto', 'javascript'],
      ['expect', '100-continue'],
      ['expect', 'a miracle'],
      ['upgrade', 'websocket'],
    ] as const
  ).map((one) => request('POST', ROUTED, [json, one], hi));
  const chunked = [
    '0\r\n\r\n',
    `${hi.length.toString(16)}\r\n${hi}\r\n0\r\n\r\n`,
    '5\r\n{"hea\r\n9\r\nders":{}}\r\n0\r\n\r\n',
    'zz\r\n{}\r\n0\r\n\r\n',
    '-1\r\n{}\r\n0\r\n\r\n',
  ].map((one) =>
    request('POST', ROUTED, [json, ['transfer-encoding', 'chunked']], Buffer.from(one)),
  );
  const raw = [
    'GET / HTTP/1.1\r\n\r\n',
    'GET /health HTTP/0.9\r\n\r\n',
    'NOT HTTP AT ALL\r\n\r\n',
    '\u0000\u0001\u0002\r\n\r\n',
    `POST ${ROUTED} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}`,
    `POST ${ROUTED} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}`,
    `POST ${ROUTED} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: -2\r\n\r\n{}`,
    `GET /${'x'.repeat(9_000)} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`,
    ...[...'\\"<>^`{|}'].map(
      (one) => `GET /llm/${one} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`,
    ),
  ].map((head) => ({ head, body: Buffer.alloc(0) }));
  return [...bodies, ...bytes, ...headers, ...chunked, ...raw];
}

/** Every route, with a few bodies that it does not expect. */
function everyRoute(): Sent[] {
  const bodies = ['', '{}', '[[', '{"__proto__":{"polluted":1}}', '{"prompt":"Hi","input":{}}'];
  return router.functions.flatMap(({ route, methods }) =>
    methods.flatMap((method) =>
      names.map((one, index) => {
        const where = `/${route.replaceAll(/\{[^}]+\}/g, one)}`;
        return request(method, where, [], Buffer.from(bodies[index % bodies.length] ?? ''));
      }),
    ),
  );
}

/** Sends the requests over as many connections as one client opens. */
async function attemptAll(all: readonly Sent[]): Promise<void> {
  for (let start = 0; start < all.length; start += AT_ONCE) {
    await Promise.all(all.slice(start, start + AT_ONCE).map(attempt));
  }
}

describe('hostile requests are answered, and never with a 5xx', () => {
  test(`${GENERATED} generated ones`, async () => {
    const batch = fc.array(generated, { minLength: AT_ONCE, maxLength: AT_ONCE });
    await fc.assert(
      fc.asyncProperty(batch, (all) => attemptAll(all)),
      { numRuns: Math.ceil(GENERATED / AT_ONCE) },
    );
  }, 120_000);

  test('on every route', async () => {
    await attemptAll(everyRoute());
  }, 60_000);

  test('known tricks', async () => {
    await attemptAll(fixed());
  }, 60_000);

  test('those that replace their own headers', async () => {
    const bodies = fc.sample(headersKey, 150);
    await Promise.all(bodies.map((one) => attempt(request('POST', ROUTED, [], one))));
    await Promise.all(
      bodies.map((one) => {
        const { prompt: _, ...headers } = JSON.parse(one.toString()) as Record<string, unknown>;
        const [, value] = Object.entries(headers)[0] ?? [];
        const asked = `?headers=${encodeURIComponent(JSON.stringify(value).slice(0, 500).toWellFormed())}`;
        return attempt(request('GET', `/llm/openai/v1/models${asked}`, [], Buffer.alloc(0)));
      }),
    );
  }, 60_000);
});

describe('after all of them', () => {
  test('uploads that break off have ended nothing', async () => {
    const whole = request('POST', ROUTED, [], Buffer.from('{"prompt":"Hi"}'));
    const cutOff = [0, 1, 7, 14].map((length) => ({
      ...whole,
      body: whole.body.subarray(0, length),
    }));
    const chunk = Buffer.from('ffffffffffffffff\r\n{}');
    const endless = request('POST', ROUTED, [['transfer-encoding', 'chunked']], chunk);
    await Promise.all(
      [...cutOff, endless].map(async (one) => {
        counts.tried += 1;
        const answer = await send(one, true);
        // The sender has left, so the status does not matter.
        if (answer === undefined) counts.unanswered += 1;
        else judge(answer);
      }),
    );
  });

  test('the same process answers as before', async () => {
    expect(router.workerPid()).toBe(firstPid);
    const { status, body: answer } = await post(router.url + ROUTED, { prompt: 'Hi' });
    expect(status).toBe(200);
    expect(answer.selected_model).toEqual(expect.any(String));
    const health = await fetch(`${router.url}/health`);
    expect(await health.text()).toBe('{"status":"online"}');
    expect(counts.serverErrors).toBe(0);
  });

  test('the deployments were sent nothing but valid requests', () => {
    const own = ['prompt', 'routing', 'routing_config', 'thread_id', '__proto__', 'headers'];
    // `GET /ready` asks whether a deployment is there, with nothing but its name.
    const chats = simulator.requests.filter(
      ({ path: one, body: sent }) =>
        one.includes('/chat/') && Object.keys(sent as object).join() !== 'model',
    );
    expect(chats.length).toBeGreaterThan(100);
    for (const { method, path: where, headers, body: sent } of chats) {
      expect(method).toBe('POST');
      expect(where).toMatch(/^\/openai\/deployments\/(strong|weak)\/chat\/completions$/);
      for (const one of ['cookie', 'authorization', 'x-use_case', 'x-forged', 'content-encoding']) {
        expect(headers).not.toHaveProperty(one);
      }
      const { messages } = sent as { readonly messages: readonly { readonly role: unknown }[] };
      expect(messages.length).toBeGreaterThan(0);
      expect(messages.every(({ role }) => typeof role === 'string')).toBe(true);
      for (const name of own) expect(Object.hasOwn(sent as object, name)).toBe(false);
    }
  });

  test('nothing was added to what all objects have', async () => {
    await router.close();
    expect(router.output()).toContain('prototypes[]');
  });
});
