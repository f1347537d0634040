import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../../../shared/base/errors.ts';
import { loadLocalEmbedder } from '../../../shared/prompt-embedding/local-embedder.ts';
import { hashWord } from '../../../shared/prompt-embedding/word-hash.ts';
import {
  loadWordVectors,
  parseWordVectors,
  WORD_VECTORS_FILE,
} from '../../../shared/prompt-embedding/word-vectors.ts';

const folder = await mkdtemp(join(tmpdir(), 'smart-router-vectors-'));
afterAll(() => rm(folder, { recursive: true }));
await mkdir(join(folder, 'local'));

const bytes = await readFile(join('models', WORD_VECTORS_FILE));
const wordVectors = await loadWordVectors('models');

describe('the word vectors that ship', () => {
  // Scorers are trained on them: other vectors need another id of the embedder.
  test('are the file for which the id of the embedder stands', () => {
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(
      '5ae014ec84a8640c144eb8d98dd43f626f0577f67001e4d9d7d58db0c34c3c22',
    );
  });

  test('find every word by its hash, and none by another', () => {
    const hashes = new Uint32Array(bytes.buffer, bytes.byteOffset + 16, wordVectors.ranks.length);
    const found = hashes.map((hash) => wordVectors.find(hash));
    expect(found.every((position, index) => position === index)).toBe(true);
    for (const hash of [0, 2 ** 32 - 1, (hashes[0] ?? 0) + 1, (hashes.at(-1) ?? 0) - 1]) {
      expect(wordVectors.find(hash)).toBe(hashes.indexOf(hash));
    }
  });

  test('know words by their rank', () => {
    const rank = (word: string) => wordVectors.ranks[wordVectors.find(hashWord(word))];
    expect(rank('the')).toBe(0);
    expect(rank('of')).toBe(3);
    expect(wordVectors.find(hashWord('xqzzyv'))).toBe(-1);
    // Not a word: it has neither letters nor digits.
    expect(wordVectors.find(hashWord(','))).toBe(-1);
  });

  test('can be read from bytes at any place of a buffer', () => {
    const shifted = Buffer.alloc(bytes.length + 1);
    bytes.copy(shifted, 1);
    const { find, ranks } = parseWordVectors(shifted.subarray(1));
    expect(ranks[find(hashWord('the'))]).toBe(0);
  });
});

function changed(place: number, write: (copy: Buffer, place: number) => void): Buffer {
  const copy = Buffer.from(bytes);
  write(copy, place);
  return copy;
}

describe('a file of word vectors', () => {
  test.each([
    ['is missing', undefined, /cannot be read: .*ENOENT/],
    ['is empty', Buffer.alloc(0), /too short/],
    [
      'is something else',
      Buffer.from('{"scorers":[{"id":"local"}]}'),
      /does not begin with their signature/,
    ],
    ['is cut off', bytes.subarray(0, -1), /6595615 bytes and should have 6595616/],
    ['is too long', Buffer.concat([bytes, Buffer.alloc(4)]), /6595620 bytes and should have/],
    ['is of another version', changed(4, (copy, at) => copy.writeUInt32LE(2, at)), /version 2/],
    ['has other dimensions', changed(12, (copy, at) => copy.writeUInt32LE(50, at)), /50 dim/],
  ])('that %s is one clear error, with a remedy', async (_, content, reason) => {
    const path = join(folder, WORD_VECTORS_FILE);
    await rm(path, { force: true });
    if (content !== undefined) await writeFile(path, content);
    const error: unknown = await loadWordVectors(folder).catch((caught: unknown) => caught);
    if (!(error instanceof ConfigError)) throw error;
    expect(error.problems).toHaveLength(1);
    expect(error.message).toMatch(reason);
    expect(error.message).toContain(path);
    expect(error.message).toContain('npm run embedder:build');
  });

  test('that is not the one of the embedder is one clear error, with a remedy', async () => {
    const path = join(folder, WORD_VECTORS_FILE);
    const other = changed(bytes.length - 1, (copy, at) =>
      copy.writeInt8(copy.readInt8(at) ^ 1, at),
    );
    await writeFile(path, other);
    const loading = loadLocalEmbedder(folder);
    await expect(loading).rejects.toThrow(`${path} is damaged or another file`);
    await expect(loading).rejects.toThrow('npm run embedder:build');
  });
});
