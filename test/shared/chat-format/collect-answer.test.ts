import { describe, expect, test } from 'vitest';
import { answerOf, createCollector } from '../../../shared/chat-format/collect-answer.ts';
import { StreamEvent } from '../../../shared/chat-format/stream-event.ts';

const event = (delta: object, choice: object = {}) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta, ...choice }] })}\n\n`;

describe('a streamed answer', () => {
  test('has calls of tools put together by their index, and the first choice only', () => {
    const { push, answer } = createCollector();
    const events = [
      event({ role: 'assistant', content: null }),
      event({ tool_calls: [{ index: 1, id: 'b', function: { name: 'g', arguments: '' } }] }),
      event({ tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'f' } }] }),
      event({ content: 'no' }, { index: 1 }),
      event({ tool_calls: [{ index: 1, function: { arguments: '{"x":' } }] }),
      event({ tool_calls: [{ index: 1, function: { arguments: '1}' } }] }),
      event({ tool_calls: [{ index: 1e9, id: 'c', function: { name: 'h', arguments: '{}' } }] }),
      'data: no json\n\n',
      ': a comment\n\n',
      'data: 5\n\n',
      'data: {"choices":[null]}\n\n',
    ];
    for (const one of events) push(new StreamEvent(Buffer.from(one)).data);
    const { message } = answer();
    expect(message?.['tool_calls']).toEqual([
      { id: 'b', type: 'function', function: { name: 'g', arguments: '{"x":1}' } },
      { id: 'a', type: 'function', function: { name: 'f', arguments: '' } },
      { id: 'c', type: 'function', function: { name: 'h', arguments: '{}' } },
    ]);
    expect(message?.content).toBeNull();
  });

  const called = (id: string | undefined, city: string, index?: number) =>
    event({
      tool_calls: [
        { index, id, type: 'function', function: { name: 'w', arguments: `{"c":"${city}"}` } },
      ],
    });
  const two = [
    { id: 'call_1', type: 'function', function: { name: 'w', arguments: '{"c":"A"}' } },
    { id: 'call_2', type: 'function', function: { name: 'w', arguments: '{"c":"B"}' } },
  ];

  test.each([
    ['the same number', [called('call_1', 'A', 0), called('call_2', 'B', 0)]],
    ['no numbers', [called('call_1', 'A'), called('call_2', 'B')]],
    [
      'no numbers, in one event',
      [
        event({
          tool_calls: two.map(({ id, function: given }) => ({ id, function: given })),
        }),
      ],
    ],
  ])('has two calls of two ids with %s', (_, events) => {
    const { push, answer } = createCollector();
    for (const one of events) push(new StreamEvent(Buffer.from(one)).data);
    expect(answer().message?.['tool_calls']).toEqual(two);
  });

  test('goes on with the newest call where a part has neither a number nor an id', () => {
    const { push, answer } = createCollector();
    const parts = [
      { id: 'call_1', function: { name: 'w', arguments: '{"c":' } },
      { function: { arguments: '"A"}' } },
      { id: 'call_2', function: { name: 'w', arguments: '{"c":"B"' } },
      { id: 'call_2', function: { name: 'w', arguments: '}' } },
    ];
    for (const part of parts) {
      push(new StreamEvent(Buffer.from(event({ tool_calls: [part] }))).data);
    }
    expect(answer().message?.['tool_calls']).toEqual(two);
  });

  function collect(...deltas: object[]) {
    const { push, answer } = createCollector();
    for (const one of deltas) push(new StreamEvent(Buffer.from(event(one))).data);
    return answer().message;
  }

  test.each<[string, object[], object]>([
    [
      'reasoning in pieces',
      [
        { role: 'assistant', reasoning_content: 'I ' },
        { reasoning_content: 'think', content: '' },
      ],
      { reasoning_content: 'I think' },
    ],
    [
      'numbered details',
      [
        { reasoning_details: [{ type: 'reasoning.text', text: 'a', format: 'f', index: 0 }] },
        { reasoning_details: [{ type: 'reasoning.text', text: 'b', format: 'f', index: 0 }] },
        { reasoning_details: [{ type: 'reasoning.text', signature: 's', index: 0 }] },
        { reasoning_details: [{ type: 'reasoning.encrypted', data: 'x', id: 'r', index: 0 }] },
        { reasoning_details: [{ type: 'reasoning.text', text: 'c', index: 1 }] },
      ],
      {
        reasoning_details: [
          { type: 'reasoning.text', text: 'ab', format: 'f', index: 0, signature: 's' },
          { type: 'reasoning.encrypted', data: 'x', id: 'r', index: 0 },
          { type: 'reasoning.text', text: 'c', index: 1 },
        ],
      },
    ],
    [
      'thoughts that are not numbered',
      [
        { thinking_blocks: [{ type: 'thinking', thinking: 'a', signature: null }] },
        { thinking_blocks: [{ type: 'thinking', thinking: 'b', signature: '' }] },
        { thinking_blocks: [{ type: 'thinking', thinking: '', signature: 's' }] },
        { thinking_blocks: [{ type: 'thinking', thinking: 'c' }] },
      ],
      {
        thinking_blocks: [
          { type: 'thinking', thinking: 'ab', signature: 's' },
          { type: 'thinking', thinking: 'c' },
        ],
      },
    ],
    [
      'a call with content of its maker',
      [
        {
          tool_calls: [
            {
              index: 0,
              id: 'a',
              function: { name: 'w', arguments: '{}' },
              extra_content: { google: { thought_signature: 's' } },
            },
          ],
        },
        { tool_calls: [{ index: 0, extra_content: { google: { thought_signature: 's' } } }] },
      ],
      {
        tool_calls: [
          {
            id: 'a',
            type: 'function',
            function: { name: 'w', arguments: '{}' },
            extra_content: { google: { thought_signature: 's' } },
          },
        ],
      },
    ],
    [
      'a call that is not of a function',
      [
        { tool_calls: [{ index: 0, id: 'a', type: 'custom', custom: { name: 'c', input: 'x' } }] },
        { tool_calls: [{ index: 0, custom: { input: 'y' } }] },
      ],
      { tool_calls: [{ id: 'a', type: 'custom', custom: { name: 'c', input: 'xy' } }] },
    ],
    [
      'audio',
      [
        { audio: { id: 'audio_1', transcript: 'H' } },
        { audio: { data: 'AAAA', transcript: 'i' } },
        { audio: { data: 'BBBB' } },
        { audio: { expires_at: 5 } },
      ],
      { audio: { id: 'audio_1', transcript: 'Hi', data: 'AAAABBBB', expires_at: 5 } },
    ],
    [
      'content in parts',
      [
        { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'a' }] }] },
        { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'b' }] }] },
        { content: 'H' },
        { content: 'i' },
      ],
      {
        content: [
          { type: 'thinking', thinking: [{ type: 'text', text: 'ab' }] },
          { type: 'text', text: 'Hi' },
        ],
      },
    ],
    [
      'annotations',
      [
        { content: 'Hi', annotations: [{ type: 'url_citation', url_citation: { url: 'a' } }] },
        { annotations: [{ type: 'url_citation', url_citation: { url: 'b' } }] },
      ],
      {
        content: 'Hi',
        annotations: [
          { type: 'url_citation', url_citation: { url: 'a' } },
          { type: 'url_citation', url_citation: { url: 'b' } },
        ],
      },
    ],
    [
      'a word that is repeated',
      [
        { content: 'H', channel: 'final' },
        { content: 'i', channel: 'final' },
      ],
      { content: 'Hi', channel: 'final' },
    ],
  ])('keeps %s', (_, deltas, kept) => {
    expect(collect(...deltas)).toEqual({ role: 'assistant', content: null, ...kept });
  });

  test('keeps a field of any name without harm', () => {
    const delta = JSON.parse('{"content":"Hi","__proto__":{"content":"No"}}') as object;
    const message = collect(delta, delta);
    expect(message?.content).toBe('HiHi');
    expect(Object.getPrototypeOf(message)).toBe(Object.prototype);
  });

  test('is nothing while nothing has come', () => {
    expect(createCollector().answer()).toEqual({ message: undefined, finishReason: undefined });
  });
});

describe('a plain answer', () => {
  test.each([
    [
      { content: 'Hi', refusal: null, annotations: [] },
      { role: 'assistant', content: 'Hi' },
    ],
    [{ refusal: 'No.' }, { role: 'assistant', content: null, refusal: 'No.' }],
    [
      { content: null, tool_calls: [{ id: 'a' }], reasoning_content: 'hm' },
      { role: 'assistant', content: null, tool_calls: [{ id: 'a' }], reasoning_content: 'hm' },
    ],
    [
      { content: null, audio: { id: 'audio_1', data: 'AA==', transcript: 'Hi' } },
      {
        role: 'assistant',
        content: null,
        audio: { id: 'audio_1', data: 'AA==', transcript: 'Hi' },
      },
    ],
    [{ content: '' }, undefined],
    [undefined, undefined],
  ])('%j is kept as %j', (message, kept) => {
    expect(answerOf({ choices: [{ index: 0, message }] }).message).toEqual(kept);
    expect(answerOf({ choices: 'none' }).message).toBeUndefined();
  });
});
