import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { splitWords } from '../../../shared/prompt-embedding/prompt-words.ts';
import { findLists, findListsByStem } from '../../../shared/prompt-embedding/word-lists.ts';

const url = new URL('../../../shared/prompt-embedding/word-lists.json', import.meta.url);
const lists = JSON.parse(await readFile(url, 'utf8')) as Record<string, Record<string, string>>;
const inLanguages = Object.entries(lists).flatMap(([list, byLanguage]) =>
  Object.entries(byLanguage).map(([language, words]) => ({
    list,
    language,
    words: words.split(' '),
  })),
);

test('no list has a word twice in a language', () => {
  const twice = inLanguages.flatMap(({ list, language, words }) =>
    words
      .filter((word, index) => words.indexOf(word) !== index)
      .map((word) => `${list} in ${language}: ${word}`),
  );
  expect(twice).toEqual([]);
});

test('all words of the lists are words that a prompt is split into', () => {
  const lengths = new Map([
    ['ko', [1, 2]],
    ['ja', [2]],
    ['zh', [2]],
  ]);
  const unreachable = inLanguages.flatMap(({ language, words }) => {
    const fits = lengths.get(language);
    return words.filter(
      (word) => splitWords(word).join(' ') !== word || fits?.includes(word.length) === false,
    );
  });
  expect(unreachable).toEqual([]);
});

test('a word is in all of its lists', () => {
  const names = findLists('why').map((index) => Object.keys(lists)[index]);
  expect(names).toEqual(['asking', 'reasoning']);
  expect(findLists('constructor')).toEqual([]);
});

test('a Korean word is known by its stem', () => {
  expect(findLists('감사합니다')).toEqual([]);
  expect(findListsByStem('감사합니다')).toEqual(findLists('감사'));
  expect(findListsByStem('감사합니다')).not.toEqual([]);
  expect(findListsByStem('provers')).toEqual([]);
});
