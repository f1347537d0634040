import { describe, expect, test } from 'vitest';
import { localEmbedder } from '../../../shared/prompt-embedding/local-embedding.ts';
import { FEATURE_COUNT } from '../../../shared/prompt-embedding/prompt-features.ts';

function embed(text: string): number[] {
  return [...localEmbedder.embed(text)];
}

function similarity(a: string, b: string): number {
  const other = embed(b).slice(FEATURE_COUNT);
  return embed(a)
    .slice(FEATURE_COUNT)
    .reduce((sum, value, index) => sum + value * (other[index] ?? 0), 0);
}

describe('the local embedder', () => {
  test.each([
    ['the empty string', ''],
    ['one letter', 'a'],
    ['spaces', ' \n\t '],
    ['a lone surrogate', '\ud83d'],
    ['a reversed surrogate pair', 'x\ude00\ud83dy'],
    ['emoji', '👩‍👩‍👧 🏳️‍🌈 😂😂'],
    ['control characters', '\u0000\u0007\u001b[31m'],
    ['right-to-left text', 'ما هي عاصمة فرنسا؟'],
    ['Chinese', '请证明任意有限整环都是域'],
    ['names of object properties', '__proto__ constructor toString hasOwnProperty'],
    ['a long run without a space', 'x'.repeat(100_000)],
    ['long runs of line ends', '\n'.repeat(100_000)],
  ])('gives finite numbers of bounded size for %s', (_, text) => {
    const embedding = localEmbedder.embed(text);
    expect(embedding).toHaveLength(localEmbedder.dimensions);
    expect(embedding.every((value) => Math.abs(value) <= 1)).toBe(true);
  });

  test('gives the same numbers for the same text, in a new array each time', () => {
    const first = localEmbedder.embed('What is a monad?');
    const second = localEmbedder.embed('What is a monad?');
    expect(second).toEqual(first);
    expect(second).not.toBe(first);
  });

  test('can be called without its object', () => {
    const { embed: alone } = localEmbedder;
    expect(alone('hello')).toEqual(localEmbedder.embed('hello'));
  });

  test('is pinned by its id: other numbers need another id', () => {
    const embedding = embed('Prove that 2 + 2 = 4.\n- step by step\n- in `TypeScript`?');
    const sum = embedding.reduce((total, value, index) => total + value * Math.sin(index), 0);
    expect(localEmbedder.id).toBe('local/1');
    expect(localEmbedder.dimensions).toBe(10_290);
    expect(sum).toBeCloseTo(-1.4848880546608705, 5);
  });

  test('puts prompts about one thing nearer to each other than prompts about others', () => {
    const prompt = 'How do I sort a list of numbers in Python?';
    const near = similarity(prompt, 'Sorting a Python list of numbers');
    const far = similarity(prompt, 'Which wine goes with grilled fish?');
    expect(near).toBeGreaterThan(far + 0.2);
  });

  test('looks at words, not at the case of their letters', () => {
    expect(similarity('HELLO WORLD', 'hello world')).toBeCloseTo(similarity('a b c', 'a b c'), 5);
  });

  test('reads both ends of a long text and nothing between', () => {
    const start = 'a start '.repeat(1000);
    const end = ' the end'.repeat(1000);
    expect(embed(`${start}one${end}`)).toEqual(embed(`${start}two${end}`));
    expect(embed(`${start}${end}`)).not.toEqual(embed(`${start}${end} indeed`));
  });

  // Quadratic patterns would take seconds; the margin is for slow, busy machines.
  test.each(['w(', '\n ', '\\a', '"', '(a', '. ', "a'", '$', '1.'])(
    'takes bounded time for a megabyte of %j',
    (piece) => {
      const text = piece.repeat(500_000);
      localEmbedder.embed(text);
      const begin = performance.now();
      localEmbedder.embed(text);
      expect(performance.now() - begin).toBeLessThan(250);
    },
  );
});
