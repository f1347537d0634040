import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, test } from 'vitest';
import {
  type Capabilities,
  FEATURES,
  UNKNOWN_MODEL,
} from '../../../shared/capabilities/capabilities.ts';
import {
  findObstacle,
  NoCapableDeploymentError,
} from '../../../shared/capabilities/find-obstacle.ts';
import { capabilitiesOf } from '../../../shared/capabilities/known-models.ts';
import { requirementsOf, requirementsOfText } from '../../../shared/capabilities/requirements.ts';
import { parseChatRequest } from '../../../shared/chat-format/chat-request.ts';
import { startProcessorClock } from '../../support/processor-time.ts';

/** The capabilities of a deployment that can only answer a text. */
const LEAST: Capabilities = { ...UNKNOWN_MODEL, lacks: new Set(FEATURES) };

const user = (content: unknown) => ({ messages: [{ role: 'user', content }] });
const tool = { type: 'function', function: { name: 'now', parameters: { type: 'object' } } };
const call = { id: '1', type: 'function', function: { name: 'now', arguments: '{}' } };

function obstacle(body: object, capabilities: Partial<Capabilities>) {
  const request = parseChatRequest({ ...user('Hi'), ...body });
  return findObstacle(requirementsOf(request), { ...UNKNOWN_MODEL, ...capabilities });
}

describe('a deployment that can only answer a text', () => {
  test.each([
    ['tools', { tools: [tool] }],
    ['tools', { functions: [tool.function], function_call: 'auto' }],
    ['tools', { tools: [tool], parallel_tool_calls: true }],
    ['images', user([{ type: 'image_url', image_url: { url: 'https://x/y.png' } }])],
    ['audio', user([{ type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } }])],
    ['audio', { modalities: ['text', 'audio'] }],
    ['files', user([{ type: 'file', file: { file_id: 'f' } }])],
    ['response_format json_schema', { response_format: { type: 'json_schema', json_schema: {} } }],
    ['response_format json_object', { response_format: { type: 'json_object' } }],
    ['logprobs', { logprobs: true, top_logprobs: 2 }],
    ['n above 1', { n: 2 }],
    ['stop', { stop: '\n' }],
    ['stop', { stop: ['a', 'b'] }],
  ])('lacks %s', async (expected, body) => {
    expect(await obstacle(body, LEAST)).toBe(expected);
    expect(await obstacle(body, UNKNOWN_MODEL)).toBeUndefined();
  });

  test.each([
    ['a plain request', {}],
    ['an answer in text', { response_format: { type: 'text' } }],
    ['one choice', { n: 1 }],
    ['no stop', { stop: null }],
    ['an empty list of tools', { tools: [] }],
    ['calls one by one', { parallel_tool_calls: false }],
    ['fields that are null', { tools: null, functions: null, logprobs: null, modalities: null }],
    ['wrong types, which it refuses itself', { tools: 'x', stop: [], response_format: 'json' }],
    [
      'calls that were made before',
      {
        messages: [
          { role: 'user', content: 'Hi' },
          { role: 'assistant', content: null, tool_calls: [call] },
          { role: 'tool', tool_call_id: '1', content: 'noon' },
        ],
      },
    ],
  ])('can serve %s', async (_, body) => {
    expect(await obstacle(body, LEAST)).toBeUndefined();
  });

  test('lacks parallel calls only when they are asked for', async () => {
    const lacks = new Set(['parallel_tools'] as const);
    expect(await obstacle({ tools: [tool] }, { lacks })).toBeUndefined();
    expect(await obstacle({ tools: [tool], parallel_tool_calls: true }, { lacks })).toBe(
      'parallel tool calls',
    );
  });
});

test.each([
  ['gpt-5', {}, 'logprobs'],
  ['gpt-5.2', {}, undefined],
  ['gpt-5.2', { reasoning_effort: 'low' }, 'logprobs'],
  ['gpt-5.6-luna', {}, 'logprobs'],
  ['gpt-5.6-luna', { reasoning_effort: 'none' }, undefined],
  // The effort is set to none for them.
  ['gpt-5.6-luna', { tools: [tool] }, undefined],
  ['gpt-4o', {}, undefined],
])('logprobs exclude reasoning: %s with %j', async (model, body, expected) => {
  expect(await obstacle({ ...body, logprobs: true }, capabilitiesOf(model, 'azure'))).toBe(
    expected,
  );
});

describe('the context window', () => {
  const prose = 'The quick brown fox jumps over the lazy dog, and again; why? '.repeat(2_000);
  const chinese = '我们的服务器今天很忙请稍后再试。'.repeat(1_500);
  // Digits and letters without a space, unlike words.
  const dense = Array.from({ length: 9_000 }, (_, index) => (index * 7919).toString(36)).join('');
  const surrogates = '👩‍👩‍👧\ud800'.repeat(2_000);

  test.each([
    ['prose', prose],
    ['Chinese', chinese],
    ['a run without a space', dense],
    ['broken characters', surrogates],
    ['a short text', 'Hello, you'],
    ['control tokens as text', '<|endoftext|>'.repeat(500)],
  ])('is counted in tokens near its end: %s', async (_, text) => {
    const tokens = countTokens(text.toWellFormed(), {
      allowedSpecial: new Set(),
      disallowedSpecial: new Set(),
    });
    // A message's frame has 4 tokens; slices may add a few percent to a text without spaces.
    const exact = tokens + 4;
    expect(await obstacle(user(text), { contextTokens: Math.ceil(exact * 1.03) })).toBeUndefined();
    expect(await obstacle(user(text), { contextTokens: exact - 1 })).toBe(
      `context window (${(exact - 1).toLocaleString('en-US')} tokens are not enough)`,
    );
  });

  test('is exact for prose', async () => {
    const exact = countTokens(prose) + 4;
    expect(await obstacle(user(prose), { inputTokens: exact })).toBeUndefined();
    expect(await obstacle(user(prose), { inputTokens: exact - 1 })).toBeDefined();
  });

  test('is the same for several deployments in any order', async () => {
    const requirements = requirementsOf(parseChatRequest(user(prose)));
    const exact = countTokens(prose) + 4;
    const found = [];
    for (const contextTokens of [exact - 1, exact, 9, exact - 2, exact + 5, exact * 10, 1]) {
      found.push(
        (await findObstacle(requirements, { ...UNKNOWN_MODEL, contextTokens })) === undefined,
      );
    }
    expect(found).toEqual([false, true, false, false, true, true, false]);
  });

  test('is shared with the completion, as far as the model completes', async () => {
    const facts = { contextTokens: 1_000, outputTokens: 500 };
    expect(await obstacle({ max_tokens: 400 }, facts)).toBeUndefined();
    expect(await obstacle({ max_tokens: 99_999 }, facts)).toBeUndefined();
    expect(await obstacle({ max_completion_tokens: 999 }, { contextTokens: 1_000 })).toBe(
      'context window (1,000 tokens, less 999 for the completion, are not enough)',
    );
    expect(await obstacle({ max_tokens: 999 }, { inputTokens: 1_000 })).toBeUndefined();
  });

  test('counts names, parts, tools, their calls and the schema', async () => {
    const long = 'word '.repeat(500);
    const facts = { contextTokens: 400 };
    for (const body of [
      { messages: [{ role: 'user', name: long, content: 'Hi' }] },
      user([{ type: 'text', text: long }]),
      { tools: [{ ...tool, function: { ...tool.function, description: long } }] },
      { functions: [{ ...tool.function, description: long }] },
      {
        messages: [
          { role: 'assistant', tool_calls: [{ ...call, function: { arguments: long } }] },
          { role: 'user', content: 'Hi' },
        ],
      },
      { response_format: { type: 'json_schema', json_schema: { description: long } } },
    ]) {
      expect(await obstacle(body, facts)).toMatch(/^context window/);
    }
  });

  test('has images by a fixed figure, whatever their bytes', async () => {
    const url = `data:image/png;base64,${'A'.repeat(1_000_000)}`;
    const image = { type: 'image_url', image_url: { url } };
    expect(await obstacle(user([image]), { contextTokens: 800 })).toBeUndefined();
    expect(await obstacle(user([image, image]), { contextTokens: 800 })).toMatch(/context/);
    const low = { type: 'image_url', image_url: { url, detail: 'low' } };
    expect(await obstacle(user([low, low]), { contextTokens: 800 })).toBeUndefined();
    const audio = { type: 'input_audio', input_audio: { data: 'A'.repeat(1_000_000) } };
    expect(await obstacle(user([audio]), { contextTokens: 800 })).toBeUndefined();
  });

  test('of an unknown model has no limit', async () => {
    expect(await obstacle(user(prose), {})).toBeUndefined();
  });

  test('holds for a text without a request', async () => {
    const facts = { ...UNKNOWN_MODEL, contextTokens: 100 };
    expect(await findObstacle(requirementsOfText('Hello'), facts)).toBeUndefined();
    expect(await findObstacle(requirementsOfText(prose), facts)).toMatch(/^context window/);
  });

  test('needs no counting if the length decides, and otherwise lets other requests proceed', async () => {
    await obstacle(user(prose), { contextTokens: 10_000 });
    // One flat string, as a parser returns it.
    const long = JSON.parse(JSON.stringify(prose.repeat(250)));
    const requirements = requirementsOf(parseChatRequest(user(long)));
    const processorMs = startProcessorClock();
    expect(await findObstacle(requirements, capabilitiesOf('gpt-4o', 'azure'))).toMatch(/context/);
    expect(processorMs()).toBeLessThan(2_000);
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 1);
    const near = prose.repeat(10);
    const exact = countTokens(near) + 4;
    expect(await obstacle(user(near), { contextTokens: exact - 1 })).toMatch(/context/);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(3);
  });
});

describe('the error for a request that no deployment can serve', () => {
  test('says what each lacks, and names the field if it is only one', () => {
    const error = new NoCapableDeploymentError(
      new Map([
        ['strong', 'images'],
        ['weak', 'context window (4,000 tokens are not enough)'],
      ]),
    );
    expect(error).toMatchObject({ status: 400, code: 'no_capable_deployment', param: 'messages' });
    expect(error.message).toContain('strong: images; weak: context window (4,000 tokens are not');
  });

  test.each([
    [['tools', 'images'], null],
    [['parameters as they are (stop)'], null],
    [['tools'], 'tools'],
    [['response_format json_schema', 'response_format json_schema'], 'response_format'],
  ])('for %j has the param %s', (obstacles, param) => {
    const named = obstacles.map((one, index): [string, string] => [`d${index}`, one]);
    expect(new NoCapableDeploymentError(new Map(named)).param).toBe(param);
  });
});
