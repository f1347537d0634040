import { request as sendRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Simulator, startSimulator } from '../../tools/upstream-simulator/simulator.ts';

let simulator: Simulator;

beforeAll(async () => {
  simulator = await startSimulator();
});
afterAll(() => simulator.close());

const TOOL = { type: 'function', function: { name: 'now', parameters: { type: 'object' } } };

function send(content: string, more: object): Promise<Response> {
  return fetch(`${simulator.url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'weak', messages: [{ role: 'user', content }], ...more }),
  });
}

async function ask(content: string, more: object = {}) {
  const response = await send(content, more);
  const text = await response.text();
  return { status: response.status, headers: response.headers, text };
}

async function stream(content: string, more: object = {}): Promise<string> {
  const { status, text } = await ask(content, { stream: true, ...more });
  expect(status).toBe(200);
  return text;
}

async function plain(content: string, more: object = {}) {
  const { status, text } = await ask(content, more);
  return { status, body: JSON.parse(text) };
}

/** The payloads of a stream whose events are one line each. */
function payloads(text: string) {
  const lines = text.split('\n\n').filter((one) => one.startsWith('data: {'));
  return lines.map((one) => JSON.parse(one.slice('data: '.length)));
}

/** The bytes of an answer and its headers, as they came. */
async function receive(content: string, isStreamed: boolean) {
  const body = { model: 'weak', messages: [{ role: 'user', content }], stream: isStreamed };
  return new Promise<{ bytes: Buffer; headers: Readonly<Record<string, unknown>> }>(
    (resolve, reject) => {
      const url = `${simulator.url}/v1/chat/completions`;
      sendRequest(url, { method: 'POST' }, async (response) => {
        resolve({ bytes: Buffer.concat(await response.toArray()), headers: response.headers });
      })
        .on('error', reject)
        .end(JSON.stringify(body));
    },
  );
}

describe('two calls of a tool, each in one piece', () => {
  test.each([
    ['same_index', [0, 0]],
    ['no_index', [undefined, undefined]],
  ])('[sim:%s]', async (name, numbers) => {
    const chunks = payloads(await stream(`Hi [sim:${name}]`, { tools: [TOOL] }));
    const calls = chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? []);
    expect(calls).toHaveLength(2);
    expect(calls.map(({ index }) => index)).toEqual(numbers);
    expect(new Set(calls.map(({ id }) => id)).size).toBe(2);
    expect(calls[1]).toMatchObject({ type: 'function', function: { name: 'now' } });
    const { body } = await plain(`Hi [sim:${name}]`, { tools: [TOOL] });
    expect(body.choices[0].message.tool_calls).toHaveLength(2);
  });
});

describe('[sim:refuse] refuses a field', () => {
  test.each([
    ['', 400, { error: { message: 'Unrecognized request argument supplied: seed', param: null } }],
    [
      ':fastapi',
      422,
      { detail: [{ type: 'extra_forbidden', loc: ['body', 'seed'], msg: expect.any(String) }] },
    ],
    [
      ':foundry',
      400,
      { error: { message: 'Validation error at #/seed: Extra inputs are not permitted' } },
    ],
  ])('in the words of a service: %s', async (wording, status, expected) => {
    const refused = await plain(`Hi [sim:refuse:seed${wording}]`, { seed: 1 });
    expect(refused.status).toBe(status);
    expect(refused.body).toMatchObject(expected);
    expect((await plain(`Hi [sim:refuse:seed${wording}]`)).status).toBe(200);
  });

  test.each([
    [':openai', { error: { param: 'messages[0].role', code: 'invalid_value' } }],
    [':fastapi', { detail: [{ type: 'literal_error', loc: ['body', 'messages', 0, 'role'] }] }],
    [':foundry', { error: { message: expect.stringContaining('#/messages/0/role: Input') } }],
  ])('which may be the role developer: %s', async (wording, expected) => {
    const messages = [
      { role: 'developer', content: 'Be brief.' },
      { role: 'user', content: `Hi [sim:refuse:developer${wording}]` },
    ];
    expect((await plain('', { messages })).body).toMatchObject(expected);
  });

  test('which may stand in a message', async () => {
    const messages = [
      { role: 'assistant', content: 'Hi', reasoning_content: 'Hm' },
      { role: 'user', content: 'Go on [sim:refuse:reasoning_content:foundry]' },
    ];
    const { body } = await plain('', { messages });
    expect(body.error.message).toContain('#/messages/0/reasoning_content: Extra inputs');
  });

  test.each(['[sim:refuse]', '[sim:refuse:seed:nobody]', '[sim:refuse:a b]'])(
    'and not without one, or in unknown words: %s',
    async (marker) => {
      const { status, body } = await plain(`Hi ${marker}`);
      expect(status).toBe(400);
      expect(body.error.code).toBe('unknown_marker');
    },
  );
});

test('[sim:usage_beside] puts the usage beside the finish reason', async () => {
  const chunks = payloads(await stream('Hi [sim:usage_beside]'));
  expect(chunks.at(-1)).toMatchObject({
    choices: [{ finish_reason: 'stop' }],
    usage: { total_tokens: expect.any(Number) },
  });
  const asked = await stream('Hi [sim:usage_beside]', { stream_options: { include_usage: true } });
  expect(payloads(asked).filter(({ usage }) => usage)).toHaveLength(1);
});

test('[sim:no_done] and [sim:done_fields] change the end of a stream', async () => {
  const ended = await stream('Hi [sim:no_done]');
  expect(payloads(ended).at(-1)).toMatchObject({ choices: [{ finish_reason: 'stop' }] });
  expect(ended).not.toContain('[DONE]');
  const labelled = await stream('Hi [sim:done_fields]');
  expect(labelled).toMatch(/\n\nevent: done\nid: 7\ndata: \[DONE\]\n\n$/);
});

describe('the lines of a stream', () => {
  test('[sim:lines] are several for one event', async () => {
    const text = await stream('Hi [sim:lines]');
    expect(text.startsWith('data: {\ndata:   "choices": [],\n')).toBe(true);
    const [first = ''] = text.split('\n\n');
    expect(JSON.parse(first.replaceAll('data: ', ''))).toHaveProperty('prompt_filter_results');
  });

  test.each([
    ['crlf', /^data: [^\r\n]+\r\n\r\n/, /\r\n\r\ndata: \[DONE\]\r\n\r\n$/],
    ['cr', /^data: [^\r\n]+\r\r/, /\r\rdata: \[DONE\]\r\r$/],
    ['comments', /^: ping\n\n: comment\ndata: /, /: ping\n\n: comment\ndata: \[DONE\]\n\n$/],
  ])('[sim:%s]', async (name, start, end) => {
    const text = await stream(`Hi [sim:${name}]`);
    expect(text).toMatch(start);
    expect(text).toMatch(end);
  });

  test('[sim:bom] are behind a byte order mark, in whatever order markers stand', async () => {
    const { bytes } = await receive('Hi [sim:bom][sim:crlf][sim:comments][sim:lines]', true);
    expect(bytes.toString('utf8')).toMatch(/^\ufeff: ping\r\n\r\n: comment\r\ndata: \{\r\ndata: /);
    expect(bytes.toString('utf8').indexOf('\ufeff', 1)).toBe(-1);
  });
});

describe('a failure with status 200', () => {
  test.each([false, true])('[sim:error_200] is JSON; stream: %s', async (isStreamed) => {
    const { status, headers, text } = await ask('Hi [sim:error_200]', { stream: isStreamed });
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json']);
    expect(JSON.parse(text)).toMatchObject({ error: { code: 502 } });
  });

  test('[sim:error_object] and [sim:error_named] are events', async () => {
    expect(await stream('Hi [sim:error_object]')).toMatch(/^data: \{"object":"error",.*\}\n\n$/);
    expect(await stream('Hi [sim:error_named]')).toMatch(/^event: error\ndata: \{.*\}\n\n$/);
  });

  test('[sim:no_choices] is no answer', async () => {
    expect((await plain('Hi [sim:no_choices]')).body).toMatchObject({ choices: [] });
    expect(await stream('Hi [sim:no_choices]')).toBe('data: [DONE]\n\n');
  });
});

test('[sim:whole] answers a request for a stream with a whole answer', async () => {
  const { headers, text } = await ask('Hi [sim:whole]', { stream: true });
  expect(headers.get('content-type')).toBe('application/json');
  expect(JSON.parse(text)).toMatchObject({ object: 'chat.completion', choices: [{ index: 0 }] });
});

test('[sim:hidden_reasoning] counts reasoning in the total only', async () => {
  const { usage } = (await plain('Hi [sim:chunks:100][sim:hidden_reasoning:6000]')).body;
  expect(usage).toEqual({
    prompt_tokens: expect.any(Number),
    completion_tokens: 100,
    total_tokens: usage.prompt_tokens + 6_100,
  });
});

describe('what gateways make of an answer', () => {
  test('[sim:apim_429] is the limit of API Management', async () => {
    const { status, headers, text } = await ask('Hi [sim:apim_429:1:1500]');
    expect([status, headers.get('retry-after')]).toEqual([429, '2']);
    const message = 'Rate limit is exceeded. Try again in 2 seconds.';
    expect(JSON.parse(text)).toEqual({ statusCode: 429, message });
    expect((await ask('Hi [sim:apim_429:1:1500]')).status).toBe(200);
  });

  test.each(['gzip', 'br'])('[sim:%s] is compressed', async (name) => {
    const { headers, bytes } = await receive(`Hi [sim:${name}]`, false);
    expect(headers).toMatchObject({ 'content-encoding': name });
    expect(headers['content-length']).toBe(String(bytes.length));
    expect((await plain(`Hi [sim:${name}]`)).body).toHaveProperty('choices');
    expect(await stream(`Hi [sim:${name}]`)).toMatch(/data: \[DONE\]\n\n$/);
  });

  test.each(['gzip', 'br'])('[sim:%s] sends each event on at once', async (name) => {
    const response = await send(`Hi [sim:${name}][sim:stall:1]`, { stream: true });
    const decoder = new TextDecoder();
    let text = '';
    for await (const bytes of response.body ?? []) {
      text += decoder.decode(bytes, { stream: true });
      if (text.includes('"content":"This"')) break;
    }
    expect(text).toContain('"content":"This"');
  });

  test('[sim:identity] says that it is not compressed', async () => {
    const { headers } = await receive('Hi [sim:identity]', true);
    expect(headers).toMatchObject({ 'content-encoding': 'identity' });
  });

  test('[sim:header_case] is described in other case', async () => {
    const { headers } = await receive('Hi [sim:header_case][sim:gzip]', true);
    expect(headers).toMatchObject({
      'content-type': 'Text/Event-Stream; Charset=Utf-8',
      'content-encoding': 'Gzip',
    });
  });
});

test('[sim:too_long] says so in words only', async () => {
  const { status, body } = await plain('Hi [sim:too_long]');
  expect(status).toBe(400);
  expect(body).toMatchObject({ object: 'error', code: 400 });
  expect(body.message).toContain('maximum context length');
});
