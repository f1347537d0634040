import type { TokenCredential } from '@azure/identity';
import type { Background } from '../../shared/base/background.ts';
import type { Log } from '../../shared/base/log.ts';
import { createAzureEmbedder } from '../../shared/prompt-embedding/azure-embedder.ts';
import type { RemoteEmbedder } from '../../shared/prompt-embedding/embedders.ts';
import { createMemoryEmbeddingCache } from '../../shared/prompt-embedding/embedding-cache.ts';
import {
  ENCODER_EMBEDDER,
  insertSentence,
  SENTENCE_DIMENSIONS,
} from '../../shared/prompt-embedding/encoder-embedder.ts';
import { createFailureCounter } from '../../shared/prompt-embedding/failure-counter.ts';
import { guardEmbedder } from '../../shared/prompt-embedding/guard-embedder.ts';
import { LOCAL_EMBEDDER, loadLocalEmbedder } from '../../shared/prompt-embedding/local-embedder.ts';
import {
  createPromptEmbedding,
  type GetPromptEmbedding,
} from '../../shared/prompt-embedding/prompt-embedding.ts';
import { readPrompt } from '../../shared/prompt-embedding/prompt-words.ts';
import { createTableEmbeddingCache } from '../../shared/prompt-embedding/table-embedding-cache.ts';
import type { Config } from '../../shared/settings/config.ts';
import type { CallLimits } from '../../shared/storage/call-limits.ts';
import { createTableClient } from '../../shared/storage/tables.ts';
import { type Circuit, createCircuit } from '../../shared/upstream/circuit.ts';
import { type Deployment, needsToken } from '../../shared/upstream/deployment.ts';
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
 * files of an embedder of this process cannot be read.
 */
export async function createEmbedding(options: EmbeddingOptions): Promise<Embedding> {
  const { embedding, scorer } = options.config;
  const { embedder } = scorer.entry;
  if (embedder === ENCODER_EMBEDDER.id) return await createEncoderEmbedding(options);
  if (embedder !== LOCAL_EMBEDDER.id && embedding !== undefined) {
    return createAzureEmbedding(options, embedding);
  }
  // Computing a local embedding is faster than any cache.
  const { embed } = await loadLocalEmbedder();
  return {
    getPromptEmbedding: (text) => ({ embedding: embed(text), cache: 'none' }),
    warm: async () => undefined,
  };
}

function createAzureEmbedding(options: EmbeddingOptions, deployment: Deployment): Embedding {
  const { config, dimensions, getToken } = options;
  const embedder = createAzureEmbedder({
    deployment,
    id: config.scorer.entry.embedder,
    getToken,
    timeoutMs: config.limits.embeddingTimeoutMs,
  });
  const { warm, ...cached } = createCachedEmbedding(options, {
    embedder,
    name: deployment.name,
    dimensions,
  });
  return {
    ...cached,
    // Getting the first token can take longer than the timeout of an embedding.
    warm: () => Promise.all([embedder.warm(), warm(), needsToken(deployment) && getToken()]),
  };
}

/** Only the sentence is cached: the other numbers take less time than a table. */
async function createEncoderEmbedding(options: EmbeddingOptions): Promise<Embedding> {
  const timeoutMs = options.config.limits.embeddingTimeoutMs;
  const { keepEncoding } = await import('../../shared/sentence-encoder/keep-encoding.ts');
  const { startEncoderThread } = await import('../../shared/sentence-encoder/encoder-thread.ts');
  const [local, encoder] = await Promise.all([
    loadLocalEmbedder(),
    keepEncoding(
      (onEnd) => startEncoderThread({ modelsFolder: 'models', timeoutMs, onEnd }),
      timeoutMs,
    ),
  ]);
  const sentences = createCachedEmbedding(options, {
    embedder: { id: ENCODER_EMBEDDER.id, embed: encoder.encode },
    name: ENCODER_EMBEDDER.id,
    dimensions: SENTENCE_DIMENSIONS,
  });
  return {
    ...sentences,
    getPromptEmbedding: async (text) => {
      const found = sentences.getPromptEmbedding(readPrompt(text));
      // Computed while the encoder works.
      const embedding = local.embed(text);
      const { embedding: sentence, cache } = await found;
      return { embedding: insertSentence(embedding, sentence), cache };
    },
  };
}

type CachedEmbedder = {
  readonly embedder: RemoteEmbedder;
  /** The name of its circuit. */
  readonly name: string;
  readonly dimensions: number;
};

/** Puts caches before an embedder and a circuit around it. */
function createCachedEmbedding(
  { config, loadCredential, callLimits, background, log }: EmbeddingOptions,
  { embedder, name, dimensions }: CachedEmbedder,
) {
  const { embeddingCache, tables, limits } = config;
  const memory = createMemoryEmbeddingCache(embeddingCache.maxEntries);
  const table =
    tables &&
    createTableEmbeddingCache({
      // Nothing is lost with an embedding that is not kept, so that writes need not pile up.
      loadClient: () =>
        createTableClient(tables, embeddingCache.table, {
          loadCredential,
          limit: callLimits.ofRequests,
        }),
      dimensions,
      timeoutMs: embeddingCache.timeoutMs,
      onFailure: createFailureCounter(log),
    });
  const circuit = createCircuit(name, {
    circuitFailures: Math.min(FAILURES, limits.circuitFailures),
    circuitOpenMs: limits.circuitOpenMs,
  });
  const getPromptEmbedding = createPromptEmbedding({
    embedder: guardEmbedder(embedder, circuit),
    caches: table === undefined ? [memory] : [memory, table],
    dimensions,
    ...(embeddingCache.keySecret !== undefined && { keySecret: embeddingCache.keySecret }),
    inBackground: (work) => void background.run('embedding cache', work),
  });
  return {
    getPromptEmbedding,
    embeddingCircuit: circuit,
    warm: async () => table?.probe(),
  };
}
