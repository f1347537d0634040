import { cacheKey } from './cache-key.ts';
import type { RemoteEmbedder } from './embedders.ts';
import type { EmbeddingCache } from './embedding-cache.ts';

export type PromptEmbedding = {
  readonly embedding: Float32Array;
  /** `none`: the embedder is local and needs no cache. */
  readonly cache: 'hit' | 'miss' | 'none';
};

export type GetPromptEmbedding = (text: string) => Promise<PromptEmbedding> | PromptEmbedding;

type PromptEmbeddingOptions = {
  readonly embedder: RemoteEmbedder;
  /** The caches, asked in order; a hit in a later one fills the earlier ones. */
  readonly caches: readonly EmbeddingCache[];
  /** The dimensions that the scorer takes; an embedding of another length is refused. */
  readonly dimensions: number;
  readonly keySecret?: string;
  /** Takes work that no answer waits for. */
  readonly inBackground: (work: () => Promise<unknown>) => void;
};

/**
 * Finds a prompt's embedding in a cache, else calls the embedder. Concurrent requests for one
 * prompt share the call.
 */
export function createPromptEmbedding(options: PromptEmbeddingOptions): GetPromptEmbedding {
  const { embedder, caches, dimensions, keySecret, inBackground } = options;
  const underWay = new Map<string, Promise<PromptEmbedding>>();

  function keep(some: readonly EmbeddingCache[], key: string, embedding: Float32Array): void {
    inBackground(() => Promise.all(some.map((cache) => cache.set(key, embedding))));
  }

  async function find(key: string): Promise<Float32Array | undefined> {
    for (const [index, cache] of caches.entries()) {
      const embedding = await cache.get(key);
      if (embedding !== undefined) {
        keep(caches.slice(0, index), key, embedding);
        return embedding;
      }
    }
    return undefined;
  }

  async function findOrEmbed(key: string, text: string): Promise<PromptEmbedding> {
    const found = await find(key);
    if (found !== undefined) return { embedding: found, cache: 'hit' };
    const embedding = await embedder.embed(text);
    if (embedding.length !== dimensions) {
      throw new Error(
        `The embedder ${embedder.id} gave ${embedding.length} dimensions; the scorer takes ${dimensions}.`,
      );
    }
    if (!embedding.every(Number.isFinite)) {
      throw new Error(
        `The embedder ${embedder.id} gave an embedding with a value that is not a finite number.`,
      );
    }
    keep(caches, key, embedding);
    return { embedding, cache: 'miss' };
  }

  return (text) => {
    const key = cacheKey(embedder.id, text, keySecret);
    // The first cache is in memory and answers without a wait.
    const known = caches[0]?.get(key);
    if (known instanceof Float32Array) return { embedding: known, cache: 'hit' };
    const shared = underWay.get(key);
    if (shared !== undefined) return shared;
    const started = findOrEmbed(key, text).finally(() => underWay.delete(key));
    underWay.set(key, started);
    return started;
  };
}
