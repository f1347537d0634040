import { describe, expect, test } from 'vitest';
import { UpstreamError } from '../../../shared/base/errors.ts';
import { addAnswerFields, parseAnswer } from '../../../shared/chat-format/plain-answer.ts';

const selectedModel = 'gpt-5.6-luna';

function add(answer: string | Buffer): string {
  return addAnswerFields(parseAnswer(Buffer.from(answer as string)), {
    selected_model: selectedModel,
  });
}

function withMessage(message: unknown): string {
  return JSON.stringify({ id: 'a', choices: [{ index: 0, message }] });
}

describe('addAnswerFields', () => {
  test.each([
    '{"id":"a","big":123456789012345678901234567890,"small":1.10,"exponent":1E5}',
    '{"z":1,"a":2,"1":3,"0":4}',
    '{ "a" : [ 1 ,\n 2 ] ,"b":"\\u00e9\\/" }',
    '{"text":"naïve 日本 🎉 \u2028"}',
    '{"choices":[{"message":{"content":"}{ \\"}\\" }"}}],"last":{"deep":{}}}',
    '{"same":1,"same":2}',
  ])('keeps the bytes of %s', (answer) => {
    const added = add(answer);
    expect(added.startsWith(answer.slice(0, -1))).toBe(true);
    expect(JSON.parse(added)).toMatchObject({ selected_model: selectedModel });
  });

  test.each([' ', '\n', '\r\n\t  '])('takes white space after the last brace (%j)', (space) => {
    const added: unknown = JSON.parse(add(`${withMessage({ content: 'Hi' })}${space}`));
    expect(added).toMatchObject({ id: 'a', response: 'Hi', selected_model: selectedModel });
  });

  test.each(['{}', ' { } ', '{\n}'])('fills the empty object %j', (answer) => {
    expect(JSON.parse(add(answer))).toEqual({ response: null, selected_model: selectedModel });
  });

  test.each(['Hi', '', '0', ' with spaces ', '{"json":true}'])(
    'gives the text "%s" of the first choice',
    (content) => {
      expect(JSON.parse(add(withMessage({ content })))).toMatchObject({ response: content });
    },
  );

  test('gives the first choice of several', () => {
    const choices = ['one', 'two'].map((content, index) => ({ index, message: { content } }));
    expect(JSON.parse(add(JSON.stringify({ choices })))).toMatchObject({ response: 'one' });
  });

  test.each([
    withMessage({ content: null, tool_calls: [] }),
    withMessage({ refusal: 'no' }),
    withMessage({ content: [{ type: 'text', text: 'parts' }] }),
    withMessage(null),
    withMessage('text'),
    '{"choices":[]}',
    '{"choices":[null]}',
    '{"choices":null}',
    '{"choices":"text"}',
    '{"choices":{"0":7}}',
    '{"id":"a"}',
  ])('has a null response for %s', (answer) => {
    expect(JSON.parse(add(answer))).toMatchObject({ response: null });
  });

  test('wins over a field of the same name', () => {
    const added = add('{"response":"other","selected_model":"other"}');
    expect(JSON.parse(added)).toEqual({ response: null, selected_model: selectedModel });
  });

  test('adds the routing facts that are asked for', () => {
    const routing = { tier: 'weak' };
    const added = addAnswerFields(parseAnswer(Buffer.from('{}')), {
      selected_model: selectedModel,
      routing,
    });
    expect(JSON.parse(added)).toMatchObject({ routing });
  });

  test('escapes the name of the model', () => {
    const added = addAnswerFields(parseAnswer(Buffer.from('{}')), {
      selected_model: 'a"b\\c',
    });
    expect(JSON.parse(added)).toMatchObject({ selected_model: 'a"b\\c' });
  });

  test.each(['', 'null', '[]', '"text"', '7', '{"a":1', '{"a":1} trailing', '<html>', 'true'])(
    'refuses %j without repeating it',
    (answer) => {
      const work = () => add(answer);
      expect(work).toThrow(UpstreamError);
      expect(work).toThrow(/^The deployment answered with something that is not a JSON object\.$/);
    },
  );
});
