import { describe, expect, test } from 'vitest';
import { cacheKey } from '../../../shared/prompt-embedding/cache-key.ts';
import {
  createMemoryEmbeddingCache,
  type EmbeddingCache,
} from '../../../shared/prompt-embedding/embedding-cache.ts';
import { createPromptEmbedding } from '../../../shared/prompt-embedding/prompt-embedding.ts';

type Setup = {
  readonly embed?: (text: string) => Promise<Float32Array>;
  readonly caches?: readonly EmbeddingCache[];
  readonly keySecret?: string;
};

function start({ embed, caches = [createMemoryEmbeddingCache(10)], keySecret }: Setup = {}) {
  const calls: string[] = [];
  const work: Promise<unknown>[] = [];
  const getPromptEmbedding = createPromptEmbedding({
    embedder: {
      id: 'fake/1',
      embed: async (text) => {
        calls.push(text);
        return (await embed?.(text)) ?? Float32Array.of(text.length, 1);
      },
    },
    caches,
    dimensions: 2,
    ...(keySecret !== undefined && { keySecret }),
    inBackground: (one) => work.push(one()),
  });
  return { getPromptEmbedding, calls, settle: () => Promise.all(work) };
}

describe('getPromptEmbedding', () => {
  test('calls once for a text, and then finds it', async () => {
    const { getPromptEmbedding, calls, settle } = start();
    const embedding = Float32Array.of(3, 1);
    expect(await getPromptEmbedding('ask')).toEqual({ embedding, cache: 'miss' });
    await settle();
    expect(await getPromptEmbedding('ask')).toEqual({ embedding, cache: 'hit' });
    expect(calls).toEqual(['ask']);
  });

  test('shares one call among concurrent requests, but not with another text', async () => {
    const { getPromptEmbedding, calls } = start();
    const found = await Promise.all(['a', 'a', 'b', 'a'].map((text) => getPromptEmbedding(text)));
    expect(calls).toEqual(['a', 'b']);
    expect(found.map(({ cache }) => cache)).toEqual(['miss', 'miss', 'miss', 'miss']);
  });

  test('throws the failure of a shared call to each request, and calls again for the next', async () => {
    let failures = 1;
    const { getPromptEmbedding, calls } = start({
      embed: async () => {
        failures -= 1;
        if (failures >= 0) throw new Error('busy');
        return Float32Array.of(1, 2);
      },
    });
    const results = await Promise.allSettled([getPromptEmbedding('a'), getPromptEmbedding('a')]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await getPromptEmbedding('a')).toMatchObject({ cache: 'miss' });
    expect(calls).toHaveLength(2);
  });

  test.each([0, 1, 3])(
    'refuses an embedding of %d dimensions and keeps it nowhere',
    async (length) => {
      const cache = createMemoryEmbeddingCache(10);
      const { getPromptEmbedding, settle } = start({
        caches: [cache],
        embed: async () => new Float32Array(length),
      });
      await expect(getPromptEmbedding('a')).rejects.toThrow(
        `gave ${length} dimensions; the scorer takes 2`,
      );
      await settle();
      expect(await cache.get(cacheKey('fake/1', 'a'))).toBeUndefined();
    },
  );

  test('refuses an embedding with a value that is not a number', async () => {
    const { getPromptEmbedding } = start({ embed: async () => Float32Array.of(1, Number.NaN) });
    await expect(getPromptEmbedding('a')).rejects.toThrow();
  });

  test('fills an earlier cache from a later one', async () => {
    const [first, second] = [createMemoryEmbeddingCache(10), createMemoryEmbeddingCache(10)];
    const key = cacheKey('fake/1', 'a');
    await second.set(key, Float32Array.of(7, 8));
    const { getPromptEmbedding, calls, settle } = start({ caches: [first, second] });
    expect(await getPromptEmbedding('a')).toEqual({
      embedding: Float32Array.of(7, 8),
      cache: 'hit',
    });
    await settle();
    expect(await first.get(key)).toEqual(Float32Array.of(7, 8));
    expect(calls).toEqual([]);
  });

  test('asks no later cache after a hit', async () => {
    const first = createMemoryEmbeddingCache(10);
    await first.set(cacheKey('fake/1', 'a'), Float32Array.of(1, 2));
    const never: EmbeddingCache = {
      get: () => expect.unreachable('A later cache was asked.'),
      set: () => expect.unreachable('A later cache was filled.'),
    };
    const { getPromptEmbedding } = start({ caches: [first, never] });
    expect(await getPromptEmbedding('a')).toMatchObject({ cache: 'hit' });
  });

  test('fills every cache after a miss, without a wait', async () => {
    const slow: EmbeddingCache = {
      get: async () => undefined,
      set: () => new Promise(() => undefined),
    };
    const memory = createMemoryEmbeddingCache(10);
    const { getPromptEmbedding } = start({ caches: [slow, memory] });
    expect(await getPromptEmbedding('a')).toMatchObject({ cache: 'miss' });
    expect(await memory.get(cacheKey('fake/1', 'a'))).toEqual(Float32Array.of(1, 1));
  });

  test('keeps texts under keys that need the secret', async () => {
    const memory = createMemoryEmbeddingCache(10);
    const { getPromptEmbedding, settle } = start({ caches: [memory], keySecret: 'secret' });
    await getPromptEmbedding('a');
    await settle();
    expect(await memory.get(cacheKey('fake/1', 'a'))).toBeUndefined();
    expect(await memory.get(cacheKey('fake/1', 'a', 'secret'))).toBeDefined();
  });
});
