import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { EmbeddingCache } from '../../shared/prompt-embedding/embedding-cache.ts';

type Setup = {
  /** A new, empty cache for embeddings of `dimensions` numbers. */
  readonly create: () => EmbeddingCache;
  readonly dimensions: number;
};

/** A key as the cache keys are, from a word. */
export function keyOf(word: string): string {
  return createHash('sha256').update(word).digest('hex');
}

export function vectorOf(dimensions: number, first: number): Float32Array {
  return Float32Array.from({ length: dimensions }, (_, index) => first + index / 3);
}

/** What every embedding cache must do. */
export function describeEmbeddingCache(name: string, { create, dimensions }: Setup): void {
  describe(`${name} as an embedding cache`, () => {
    test('misses what was never set', async () => {
      expect(await create().get(keyOf('never'))).toBeUndefined();
    });

    test('gives back the very numbers', async () => {
      const cache = create();
      const embedding = vectorOf(dimensions, -1.1);
      await cache.set(keyOf('a'), embedding);
      const found = await cache.get(keyOf('a'));
      expect(found).toBeInstanceOf(Float32Array);
      expect(found).toEqual(embedding);
    });

    test('keeps numbers at the edge of float32', async () => {
      const cache = create();
      const embedding = vectorOf(dimensions, 0);
      embedding.set([-0, 1.401298464324817e-45, 3.4028234663852886e38, -1e-38]);
      await cache.set(keyOf('a'), embedding);
      expect(await cache.get(keyOf('a'))).toEqual(embedding);
    });

    test('takes a vector that is part of a larger buffer', async () => {
      const cache = create();
      const large = vectorOf(dimensions + 8, 5);
      const part = large.subarray(3, 3 + dimensions);
      await cache.set(keyOf('a'), part);
      expect(await cache.get(keyOf('a'))).toEqual(Float32Array.from(part));
    });

    test('keeps keys apart', async () => {
      const cache = create();
      const words = ['a', 'b', 'c', 'd'];
      await Promise.all(
        words.map((word, index) => cache.set(keyOf(word), vectorOf(dimensions, index))),
      );
      const found = await Promise.all(words.map((word) => cache.get(keyOf(word))));
      expect(found.map((embedding) => embedding?.[0])).toEqual([0, 1, 2, 3]);
    });

    test('replaces what was there', async () => {
      const cache = create();
      await cache.set(keyOf('a'), vectorOf(dimensions, 1));
      await cache.set(keyOf('a'), vectorOf(dimensions, 2));
      expect((await cache.get(keyOf('a')))?.[0]).toBe(2);
    });
  });
}
