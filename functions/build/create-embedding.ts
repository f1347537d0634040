import type { TokenCredential } from '@azure/identity';
import type { Background } from '../../shared/base/background.ts';
import type { Log } from '../../shared/base/log.ts';
import { createAzureEmbedder } from '../../shared/prompt-embedding/azure-embedder.ts';
import { createMemoryEmbeddingCache } from '../../shared/prompt-embedding/embedding-cache.ts';
import { createFailureCounter } from '../../shared/prompt-embedding/failure-counter.ts';
import { guardEmbedder } from '../../shared/prompt-embedding/guard-embedder.ts';
import { loadLocalEmbedder } from '../../shared/prompt-embedding/local-embedder.ts';
import {
  createPromptEmbedding,
  type GetPromptEmbedding,
} from '../../shared/prompt-embedding/prompt-embedding.ts';
import { createTableEmbeddingCache } from '../../shared/prompt-embedding/table-embedding-cache.ts';
import type { Config } from '../../shared/settings/config.ts';
import type { CallLimits } from '../../shared/storage/call-limits.ts';
import { createTableClient } from '../../shared/storage/tables.ts';
import { type Circuit, createCircuit } from '../../shared/upstream/circuit.ts';
import { needsToken } from '../../shared/upstream/deployment.ts';
import type { GetToken } from '../../shared/upstream/entra-token.ts';

type EmbeddingOptions = {
  readonly config: Config;
  /** The dimensions that the scorer takes. */
  readonly dimensions: number;
  readonly getToken: GetToken;
  readonly loadCredential: () => Promise<TokenCredential>;
  readonly callLimits: CallLimits;
  readonly background: Background;
  readonly log: Log;
};

/** Failures that open the circuit. Each took all of its time or two tries, so few are enough. */
const FAILURES = 2;

export type Embedding = {
  readonly getPromptEmbedding: GetPromptEmbedding;
  /** The circuit around the embedder. Absent: it is the local one. */
  readonly embeddingCircuit?: Circuit;
  /** Loads and connects everything that the first request would have to wait for. */
  readonly warm: () => Promise<unknown>;
};

/**
 * Builds the embedder that the scorer was trained with, and its caches. Throws a ConfigError if the
 * files of the local embedder cannot be read.
 */
export async function createEmbedding(options: EmbeddingOptions): Promise<Embedding> {
  const { config, dimensions, background, log } = options;
  const { embedding, embeddingCache, scorer, tables } = config;
  // Computing a local embedding is faster than any cache.
  if (config.isLocalEmbedder || embedding === undefined) {
    const { embed } = await loadLocalEmbedder();
    return {
      getPromptEmbedding: (text) => ({ embedding: embed(text), cache: 'none' }),
      warm: async () => undefined,
    };
  }
  const memory = createMemoryEmbeddingCache(embeddingCache.maxEntries);
  const table =
    tables &&
    createTableEmbeddingCache({
      // Nothing is lost with an embedding that is not kept, so that writes need not pile up.
      loadClient: () =>
        createTableClient(tables, embeddingCache.table, {
          loadCredential: options.loadCredential,
          limit: options.callLimits.ofRequests,
        }),
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
  const circuit = createCircuit(embedding.name, {
    circuitFailures: Math.min(FAILURES, config.limits.circuitFailures),
    circuitOpenMs: config.limits.circuitOpenMs,
  });
  const getPromptEmbedding = createPromptEmbedding({
    embedder: guardEmbedder(embedder, circuit),
    caches: table === undefined ? [memory] : [memory, table],
    dimensions,
    ...(embeddingCache.keySecret !== undefined && { keySecret: embeddingCache.keySecret }),
    inBackground: background.run,
  });
  return {
    getPromptEmbedding,
    embeddingCircuit: circuit,
    // Getting the first token can take longer than the timeout of an embedding.
    warm: () =>
      Promise.all([embedder.warm(), table?.probe(), needsToken(embedding) && options.getToken()]),
  };
}
