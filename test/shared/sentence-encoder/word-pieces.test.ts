import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ENCODER_FILES } from '../../../shared/sentence-encoder/encoder-files.ts';
import { MAX_PIECES, readPieces } from '../../../shared/sentence-encoder/read-pieces.ts';
import { splitText } from '../../../shared/sentence-encoder/split-text.ts';
import { parseVocabulary } from '../../../shared/sentence-encoder/vocabulary.ts';

const file = await readFile(join('models', ENCODER_FILES.vocabulary), 'utf8');
const names = file.trimEnd().split('\n');
const vocabulary = parseVocabulary(file);

function piecesOf(text: string): string {
  const numbers = splitText(text).flatMap((word) => vocabulary.cut(word));
  return numbers.map((number) => names[number]).join(' ');
}

/** The pieces are those of the tokenizer of all-MiniLM-L6-v2 (`BertTokenizer`) with this vocabulary. */
describe('a text is cut as by the tokenizer of the model', () => {
  test.each([
    ['Hello, World!', 'hello , world !'],
    ["don't can't", "don ' t can ' t"],
    ['naïve café', 'naive cafe'],
    ['heteroscedasticity', 'he ##ter ##os ##ced ##ast ##ic ##ity'],
    ['C++ != C#', 'c + + ! = c #'],
    ['e=mc²', 'e = mc ##²'],
    ['tab\tnew\nline', 'ta ##b new line'],
    ['a\u0000b\u{fffd}c \u{ad}soft x\u200by', 'abc soft x ##y'],
    ['snake_case $5', 'snake _ case $ 5'],
    ['x'.repeat(101), '[UNK]'],
    ['🙂', '[UNK]'],
    ['日本', '日 本'],
    ['', ''],
  ])('%j', (text, pieces) => {
    expect(piecesOf(text)).toBe(pieces);
  });
});

describe('the pieces of a text', () => {
  test('are between the marks of its start and its end', () => {
    const { pieces } = readPieces('Hello', vocabulary);
    expect(pieces.map((number) => names[number])).toEqual(['[CLS]', 'hello', '[SEP]']);
  });

  test('are those of both ends of a long text, in their order', () => {
    const text = `begin ${'in the middle '.repeat(200)} end`;
    const { pieces } = readPieces(text, vocabulary);
    expect(pieces).toHaveLength(MAX_PIECES);
    expect(pieces.slice(0, 3).map((number) => names[number])).toEqual(['[CLS]', 'begin', 'in']);
    expect(pieces.slice(-2).map((number) => names[number])).toEqual(['end', '[SEP]']);
  });

  test.each([MAX_PIECES - 3, MAX_PIECES - 2, MAX_PIECES - 1])(
    'are no more for %i words',
    (count) => {
      const { pieces } = readPieces('word '.repeat(count), vocabulary);
      expect(pieces).toHaveLength(Math.min(count + 2, MAX_PIECES));
    },
  );
});

describe('a text is understood', () => {
  test.each([
    'how do I get red wine out of a carpet?',
    'Prove that the square root of 2 is irrational.',
    'def add(a, b):\n    return a + b',
  ])('in English: %j', (text) => {
    expect(readPieces(text, vocabulary).isUnderstood).toBe(true);
  });

  test.each([
    'wie bekomme ich Kaugummi aus der Jacke?',
    '¿qué puedo cocinar hoy con pollo y arroz?',
    '今日は何を食べましょうか',
    'как дела',
    '',
    '12 + 30',
    '🙂👍',
  ])('but not in another language or without words: %j', (text) => {
    expect(readPieces(text, vocabulary).isUnderstood).toBe(false);
  });
});

test('a vocabulary without the marks is refused', () => {
  expect(() => parseVocabulary('a\nb\n')).toThrow('it has no line [CLS]');
});
