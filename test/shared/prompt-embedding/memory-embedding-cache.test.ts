import { expect, test } from 'vitest';
import { createMemoryEmbeddingCache } from '../../../shared/prompt-embedding/embedding-cache.ts';
import { describeEmbeddingCache, vectorOf } from '../../contracts/embedding-cache-contract.ts';

describeEmbeddingCache('the memory', {
  create: () => createMemoryEmbeddingCache(100),
  dimensions: 8,
});

test('the cache in memory drops the least recently used embedding', async () => {
  const cache = createMemoryEmbeddingCache(2);
  await cache.set('a', vectorOf(2, 1));
  await cache.set('b', vectorOf(2, 2));
  await cache.get('a');
  await cache.set('c', vectorOf(2, 3));
  expect(await cache.get('a')).toBeDefined();
  expect(await cache.get('b')).toBeUndefined();
  expect(await cache.get('c')).toBeDefined();
});
