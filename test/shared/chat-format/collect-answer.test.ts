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
      { role: 'assistant', content: null, tool_calls: [{ id: 'a' }] },
    ],
    [{ content: '' }, undefined],
    [undefined, undefined],
  ])('%j is kept as %j', (message, kept) => {
    expect(answerOf({ choices: [{ index: 0, message }] }).message).toEqual(kept);
    expect(answerOf({ choices: 'none' }).message).toBeUndefined();
  });
});
