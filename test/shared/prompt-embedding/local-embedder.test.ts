import { describe, expect, test } from 'vitest';
import {
  LOCAL_EMBEDDER,
  loadLocalEmbedder,
} from '../../../shared/prompt-embedding/local-embedder.ts';
import { FEATURE_NAMES } from '../../../shared/prompt-embedding/prompt-features.ts';
import { startProcessorClock } from '../../support/processor-time.ts';

const local = await loadLocalEmbedder('models');
const { dimensions, denseDimensions } = LOCAL_EMBEDDER;

function embed(text: string): number[] {
  return [...local.embed(text)];
}

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, index) => sum + value * (y[index] ?? 0), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

/** The mean of the vectors of all words. */
function meaning(text: string): number[] {
  return embed(text).slice(FEATURE_NAMES.length, FEATURE_NAMES.length + 100);
}

function ngrams(text: string): number[] {
  return embed(text).slice(denseDimensions);
}

function feature(text: string, name: string): number {
  const index = FEATURE_NAMES.indexOf(name);
  expect(index, name).not.toBe(-1);
  return embed(text)[index] ?? Number.NaN;
}

const HOSTILE = [
  ['the empty string', ''],
  ['one letter', 'a'],
  ['spaces', ' \n\t '],
  ['a lone surrogate', '\ud83d'],
  ['a reversed surrogate pair', 'x\ude00\ud83dy'],
  ['emoji', '👩‍👩‍👧 🏳️‍🌈 😂😂'],
  ['control characters', '\u0000\u0007\u001b[31m'],
  ['right-to-left text', 'ما هي عاصمة فرنسا؟'],
  ['Chinese', '请证明任意有限整环都是域'],
  ['characters of two units in a script without spaces', '𠀀𠀁𠀂'],
  ['names of object properties', '__proto__ constructor toString hasOwnProperty'],
  ['a long run without a space', 'x'.repeat(100_000)],
  ['long runs of line ends', '\n'.repeat(100_000)],
  ['examples without an end', 'Answer:'.repeat(100_000)],
  ['nothing but examples', 'Answer: B\n\n'.repeat(100_000)],
  ['numbers', '1 2.5 3/4 '.repeat(1_000)],
] as const;

describe('the local embedder', () => {
  test.each(HOSTILE)('gives finite numbers for %s, the features from -1 to 1', (_, text) => {
    const embedding = embed(text);
    expect(embedding).toHaveLength(dimensions);
    expect(embedding.every(Number.isFinite)).toBe(true);
    const bounded = [...embedding.slice(0, FEATURE_NAMES.length), ...ngrams(text)];
    expect(bounded.every((value) => Math.abs(value) <= 1)).toBe(true);
  });

  test('gives the same numbers for the same text, in a new array each time', () => {
    const first = local.embed('What is a monad?');
    const second = local.embed('What is a monad?');
    expect(second).toEqual(first);
    expect(second).not.toBe(first);
  });

  test('can be called without its object', () => {
    const { embed: alone } = local;
    expect(alone('hello')).toEqual(local.embed('hello'));
  });

  // Scorers are trained on these numbers. The prompts reach every part of the embedding.
  test('is pinned by its id: other numbers need another id', () => {
    const prompts = [
      'Prove that 2 + 2 = 4.\n- step by step\n- in `TypeScript`?',
      'Q: How many legs has a cat?\nA: 4\n\nQ: 3/4 of 12 dollars, in %?\nA) $9 B) "eight"',
      '请用Python写一个函数。ありがとう！ 안녕하세요 Què és això? привет नमस्ते مرحبا',
    ];
    const sums = prompts.map((prompt) =>
      embed(prompt).reduce((total, value, index) => total + value * Math.sin(index), 0),
    );
    expect(local).toMatchObject({ id: 'local/2', dimensions: 12_601, denseDimensions: 313 });
    expect(sums).toEqual(
      [6.7891070440066, 8.105425441477758, -1.149751697477888].map((sum) => expect.closeTo(sum, 5)),
    );
  });

  test('gives each feature one name', () => {
    expect(FEATURE_NAMES).toHaveLength(113);
    expect(new Set(FEATURE_NAMES).size).toBe(113);
  });
});

describe('the meaning of words', () => {
  test('brings prompts together that share no word', () => {
    const prompt = meaning('Which dog breeds bark least?');
    const near = cosine(prompt, meaning('Quiet puppies for small apartments'));
    const far = cosine(prompt, meaning('Integrate this polynomial over a compact interval'));
    expect(near).toBeGreaterThan(far + 0.2);
  });

  test('does not depend on the case of letters', () => {
    expect(meaning('HELLO WORLD')).toEqual(meaning('hello world'));
  });

  test('is 0 without a known word', () => {
    expect(meaning('xqzzyv 12 34').every((value) => value === 0)).toBe(true);
    expect(feature('xqzzyv 12 34', 'unknown words')).toBe(1);
  });

  test('of the ends is that of all words in a short prompt, and not in a long one', () => {
    const ends = (text: string) => embed(text).slice(FEATURE_NAMES.length + 100, denseDimensions);
    expect(ends('Sort this list')).toEqual(meaning('Sort this list'));
    const around = (middle: string) =>
      `${'Translate this letter '.repeat(7)}${middle}${' and thank you'.repeat(7)}`;
    const [cats, stocks] = [around('the cat sleeps'), around('shares fell sharply')];
    expect(ends(cats)).toEqual(ends(stocks));
    expect(meaning(cats)).not.toEqual(meaning(stocks));
  });
});

describe('n-grams', () => {
  test('put prompts about one thing nearer to each other than prompts about others', () => {
    const prompt = ngrams('How do I sort a list of numbers in Python?');
    const near = cosine(prompt, ngrams('Sorting a Python list of numbers'));
    const far = cosine(prompt, ngrams('Which wine goes with grilled fish?'));
    expect(near).toBeGreaterThan(far + 0.1);
  });

  test('look at words, not at the case of their letters', () => {
    expect(ngrams('HELLO WORLD')).toEqual(ngrams('hello world'));
  });
});

describe('word lists', () => {
  test.each([
    ['Please, prove it.', 'reasoning'],
    ['Bitte beweise das.', 'reasoning'],
    ['Démontrez que la suite converge.', 'reasoning'],
    ['请证明这个定理', 'reasoning'],
    ['안녕하세요', 'greeting'],
    ['Привет, как дела?', 'greeting'],
    ['مرحبا', 'greeting'],
    ['ありがとうございます', 'greeting'],
  ])('know %s for %s', (text, list) => {
    expect(feature(text, `words of ${list}`)).toBeGreaterThan(0);
    expect(feature('xqzzyv', `words of ${list}`)).toBe(0);
  });

  test('tell the first word and the ends from the rest', () => {
    const long = `Write one line. ${'the river flows '.repeat(30)}Thanks`;
    expect(feature(long, 'first word of making')).toBe(1);
    expect(feature(long, 'first word of greeting')).toBe(0);
    expect(feature(long, 'words of greeting at the ends')).toBeGreaterThan(
      feature(long, 'words of greeting'),
    );
  });
});

describe('features of the form', () => {
  test.each([
    ['Look:\n```\nx\n```', 'has codeFence'],
    ['Is it so?', 'has questionAtEnd'],
    ['是这样吗？', 'has questionAtEnd'],
    ['It costs $5', 'has dollars'],
    ['Choose:\nA) one\nB) two', 'many options'],
    ['x = (y + 1) * 2', 'mathematical signs'],
    ['你好吗', 'chineseAndJapanese'],
    ['один', 'cyrillic'],
  ])('tell %j by "%s"', (text, name) => {
    expect(feature(text, name)).toBeGreaterThan(0);
    expect(feature('plain words', name)).toBe(0);
  });

  test('say how long the prompt is, by two neighbouring knots', () => {
    const text = 'x'.repeat(49);
    expect(feature(text, 'length ~30')).toBeCloseTo(0.5, 1);
    expect(feature(text, 'length ~80')).toBeCloseTo(0.5, 1);
    expect(feature(text, 'length ~200')).toBe(0);
    expect(feature('x'.repeat(5_000), 'length ~3000')).toBe(1);
  });
});

describe('a long prompt', () => {
  test('is read only at both ends', () => {
    const start = 'a start '.repeat(1000);
    const end = ' the end'.repeat(1000);
    expect(embed(`${start}one${end}`)).toEqual(embed(`${start}two${end}`));
    expect(embed(`${start}${end}`)).not.toEqual(embed(`${start}${end} indeed`));
  });

  // Quadratic patterns would take seconds; the margin is for slow, busy machines.
  test.each([
    'w(',
    '\n ',
    '\\a',
    '"',
    '(a',
    '. ',
    "a'",
    '$',
    '1.',
    'Answer:',
    '\nA: x',
    'A: 1\n\n',
  ])('takes bounded time for megabytes of %j', (piece) => {
    const text = piece.repeat(500_000);
    local.embed(text);
    const processorMs = startProcessorClock();
    local.embed(text);
    expect(processorMs()).toBeLessThan(1_000);
  });

  test('of 32 MiB costs no more than one that is just too long to be read as a whole', () => {
    const text = `${'Answer: C\n\nWhich one? '.repeat(1_600_000)}end`;
    expect(text.length).toBeGreaterThan(32 * 1024 * 1024);
    local.embed(text);
    const processorMs = startProcessorClock();
    local.embed(text);
    expect(processorMs()).toBeLessThan(1_000);
  });
});
