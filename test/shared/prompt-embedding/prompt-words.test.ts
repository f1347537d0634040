import { describe, expect, test } from 'vitest';
import { readPrompt, splitWords } from '../../../shared/prompt-embedding/prompt-words.ts';

describe('the part of a prompt that is read', () => {
  test.each([
    ['an answered question', 'Q: 1 + 1?\nA: 2\n\nQ: 2 + 2?\nA:', 'Q: 2 + 2?\nA:'],
    ['several', 'Answer: B\n\none\nAnswer: C\n\nWhich?', 'Which?'],
    ['a long answer, which is no example', `Answer: ${'x'.repeat(80)}\n\nWhy?`, undefined],
    ['an answer that is asked for', 'What is 2 + 2?\nAnswer:\n\nThink first.', undefined],
    ['nothing behind the last example', 'Answer: B\n\n', 'Answer: B'],
    ['no empty line', 'Answer: B\nWhich?', undefined],
    ['no example', 'Which one?', undefined],
  ])('is what comes after the examples: %s', (_, text, expected = text) => {
    expect(readPrompt(text)).toBe(expected);
  });

  test('has no space at its ends', () => {
    expect(readPrompt(' \n why? \n')).toBe('why?');
  });

  test('is 3,000 characters of each end', () => {
    const text = `${'a'.repeat(4_000)}${'b'.repeat(4_000)}`;
    expect(readPrompt(text)).toBe(`${'a'.repeat(3_000)}\n${'b'.repeat(3_000)}`);
    expect(readPrompt('a'.repeat(6_000))).toHaveLength(6_000);
  });

  test('has no examples even if they are far longer than the part that is read', () => {
    const example = 'Question: what is the colour of the sky?\nAnswer: blue\n\n';
    expect(readPrompt(`${example.repeat(10_000)}Question: why?`)).toBe('Question: why?');
  });
});

describe('the words of a text', () => {
  test.each([
    [
      "Don't TRADE-OFF well-known 3rd's 12.5%",
      ["don't", 'trade-off', 'well-known', "3rd's", '12', '5'],
    ],
    ['-a- ’b’', ['a', 'b']],
    ['请证明', ['请证', '证明']],
    ['学 and 数学', ['学', 'and', '数学']],
    ['カタカナ한국어', ['カタ', 'タカ', 'カナ', '한국어']],
    ['Grüße, naïve', ['grüße', 'naïve']],
    ['', []],
    ['!?', []],
  ])('in %j', (text, words) => {
    expect(splitWords(text)).toEqual(words);
  });

  test('have at most 40 characters', () => {
    expect(splitWords('x'.repeat(85)).map(({ length }) => length)).toEqual([40, 40, 5]);
  });
});
