import type { TokenCredential } from '@azure/identity';
import type { Background } from '../background.ts';
import type { Config } from '../config.ts';
import type { Log } from '../log.ts';
import type { GetToken } from '../upstream/entra-token.ts';
import { createTableClient } from '../upstream/tables.ts';
import { createAzureEmbedder } from './azure-embedding.ts';
import { createMemoryEmbeddingCache } from './embedding-cache.ts';
import { createFailureCounter } from './failure-counter.ts';
import { loadLocalEmbedder } from './local-embedding.ts';
import { createPromptEmbedding, type GetPromptEmbedding } from './prompt-embedding.ts';
import { createTableEmbeddingCache } from './table-embedding-cache.ts';

type EmbeddingOptions = {
  readonly config: Config;
  /** What the scorer takes. */
  readonly dimensions: number;
  readonly getToken: GetToken;
  readonly loadCredential: () => Promise<TokenCredential>;
  readonly background: Background;
  readonly log: Log;
};

type Embedding = {
  readonly getPromptEmbedding: GetPromptEmbedding;
  /** Absent: no tables are used. */
  readonly probeTables?: () => Promise<void>;
  /** Loads and connects what the first request would have to wait for. */
  readonly warm: () => Promise<unknown>;
};

/**
 * Builds the embedder that the scorer was trained with, and the caches before it. Throws a
 * ConfigError when the files of the local embedder cannot be read.
 */
export async function createEmbedding(options: EmbeddingOptions): Promise<Embedding> {
  const { config, dimensions, background, log } = options;
  const { embedding, embeddingCache, scorer } = config;
  // Computing it takes less time than any cache.
  if (config.isLocalEmbedder || embedding === undefined) {
    const { embed } = await loadLocalEmbedder();
    return {
      getPromptEmbedding: (text) => ({ embedding: embed(text), cache: 'none' }),
      warm: async () => undefined,
    };
  }
  const memory = createMemoryEmbeddingCache(embeddingCache.maxEntries);
  const { tables } = embeddingCache;
  const table =
    tables &&
    createTableEmbeddingCache({
      loadClient: () => createTableClient(tables, embeddingCache.table, options.loadCredential),
      dimensions,
      timeoutMs: embeddingCache.timeoutMs,
      onFailure: createFailureCounter(log),
    });
  const embedder = createAzureEmbedder({
    deployment: embedding,
    id: scorer.entry.embedder,
    getToken: options.getToken,
    timeoutMs: config.limits.embeddingTimeoutMs,
  });
  const getPromptEmbedding = createPromptEmbedding({
    embedder,
    caches: table === undefined ? [memory] : [memory, table],
    dimensions,
    ...(embeddingCache.keySecret !== undefined && { keySecret: embeddingCache.keySecret }),
    inBackground: background.run,
  });
  return {
    getPromptEmbedding,
    ...(table && { probeTables: table.probe }),
    warm: () => Promise.all([embedder.warm(), table?.probe()]),
  };
}
