import type { TokenCredential } from '@azure/identity';
import type { RateLimits } from '../../shared/access/rate-limits.ts';
import {
  createVectorStoreHandlers,
  type VectorStoreHandlers,
} from '../../shared/handlers/vector-store-handlers.ts';
import type { Config } from '../../shared/settings/config.ts';
import type { CallLimits } from '../../shared/storage/call-limits.ts';
import type { PurgeJob } from '../../shared/storage/purge-expired.ts';
import { createTableClient } from '../../shared/storage/tables.ts';
import type { GetToken } from '../../shared/upstream/entra-token.ts';
import { createAzureTextEmbedder } from '../../shared/vector-stores/azure-text-embedder.ts';
import { createLocalTextEmbedder } from '../../shared/vector-stores/local-text-embedder.ts';
import {
  createSimilarOutcomes,
  type SimilarOutcomes,
} from '../../shared/vector-stores/similar-outcomes.ts';
import { createStoreRecords } from '../../shared/vector-stores/store-records.ts';
import type { TextEmbedder } from '../../shared/vector-stores/text-embedder.ts';
import type { VectorEngine } from '../../shared/vector-stores/vector-engine.ts';
import { createVectorStores } from '../../shared/vector-stores/vector-stores.ts';

type Options = {
  readonly config: Config;
  readonly getToken: GetToken;
  readonly countTokens: RateLimits['countTokens'];
  readonly loadCredential: () => Promise<TokenCredential>;
  readonly callLimits: CallLimits;
};

export type VectorStoresPart = {
  readonly handlers: VectorStoreHandlers;
  /** Absent: no vector stores are configured. */
  readonly outcomes?: SimilarOutcomes;
  readonly purgeJobs: readonly PurgeJob[];
  readonly close: () => Promise<void>;
};

/** Builds the vector stores, if an engine and a table are configured. An engine is loaded when it is first used. */
export function createVectorStoresPart(options: Options): VectorStoresPart {
  const { config, loadCredential, callLimits } = options;
  const limit = callLimits.ofRequests;
  const { tables, vectors } = config;
  const engine = createEngine(options);
  const parts = tables &&
    engine && {
      engine,
      embedders: createEmbedders(options),
      records: createStoreRecords(() =>
        createTableClient(tables, vectors.table, { loadCredential, limit }),
      ),
    };
  const stores = parts && createVectorStores(parts);
  return {
    handlers: createVectorStoreHandlers(stores, options.countTokens),
    ...(parts && { outcomes: createSimilarOutcomes(parts) }),
    purgeJobs: stores ? [{ what: 'vector stores', retentionDays: 0, purge: stores.purge }] : [],
    close: async () => engine?.close(),
  };
}

/** The embedding deployment, if one is configured, and the local embedder. */
function createEmbedders({ config, getToken }: Options): readonly TextEmbedder[] {
  const { embedding, limits } = config;
  const local = createLocalTextEmbedder();
  if (embedding === undefined) return [local];
  const timeoutMs = limits.requestTimeoutMs;
  return [createAzureTextEmbedder({ deployment: embedding, getToken, timeoutMs }), local];
}

function createEngine({ config, loadCredential, callLimits }: Options): VectorEngine | undefined {
  const { file, aiSearch } = config.vectors;
  const limit = callLimits.ofRequests;
  if (aiSearch !== undefined) {
    return createLazyEngine(async () => {
      const { createAiSearchEngine } = await import(
        '../../shared/vector-stores/ai-search-engine.ts'
      );
      return createAiSearchEngine({ ...aiSearch, loadCredential, limit });
    });
  }
  if (file === undefined) return undefined;
  return createLazyEngine(async () => {
    const { createSqliteEngine } = await import('../../shared/vector-stores/sqlite-engine.ts');
    return createSqliteEngine(file, limit);
  });
}

/** An engine that is loaded when it is first used, so that chat requests do not wait for it. */
function createLazyEngine(load: () => Promise<VectorEngine>): VectorEngine {
  let loading: Promise<VectorEngine> | undefined;
  const get = () => {
    loading ??= load();
    return loading;
  };
  return {
    upsert: async (...args) => (await get()).upsert(...args),
    get: async (...args) => (await get()).get(...args),
    remove: async (...args) => (await get()).remove(...args),
    search: async (...args) => (await get()).search(...args),
    count: async (...args) => (await get()).count(...args),
    removeStore: async (...args) => (await get()).removeStore(...args),
    close: async () => (await loading)?.close(),
  };
}
