import byLanguage from './word-lists.json' with { type: 'json' };

/**
 * The names of lists of words that tell the kind of a prompt, by language in `word-lists.json`.
 * Korean entries are the first two syllables of words, Chinese and Japanese ones two neighbouring
 * characters.
 */
export const LIST_NAMES = Object.keys(byLanguage);

const NONE: readonly number[] = [];
const LISTS_OF_WORD = indexWords();

/** Returns the positions in `LIST_NAMES` of the lists that contain a word, in any language. */
export function findLists(word: string): readonly number[] {
  return LISTS_OF_WORD.get(word) ?? NONE;
}

/** Like `findLists`, but a Korean word with an ending counts as its stem. */
export function findListsByStem(word: string): readonly number[] {
  const lists = LISTS_OF_WORD.get(word);
  if (lists !== undefined) return lists;
  return isHangul(word.charCodeAt(0)) ? findLists(word.slice(0, 2)) : NONE;
}

function isHangul(unit: number): boolean {
  return unit >= 0xac00 && unit <= 0xd7a3;
}

function indexWords(): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, Set<number>>();
  for (const [index, list] of Object.values(byLanguage).entries()) {
    for (const word of Object.values(list).flatMap((words) => words.split(' '))) {
      const lists = found.get(word);
      if (lists === undefined) found.set(word, new Set([index]));
      else lists.add(index);
    }
  }
  return new Map([...found].map(([word, lists]) => [word, [...lists]]));
}
