import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The folders of each tree, the top first, as CONTRIBUTING lists them. */
const ROOMS = new Map(
  [
    ...readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8').matchAll(
      /^```rooms\n(\w+)\/.*\n([^`]*)```/gm,
    ),
  ].map(([, tree = '', list = '']) => [
    tree,
    list.split('\n').map((line) => /^ {2}(\S+)/.exec(line)?.[1]),
  ]),
);

/** A room is a folder with all that is below it; the files of a tree's own folder are the room `.`. */
function roomOf(file: string): string {
  return file.split(sep).slice(1, -1)[0] ?? '.';
}

/** Imports between the rooms of a tree, of types as well. */
function importsOf(tree: string) {
  const files = readdirSync(join(root, tree), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|tsx|mjs)$/.test(file))
    .map((file) => join(tree, file));
  return files.flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/(?:from|import|import\()\s*'(\.[^']+)'/g)]
      .map(([, specifier = '']) => normalize(join(dirname(file), specifier)))
      .filter((imported) => imported.startsWith(tree + sep) && roomOf(imported) !== roomOf(file))
      .map((imported) => ({ file, imported })),
  );
}

test('CONTRIBUTING lists the rooms of every tree', () => {
  expect([...ROOMS.keys()]).toEqual(['functions', 'shared', 'dashboard', 'tools']);
});

describe.each([...ROOMS])('%s', (tree, rooms) => {
  test('has the rooms that CONTRIBUTING lists', () => {
    const found = readdirSync(join(root, tree), { withFileTypes: true });
    const folders = found.filter((one) => one.isDirectory()).map(({ name }) => name);
    expect(folders.toSorted()).toEqual(rooms.filter((room) => room && room !== '.').toSorted());
  });

  test('is imported from above to below only', () => {
    const upwards = importsOf(tree).filter(
      ({ file, imported }) => rooms.indexOf(roomOf(imported)) <= rooms.indexOf(roomOf(file)),
    );
    expect(upwards.map(({ file, imported }) => `${file} imports ${imported}`)).toEqual([]);
  });
});
