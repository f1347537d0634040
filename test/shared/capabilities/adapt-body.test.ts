import { describe, expect, test } from 'vitest';
import { adaptBody } from '../../../shared/capabilities/adapt-body.ts';
import { type Capabilities, UNKNOWN_MODEL } from '../../../shared/capabilities/capabilities.ts';
import { capabilitiesOf, KNOWN_MODELS } from '../../../shared/capabilities/known-models.ts';
import { createLessons } from '../../../shared/capabilities/lessons.ts';

const messages = [{ role: 'user', content: 'Hi' }];
const tools = [{ type: 'function', function: { name: 'now' } }];
const SAMPLING = {
  temperature: 0.2,
  top_p: 0.5,
  presence_penalty: 1,
  frequency_penalty: -1,
  logit_bias: { '50256': -100 },
};

function adapt(body: object, model: string | Partial<Capabilities>) {
  const facts = typeof model === 'string' ? capabilitiesOf(model, 'azure') : model;
  const sent = adaptBody({ messages, ...body }, { ...UNKNOWN_MODEL, ...facts }, createLessons());
  const { messages: _, ...rest } = sent.body;
  return [rest, sent.warnings] as const;
}

test('a request to an unknown model is not changed', () => {
  const body = { ...SAMPLING, tools, max_tokens: 1e9, reasoning_effort: 'odd', stop: ['a'] };
  expect(adapt(body, 'my-model')).toEqual([body, []]);
});

test('the given body is not changed', () => {
  const body = Object.freeze({ messages, temperature: 0, max_tokens: 5 });
  const { body: sent } = adaptBody(body, capabilitiesOf('gpt-5', 'azure'), createLessons());
  expect(sent).toEqual({ messages, max_completion_tokens: 5 });
  expect(body).toEqual({ messages, temperature: 0, max_tokens: 5 });
});

describe('the limit to the completion', () => {
  test.each([
    [
      'gpt-5',
      { max_tokens: 5 },
      { max_completion_tokens: 5 },
      'max_tokens;renamed=max_completion_tokens',
    ],
    [
      { tokenLimit: 'max_tokens' },
      { max_completion_tokens: 5 },
      { max_tokens: 5 },
      'max_completion_tokens;renamed=max_tokens',
    ],
    [
      'gpt-5',
      { max_tokens: 5, max_completion_tokens: 6 },
      { max_completion_tokens: 6 },
      'max_tokens;dropped',
    ],
    ['gpt-4o', { max_tokens: 20_000 }, { max_tokens: 16_384 }, 'max_tokens;lowered=16384'],
    [
      'gpt-4o',
      { max_completion_tokens: 20_000 },
      { max_completion_tokens: 16_384 },
      'max_completion_tokens;lowered=16384',
    ],
  ] as const)('of %j: %j becomes %j', (model, body, sent, warning) => {
    expect(adapt(body, model)).toEqual([sent, [warning]]);
  });

  test('is renamed and lowered together', () => {
    expect(adapt({ max_tokens: 200_000 }, 'gpt-5.6-sol')).toEqual([
      { max_completion_tokens: 128_000 },
      ['max_tokens;renamed=max_completion_tokens', 'max_completion_tokens;lowered=128000'],
    ]);
  });

  test.each([{ max_tokens: 5 }, { max_completion_tokens: 5 }, { max_tokens: null }])(
    'stays where it fits: %j',
    (body) => {
      expect(adapt(body, 'gpt-4o')).toEqual([body, []]);
    },
  );
});

describe('sampling parameters', () => {
  test.each([
    ['gpt-5', {}, true],
    ['o3-mini', { reasoning_effort: 'low' }, true],
    ['gpt-5.1', {}, false],
    ['gpt-5.1', { reasoning_effort: 'low' }, true],
    ['gpt-5.5', {}, true],
    ['gpt-5.6-sol', {}, true],
    ['gpt-5.6-sol', { reasoning_effort: 'none' }, false],
    ['gpt-4.1', {}, false],
  ])('are dropped where they are refused: %s with %j', (model, body, isDropped) => {
    const [sent, warnings] = adapt({ ...SAMPLING, ...body }, model);
    expect(sent).toEqual(isDropped ? body : { ...SAMPLING, ...body });
    const names = Object.keys(SAMPLING);
    expect(warnings).toEqual(isDropped ? names.map((name) => `${name};dropped`) : []);
  });

  test('with their default values are dropped without a warning', () => {
    const defaults = { temperature: 1, top_p: 1, presence_penalty: 0, frequency_penalty: 0 };
    expect(adapt({ ...defaults, logit_bias: {} }, 'gpt-5')).toEqual([{}, []]);
    expect(adapt({ temperature: null }, 'gpt-5')).toEqual([{ temperature: null }, []]);
  });
});

describe('the effort', () => {
  test.each([
    // Tools and reasoning exclude each other.
    ['gpt-5.6-luna', { tools }, 'none', 'reasoning_effort;set=none'],
    ['gpt-5.6-luna', { tools, reasoning_effort: 'high' }, 'none', 'reasoning_effort;set=none'],
    ['gpt-5.6-luna', { tools, reasoning_effort: 'none' }, 'none', undefined],
    ['gpt-5.6-luna', { functions: [{ name: 'now' }] }, 'none', 'reasoning_effort;set=none'],
    ['gpt-5.6-luna', { tools: [] }, undefined, undefined],
    ['gpt-5.4', { tools, reasoning_effort: 'high' }, undefined, 'reasoning_effort;dropped'],
    ['gpt-5.4', { tools }, undefined, undefined],
    ['gpt-5.4', { tools, reasoning_effort: 'none' }, 'none', undefined],
    ['gpt-5', { tools, reasoning_effort: 'high' }, 'high', undefined],
    // A value that the model does not know.
    ['gpt-5.6-luna', { reasoning_effort: 'minimal' }, 'low', 'reasoning_effort;set=low'],
    ['gpt-5', { reasoning_effort: 'none' }, 'minimal', 'reasoning_effort;set=minimal'],
    ['o3', { reasoning_effort: 'none' }, 'low', 'reasoning_effort;set=low'],
    ['gpt-5', { reasoning_effort: 'max' }, 'high', 'reasoning_effort;set=high'],
    ['gpt-5', { reasoning_effort: 'odd' }, 'odd', undefined],
    ['gpt-5', { reasoning_effort: 7 }, 7, undefined],
    ['gpt-5', { reasoning_effort: null }, null, undefined],
    // A field that the model does not know.
    ['gpt-4o', { reasoning_effort: 'low' }, undefined, 'reasoning_effort;dropped'],
    ['gpt-4o', { reasoning_effort: 'odd' }, undefined, 'reasoning_effort;dropped'],
  ])('of %s for %j is %s', (model, body, effort, warning) => {
    const [sent, warnings] = adapt(body, model);
    const { reasoning_effort: _, ...others } = body as Record<string, unknown>;
    expect(sent).toEqual({ ...others, ...(effort !== undefined && { reasoning_effort: effort }) });
    expect(warnings).toEqual(warning === undefined ? [] : [warning]);
  });

  test('that is set for tools allows sampling parameters', () => {
    expect(adapt({ tools, temperature: 0.2 }, 'gpt-5.6-sol')).toEqual([
      { tools, temperature: 0.2, reasoning_effort: 'none' },
      ['reasoning_effort;set=none'],
    ]);
  });
});

test.each([
  [false, []],
  [true, ['parallel_tool_calls;dropped']],
])('a model that calls one tool at a time is not told so: %s', (given, warnings) => {
  expect(adapt({ tools, parallel_tool_calls: given }, 'o3')).toEqual([{ tools }, warnings]);
});

test('a field that decides the answer is never dropped, whatever the model', () => {
  const kept = {
    tools,
    tool_choice: 'auto',
    response_format: { type: 'json_object' },
    n: 3,
    logprobs: true,
    top_logprobs: 2,
    stop: ['a'],
    stream: true,
    stream_options: { include_usage: true },
    modalities: ['text'],
    something_new: { __proto__: 1 },
  };
  for (const capabilities of KNOWN_MODELS.values()) {
    expect(adapt(kept, capabilities)[0]).toMatchObject(kept);
  }
});

test('every warning can be sent in a header, whatever the request contains', () => {
  const hostile = {
    ...SAMPLING,
    'x\r\nset-cookie: a': 1,
    reasoning_effort: 'high\r\nx: y',
    max_tokens: 1e12,
    max_completion_tokens: 1e12,
    parallel_tool_calls: 'a, b\n',
    tools,
  };
  for (const capabilities of KNOWN_MODELS.values()) {
    for (const warning of adapt(hostile, capabilities)[1]) {
      expect(warning).toMatch(/^[a-z_]+;[a-z]+(=[a-z0-9_]+)?$/);
    }
  }
});
