import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { adaptBody } from '../../../shared/capabilities/adapt-body.ts';
import { UNKNOWN_MODEL } from '../../../shared/capabilities/capabilities.ts';
import { capabilitiesOf } from '../../../shared/capabilities/known-models.ts';
import { createLessons, type Lessons } from '../../../shared/capabilities/lessons.ts';
import { startSimulator } from '../../../tools/upstream-simulator/simulator.ts';
import { startProcessorClock } from '../../support/processor-time.ts';

type Body = Readonly<Record<string, unknown>>;

const messages = [{ role: 'user', content: 'Hi' }];
const tools = [{ type: 'function', function: { name: 'now', parameters: { type: 'object' } } }];

/** The body of a 400, in the wording of models. */
function refusal(message: string, more: object = {}): Uint8Array {
  const error = { message, type: 'invalid_request_error', param: null, code: null, ...more };
  return Buffer.from(JSON.stringify({ error }));
}

const unsupported = (param: string) =>
  refusal(`Unsupported parameter: '${param}' is not supported with this model.`, {
    param,
    code: 'unsupported_parameter',
  });

const unsupportedValue = (param: string, value: unknown) =>
  refusal(`Unsupported value: '${param}' does not support ${value} with this model.`, {
    param,
    code: 'unsupported_value',
  });

const TOOLS_MESSAGE =
  'Function tools with reasoning_effort are not supported for gpt-x in /v1/chat/completions.';

function sentBy(lessons: Lessons, body: Body) {
  const adapted = adaptBody({ messages, ...body }, UNKNOWN_MODEL, lessons);
  const { messages: _, ...rest } = adapted.body;
  return [rest, adapted.warnings] as const;
}

const EXTRA = 'Extra inputs are not permitted';

/** The ways in which services refuse a field that they do not know. */
const WORDINGS: readonly [string, (field: string) => unknown][] = [
  ['a pointer', (field) => ({ error: { message: `Validation error at #/${field}: ${EXTRA}` } })],
  ['a pointer, at the top', (field) => ({ message: `Validation error at #/${field}: ${EXTRA}` })],
  [
    'a Python list',
    (field) => ({
      object: 'error',
      message: `[{'type': 'extra_forbidden', 'loc': ('body', '${field}'), 'msg': '${EXTRA}', 'input': None}]`,
      code: 400,
    }),
  ],
  [
    'a Python list with other complaints',
    (field) => ({
      message: `[{'type': 'missing', 'loc': ('body', 'model'), 'msg': 'Field required'}, {'type': 'extra_forbidden', 'loc': ['${field}', 'include_usage'], 'msg': '${EXTRA}'}]`,
    }),
  ],
  [
    'the text of pydantic’s error',
    (field) => ({
      error: {
        message: `1 validation error for ChatCompletionRequest\n${field}\n  ${EXTRA} [type=extra_forbidden, input_value=1, input_type=int]`,
      },
    }),
  ],
  [
    'a refusal within a message',
    (field) => ({
      error: {
        message: JSON.stringify({
          detail: [{ type: 'extra_forbidden', loc: ['body', field, 'x'], msg: EXTRA }],
        }),
        status: 422,
      },
    }),
  ],
  [
    'FastAPI',
    (field) => ({
      detail: [{ type: 'extra_forbidden', loc: ['body', field], msg: EXTRA, input: 1 }],
    }),
  ],
  [
    'FastAPI, a field inside of it',
    (field) => ({
      detail: [{ type: 'extra_forbidden', loc: ['body', field, 'include_usage'], msg: EXTRA }],
    }),
  ],
  [
    'an older FastAPI',
    (field) => ({
      detail: [
        { loc: ['body', field], msg: 'extra fields not permitted', type: 'value_error.extra' },
      ],
    }),
  ],
  [
    'Foundry',
    (field) => ({
      error: {
        code: 'Invalid input',
        status: 422,
        message: 'invalid input error',
        details: [{ type: 'extra_forbidden', loc: ['body', field], msg: EXTRA }],
      },
    }),
  ],
  [
    'OpenAI',
    (field) => ({
      error: { code: 'unknown_parameter', param: field, message: `Unknown parameter: '${field}'.` },
    }),
  ],
  [
    'an older OpenAI',
    (field) => ({ error: { message: `Unrecognized request argument supplied: ${field}` } }),
  ],
  [
    'a JSON schema',
    (field) => ({
      error: `Additional properties are not allowed ('${field}' was unexpected)`,
    }),
  ],
  ['a property', (field) => ({ error: { message: `property '${field}' is unsupported` } })],
  ['plain words', (field) => ({ object: 'error', message: `Unsupported parameter: ${field}` })],
];

describe('a field that a deployment does not know is left out after one refusal', () => {
  test.each(WORDINGS)('in the words of %s', (_, word) => {
    for (const field of ['stream_options', 'user', 'seed', 'store', 'parallel_tool_calls']) {
      const lessons = createLessons();
      const body = { [field]: field === 'stream_options' ? { include_usage: true } : 'x' };
      const [sent] = sentBy(lessons, body);
      const answer = Buffer.from(JSON.stringify(word(field)));
      expect(lessons.learn({ messages, ...sent }, answer), field).toBe(true);
      expect(sentBy(lessons, body)[0], field).toEqual({});
    }
  });

  test.each(WORDINGS)('and never one that decides the answer, in the words of %s', (_, word) => {
    for (const field of ['messages', 'tools', 'response_format', 'n']) {
      const lessons = createLessons();
      const answer = Buffer.from(JSON.stringify(word(field)));
      expect(lessons.learn({ messages, [field]: [] }, answer), field).toBe(false);
    }
  });

  test.each([
    { detail: 'Not found' },
    { detail: [{ type: 'missing', loc: ['body', 'seed'], msg: 'Field required' }] },
    { detail: [null, 5, { loc: 7 }, { loc: [{}], msg: EXTRA }] },
    { error: { message: 'seed must be an integer' } },
    { error: [] },
    [],
    'text',
    null,
  ])('and none by %j', (answer) => {
    const lessons = createLessons();
    expect(lessons.learn({ messages, seed: 1 }, Buffer.from(JSON.stringify(answer)))).toBe(false);
  });
});

describe('a developer’s message goes as a system’s', () => {
  const developer = [{ role: 'developer', content: 'Be brief.' }, ...messages];

  test.each([
    {
      detail: [
        {
          type: 'literal_error',
          loc: ['body', 'messages', 0, 'role'],
          msg: "Input should be 'system', 'user', 'assistant' or 'tool'",
        },
      ],
    },
    { object: 'error', message: 'Unexpected message role: developer', code: 400 },
    { error: { message: "Invalid role 'developer'. Permitted: 'system', 'user', 'assistant'." } },
  ])('after %j', (answer) => {
    const lessons = createLessons();
    const bytes = Buffer.from(JSON.stringify(answer));
    expect(lessons.learn({ messages: developer }, bytes)).toBe(true);
    const { body } = adaptBody({ messages: developer }, UNKNOWN_MODEL, lessons);
    expect(body['messages']).toEqual([{ role: 'system', content: 'Be brief.' }, ...messages]);
    expect(lessons.learn(body, bytes)).toBe(false);
    // Another request, sent before that was known, is worth its own second call.
    expect(lessons.learn({ messages: developer }, bytes)).toBe(true);
  });
});

describe('a refusal is worth one more call, and then none', () => {
  test.each<[string, Body, Uint8Array, Body, string[]]>([
    [
      'a limit by its other name',
      { max_tokens: 5 },
      unsupported('max_tokens'),
      { max_completion_tokens: 5 },
      ['max_tokens;renamed=max_completion_tokens'],
    ],
    [
      'a limit by its older name',
      { max_completion_tokens: 5 },
      refusal('Unrecognized request argument supplied: max_completion_tokens'),
      { max_tokens: 5 },
      ['max_completion_tokens;renamed=max_tokens'],
    ],
    [
      'a limit that is too large',
      { max_tokens: 50_000 },
      refusal(
        'max_tokens is too large: 50000. This model supports at most 16384 completion tokens, whereas you provided 50000.',
        { param: 'max_tokens', code: 'invalid_value' },
      ),
      { max_tokens: 16_384 },
      ['max_tokens;lowered=16384'],
    ],
    ['a parameter', { seed: 1, n: 2 }, unsupported('seed'), { n: 2 }, ['seed;dropped']],
    [
      'parameters in the words of older versions',
      { reasoning_effort: 'low', seed: 1, n: 2 },
      refusal('Unrecognized request arguments supplied: reasoning_effort, seed'),
      { n: 2 },
      ['reasoning_effort;dropped', 'seed;dropped'],
    ],
    [
      'a parameter that is named in the message alone',
      { verbosity: 'low' },
      refusal("Unknown parameter: 'verbosity'."),
      {},
      ['verbosity;dropped'],
    ],
    [
      'a value of a sampling parameter',
      { temperature: 0.2 },
      unsupportedValue('temperature', 0.2),
      {},
      ['temperature;dropped'],
    ],
    [
      'another value',
      { reasoning_effort: 'minimal' },
      unsupportedValue('reasoning_effort', "'minimal'"),
      {},
      ['reasoning_effort;dropped'],
    ],
    [
      'tools with an effort that may be none',
      { tools },
      refusal(`${TOOLS_MESSAGE} To use function tools, set reasoning_effort to 'none'.`, {
        param: 'reasoning_effort',
      }),
      { tools, reasoning_effort: 'none' },
      ['reasoning_effort;set=none'],
    ],
  ])('%s', (_, body, answer, expected, warnings) => {
    const lessons = createLessons();
    const sent = sentBy(lessons, body)[0];
    expect(lessons.learn(sent, answer)).toBe(true);
    expect(sentBy(lessons, body)).toEqual([expected, warnings]);
    // Another request, sent before that was known, is worth its own second call.
    expect(lessons.learn(sent, answer)).toBe(true);
    // The refused field is no longer sent.
    expect(lessons.learn(sentBy(lessons, body)[0], answer)).toBe(false);
  });

  test('tools first without the effort, then with none', () => {
    const lessons = createLessons();
    const answer = refusal(`${TOOLS_MESSAGE} Please use /v1/responses instead.`);
    const body = { tools, reasoning_effort: 'high' };
    expect(lessons.learn(body, answer)).toBe(true);
    expect(sentBy(lessons, body)).toEqual([{ tools }, ['reasoning_effort;dropped']]);
    expect(lessons.learn({ tools }, answer)).toBe(true);
    const expected = { tools, reasoning_effort: 'none' };
    expect(sentBy(lessons, body)).toEqual([expected, ['reasoning_effort;set=none']]);
    expect(lessons.learn(expected, answer)).toBe(false);
    // A model that always reasons: nothing is left to try.
    expect(lessons.learn(expected, unsupportedValue('reasoning_effort', "'none'"))).toBe(true);
    expect(sentBy(lessons, { tools })).toEqual([{ tools }, []]);
    expect(lessons.learn({ tools }, answer)).toBe(false);
  });

  test('roles', () => {
    const lessons = createLessons();
    const body = {
      messages: [
        { role: 'developer', content: 'Be brief.' },
        { role: 'user', content: 'Hi', name: 'me' },
      ],
    };
    const answer = refusal("Invalid value: 'developer'. Supported values are: 'system', 'user'.", {
      param: 'messages[0].role',
      code: 'invalid_value',
    });
    expect(lessons.learn(body, answer)).toBe(true);
    const { body: sent, warnings } = adaptBody(body, UNKNOWN_MODEL, lessons);
    expect(sent['messages']).toEqual([{ role: 'system', content: 'Be brief.' }, body.messages[1]]);
    expect(warnings).toEqual(['messages;role=system']);
    expect(lessons.learn(sent, unsupportedValue('messages[0].role', "'system'"))).toBe(false);
  });
});

describe('what is remembered', () => {
  test('is every value but the default for sampling parameters', () => {
    const lessons = createLessons();
    lessons.learn({ top_p: 0.5 }, unsupportedValue('top_p', 0.5));
    expect(sentBy(lessons, { top_p: 0.9 })).toEqual([{}, ['top_p;dropped']]);
    expect(sentBy(lessons, { top_p: 1 })).toEqual([{ top_p: 1 }, []]);
  });

  test('is only the one value for others', () => {
    const lessons = createLessons();
    lessons.learn({ service_tier: 'flex' }, unsupportedValue('service_tier', "'flex'"));
    expect(sentBy(lessons, { service_tier: 'flex' })[0]).toEqual({});
    expect(sentBy(lessons, { service_tier: 'auto' })[0]).toEqual({ service_tier: 'auto' });
  });

  test('is bounded, however many values clients send', () => {
    const lessons = createLessons();
    for (let index = 0; index < 1_000; index += 1) {
      const learned = lessons.learn({ user: `user-${index}` }, unsupportedValue('user', index));
      expect(learned).toBe(true);
    }
    // The newest are remembered: callers choose the values, and none ends the learning for all.
    const remembered = Array.from({ length: 1_000 }, (_, index) =>
      lessons.refuses('user', `user-${index}`),
    );
    expect(remembered.filter(Boolean)).toHaveLength(64);
    expect(remembered.at(-1)).toBe(true);
    const long = 'x'.repeat(1_000);
    expect(createLessons().learn({ user: long }, unsupportedValue('user', long))).toBe(false);
  });

  test('takes precedence over the table', () => {
    const lessons = createLessons();
    const gpt5 = capabilitiesOf('gpt-5', 'azure');
    const { body } = adaptBody({ messages, max_tokens: 5 }, gpt5, lessons);
    const answer = refusal('Unrecognized request argument supplied: max_completion_tokens');
    expect(lessons.learn(body, answer)).toBe(true);
    expect(adaptBody({ messages, max_tokens: 5 }, gpt5, lessons).body).toEqual({
      messages,
      max_tokens: 5,
    });
    // Neither name is taken: nothing is left to try.
    expect(lessons.learn({ max_tokens: 5 }, unsupported('max_tokens'))).toBe(false);
  });

  test('holds for one deployment', () => {
    createLessons().learn({ seed: 1 }, unsupported('seed'));
    expect(sentBy(createLessons(), { seed: 1 })).toEqual([{ seed: 1 }, []]);
  });
});

describe('nothing is learned from', () => {
  const body = {
    messages,
    temperature: 0.2,
    tools,
    n: 2,
    logprobs: true,
    stop: ['a'],
    max_tokens: 5,
    response_format: { type: 'json_object' },
  };
  test.each<[string, Uint8Array]>([
    ...['tools', 'n', 'logprobs', 'stop', 'response_format', 'messages', 'stream_options'].map(
      (param): [string, Uint8Array] => [`a refusal of ${param}`, unsupported(param)],
    ),
    ['a parameter that was not sent', unsupported('seed')],
    [
      'a list with one that must stay',
      refusal('Unrecognized request arguments supplied: temperature, tools'),
    ],
    [
      'a filtered prompt that speaks of parameters',
      refusal("Unsupported parameter: 'temperature'", { code: 'content_filter' }),
    ],
    [
      'a prompt that is too long',
      refusal("Unsupported parameter: 'temperature'", { code: 'context_length_exceeded' }),
    ],
    ['a limit that was kept', refusal('This model supports at most 10 completion tokens')],
    ['a limit of nothing', refusal('This model supports at most 0 completion tokens')],
    ['a role that was not sent', unsupportedValue('messages[7].role', "'system'")],
    ['a role that has no other name', unsupportedValue('messages[0].role', "'user'")],
    ['another error', refusal('Invalid messages', { param: 'messages', code: 'invalid_value' })],
    ['no error', Buffer.from('{}')],
    ['an error that is text', Buffer.from('{"error":"temperature"}')],
    ['an error that is null', Buffer.from('{"error":null}')],
    ['fields of wrong types', Buffer.from('{"error":{"message":1,"param":[],"code":{"a":1}}}')],
    [
      'a prototype',
      Buffer.from(
        '{"__proto__":{"error":{"code":"unsupported_parameter","param":"temperature","message":""}}}',
      ),
    ],
    ['a parameter of that name', unsupported('__proto__')],
    ['a parameter of an object', unsupported('constructor')],
    ['no JSON', Buffer.from('<html>')],
    ['nothing', Buffer.alloc(0)],
    ['broken bytes', Buffer.from([0xff, 0xfe, 0x00])],
    ['a long body', Buffer.concat([unsupported('temperature'), Buffer.alloc(100_000, ' ')])],
    ['deep nesting', Buffer.from('['.repeat(30_000))],
  ])('%s', (_, answer) => {
    const lessons = createLessons();
    expect(lessons.learn(body, answer)).toBe(false);
    expect(adaptBody(body, UNKNOWN_MODEL, lessons)).toEqual({ body, warnings: [] });
  });
});

test('a long message takes no time', () => {
  const lessons = createLessons();
  const processorMs = startProcessorClock();
  for (const filler of ['a,', 'a ', "'", '9']) {
    lessons.learn(
      { temperature: 0 },
      refusal(`Unrecognized request arguments supplied: ${filler.repeat(20_000)}`),
    );
  }
  expect(processorMs()).toBeLessThan(1_000);
});

describe('simulated deployments of unknown models', () => {
  const limits = ['reasoning_effort', 'seed', 'verbosity', 'developer'];
  const simulation = startSimulator({
    deployments: [
      { name: 'reasoning', model: 'gpt-5.6-luna', kind: 'chat', isReasoningModel: true },
      { name: 'old', model: 'old', kind: 'chat', outputTokens: 100, unknown: limits },
    ],
  });
  afterAll(async () => (await simulation).close());
  beforeEach(async () => (await simulation).reset());

  async function ask(deployment: string, body: Body): Promise<[number, Uint8Array]> {
    const { url } = await simulation;
    const response = await fetch(`${url}/openai/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ ...body, model: deployment }),
    });
    return [response.status, new Uint8Array(await response.arrayBuffer())];
  }

  test.each<[string, Body]>([
    ['reasoning', { max_tokens: 5 }],
    ['reasoning', { temperature: 0 }],
    ['reasoning', { top_p: 0.1 }],
    ['reasoning', { presence_penalty: 1 }],
    ['reasoning', { reasoning_effort: 'minimal' }],
    ['reasoning', { tools }],
    ['reasoning', { tools, reasoning_effort: 'high' }],
    ['old', { reasoning_effort: 'low', seed: 4, verbosity: 'low' }],
    ['old', { max_tokens: 101 }],
    ['old', { max_completion_tokens: 1e9 }],
    ['old', { messages: [{ role: 'developer', content: 'Be brief.' }, ...messages] }],
    ['old', { messages: [...messages, { role: 'developer', content: 'Be brief.' }] }],
    [
      'reasoning',
      { messages: [{ role: 'user', content: 'Hi [sim:unsupported_parameter:1]' }], max_tokens: 5 },
    ],
  ])('%s answers %j at the second call, and at the first from then on', async (name, body) => {
    const lessons = createLessons();
    const first = adaptBody({ messages, ...body }, UNKNOWN_MODEL, lessons);
    const [status, answer] = await ask(name, first.body);
    expect(status).toBe(400);
    expect(lessons.learn(first.body, answer)).toBe(true);
    const second = adaptBody({ messages, ...body }, UNKNOWN_MODEL, lessons);
    expect(second.warnings.length).toBeGreaterThan(0);
    expect((await ask(name, second.body))[0]).toBe(200);
  });

  test('teach one lesson after the other', async () => {
    const lessons = createLessons();
    const body = { messages, max_tokens: 5, temperature: 0, tools, reasoning_effort: 'minimal' };
    let calls = 0;
    for (; calls < 10; calls += 1) {
      const sent = adaptBody(body, UNKNOWN_MODEL, lessons).body;
      const [status, answer] = await ask('reasoning', sent);
      if (status === 200) break;
      expect(lessons.learn(sent, answer)).toBe(true);
    }
    expect(calls).toBe(3);
  });

  test.each<Body>([{ stop: ['a'] }, { logprobs: true }, { n: 1_000 }])(
    'keep refusing what decides the answer: %j',
    async (body) => {
      const lessons = createLessons();
      const sent = adaptBody({ messages, ...body }, UNKNOWN_MODEL, lessons).body;
      const [status, answer] = await ask('reasoning', sent);
      expect(status).toBe(400);
      expect(lessons.learn(sent, answer)).toBe(false);
    },
  );

  test('are asked correctly at the first call if they are known', async () => {
    const facts = capabilitiesOf('gpt-5.6-luna', 'azure');
    const body = { messages, max_tokens: 50, temperature: 0, top_p: 0.1, presence_penalty: 1 };
    const efforts = [undefined, 'none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'];
    for (const effort of efforts) {
      for (const more of [{}, { tools }]) {
        const request = { ...body, ...more, ...(effort && { reasoning_effort: effort }) };
        const sent = adaptBody(request, facts, createLessons()).body;
        expect(await ask('reasoning', sent)).toMatchObject({ 0: 200 });
      }
    }
  });
});
