import { valueAt } from './snapshot.ts';

/** Checks that every parameter and output of a compiled template has its own description. */
export function checkDescriptions(template: unknown): readonly string[] {
  return ['parameters', 'outputs'].flatMap((kind) => {
    const members = Object.entries(valueAt(template, kind) ?? {}).map(
      ([name, member]: [string, unknown]) => ({ name, words: wordsOf(member) }),
    );
    const all = members.map(({ words }) => words);
    return members
      .filter(({ words }) => isNone(words) || all.indexOf(words) !== all.lastIndexOf(words))
      .map(({ name }) => `${kind}: ${name} must have its own description.`);
  });
}

function wordsOf(member: unknown): string {
  const description = String(valueAt(member, 'metadata.description') ?? '');
  return description.replace(/^(Required|Optional)\./, '').trim();
}

function isNone(words: string): boolean {
  return words === '' || /^see (above|below)\W*$/i.test(words);
}
