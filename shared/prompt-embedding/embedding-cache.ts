import { LRUCache } from 'lru-cache';

/**
 * A cache of embeddings by opaque key. A returned embedding is shared: callers must not write to
 * it.
 */
export type EmbeddingCache = {
  /** Returns `undefined` after a miss or any failure. */
  get(key: string): Promise<Float32Array | undefined> | Float32Array | undefined;
  /** Throws if the embedding cannot be kept. */
  set(key: string, embedding: Float32Array): Promise<void>;
};

/** Keeps the `maxEntries` embeddings used last in this process: 6 KiB each at 1,536 dimensions. */
export function createMemoryEmbeddingCache(maxEntries: number): EmbeddingCache {
  const entries = new LRUCache<string, Float32Array>({ max: maxEntries });
  return {
    get: (key) => entries.get(key),
    set: async (key, embedding) => {
      entries.set(key, embedding);
    },
  };
}
