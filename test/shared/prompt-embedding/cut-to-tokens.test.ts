import { encode } from 'gpt-tokenizer/encoding/cl100k_base';
import { describe, expect, test } from 'vitest';
import { cutToTokens } from '../../../shared/prompt-embedding/cut-to-tokens.ts';
import { createRandom } from '../../fakes/routellm-weights.ts';
import { startProcessorClock } from '../../support/processor-time.ts';

const plain = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() };
const countTokens = (text: string): number => encode(text, plain).length;

const ALPHABET = [
  'a',
  'th',
  ' ',
  '  ',
  '\n',
  '.',
  '7',
  'é',
  '日',
  '本',
  '🎉',
  '👩‍👩‍👧',
  "'s",
  '\u0301',
  '<|',
  '|>',
];

function randomText(random: () => number, length: number): string {
  return Array.from({ length }, () => ALPHABET[Math.floor(random() * ALPHABET.length)] ?? '').join(
    '',
  );
}

describe('a text within the limit', () => {
  test.each(['', 'Hello', 'é'.repeat(10), '🎉🎉'])('stays as it is: "%s"', async (text) => {
    expect(await cutToTokens(text, 30)).toBe(text);
  });

  test('stays as it is at exactly the limit', async () => {
    const text = 'one two three four five six seven eight nine ten, eleven twelve';
    expect(await cutToTokens(text, countTokens(text))).toBe(text);
  });
});

describe('a text over the limit', () => {
  test('keeps its first tokens', async () => {
    const text = 'word '.repeat(100);
    expect(await cutToTokens(text, 10)).toBe('word '.repeat(10).trimEnd());
  });

  test('never has more tokens than the limit, whatever it contains', async () => {
    const random = createRandom(7);
    for (let round = 0; round < 300; round += 1) {
      const text = randomText(random, 60);
      const limit = 1 + Math.floor(random() * 40);
      const cut = await cutToTokens(text, limit);
      expect(countTokens(cut)).toBeLessThanOrEqual(limit);
      expect(text.startsWith(cut)).toBe(true);
    }
  });

  test('is never cut inside a character', async () => {
    for (let limit = 1; limit < 20; limit += 1) {
      const cut = await cutToTokens('🎉日本é'.repeat(30), limit);
      expect(cut.isWellFormed()).toBe(true);
      expect(cut).not.toContain('\uFFFD');
    }
  });

  test('is cut the same after another text', async () => {
    const cuts = [];
    for (const limit of [3, 1, 3]) cuts.push(await cutToTokens('日本🎉'.repeat(30), limit));
    expect(cuts[2]).toBe(cuts[0]);
  });

  test('is never cut inside a character if its tokens are long', async () => {
    const text = `${' '.repeat(399)}🎉 and a text of more tokens than twenty, one by one by one by one`;
    expect((await cutToTokens(text, 20)).isWellFormed()).toBe(true);
  });
});

describe('special tokens', () => {
  test.each(['<|endoftext|>', '<|im_start|>', '<|fim_prefix|>', '<|endofprompt|>'])(
    '%s are text like any other',
    async (special) => {
      expect(await cutToTokens(special, 40)).toBe(special);
      const cut = await cutToTokens(special.repeat(50), 20);
      expect(cut.length).toBeGreaterThan(0);
      expect(countTokens(cut)).toBeLessThanOrEqual(20);
    },
  );
});

describe('a megabyte', () => {
  test.each([
    ['of one letter', 'a'.repeat(1_000_000)],
    ['of digits', '0123456789'.repeat(100_000)],
    ['of spaces', ' '.repeat(1_000_000)],
    ['of Chinese', '日本語'.repeat(333_333)],
    ['of emoji', '🎉'.repeat(500_000)],
    ['of replacement signs before a letter', `${'\uFFFD'.repeat(60_000)}x`],
    ['of Base64', Buffer.alloc(750_000, 'a1Z?ü').toString('base64')],
  ])('%s is cut quickly', async (_, text) => {
    await cutToTokens('warm '.repeat(50), 2);
    const processorMs = startProcessorClock();
    const cut = await cutToTokens(text, 8_191);
    expect(processorMs()).toBeLessThan(8_000);
    expect(text.startsWith(cut)).toBe(true);
    expect(cut.length).toBeGreaterThan(2_000);
  });
});
