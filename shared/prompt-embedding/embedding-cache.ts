import { LRUCache } from 'lru-cache';

/** Embeddings by opaque key. What is returned is shared: nobody may write to it. */
export type EmbeddingCache = {
  /** `undefined` is a miss, and so is everything that went wrong. */
  get(key: string): Promise<Float32Array | undefined> | Float32Array | undefined;
  set(key: string, embedding: Float32Array): Promise<void>;
};

/** The last `maxEntries` embeddings used, in this process: 6 KiB each at 1,536 dimensions. */
export function createMemoryEmbeddingCache(maxEntries: number): EmbeddingCache {
  const entries = new LRUCache<string, Float32Array>({ max: maxEntries });
  return {
    get: (key) => entries.get(key),
    set: async (key, embedding) => {
      entries.set(key, embedding);
    },
  };
}
