import type { TokenCredential } from '@azure/identity';
import { type Background, createBackground } from '../../shared/base/background.ts';
import { errorKind, type Log } from '../../shared/base/log.ts';
import type { Telemetry } from '../../shared/calls/telemetry.ts';
import type { DecisionHandlers } from '../../shared/handlers/decision-handlers.ts';
import { createReadiness, type Readiness } from '../../shared/handlers/readiness.ts';
import type { ThreadHandlers } from '../../shared/handlers/thread-handlers.ts';
import type { VectorStoreHandlers } from '../../shared/handlers/vector-store-handlers.ts';
import { loadHeldOutScores } from '../../shared/matrix-factorization/held-out-scores.ts';
import { load, type Scorer } from '../../shared/matrix-factorization/scorer.ts';
import type { Config } from '../../shared/settings/config.ts';
import { createPurgeExpired } from '../../shared/storage/purge-expired.ts';
import { createCheckEndpoint } from '../../shared/upstream/check-endpoint.ts';
import { createUpstreams } from '../../shared/upstream/create-upstreams.ts';
import { needsToken } from '../../shared/upstream/deployment.ts';
import { createAzureCredential, createTokenProvider } from '../../shared/upstream/entra-token.ts';
import type { Upstream } from '../../shared/upstream/upstream.ts';
import { azureTextEmbedder } from '../../shared/vector-stores/azure-text-embedder.ts';
import { foldEmbedding } from '../../shared/vector-stores/fold-embedding.ts';
import { createKnnScorer } from '../../shared/vector-stores/knn-scorer.ts';
import { LOCAL_TEXT_EMBEDDER } from '../../shared/vector-stores/local-text-embedder.ts';
import type { SimilarOutcomes } from '../../shared/vector-stores/similar-outcomes.ts';
import { createEmbedding } from './create-embedding.ts';
import { createHandlers, type Handlers, type Parts } from './create-handlers.ts';
import { createKept, createRegistryAndSpending } from './create-kept.ts';
import type { Registry } from './create-registry.ts';

/** What the routes and the timer do. */
export type Services = Handlers & {
  readonly registry: Registry;
  readonly threads: ThreadHandlers;
  readonly vectorStores: VectorStoreHandlers;
  readonly decisions: DecisionHandlers;
  readonly createRequestId: (invocationId: string) => string;
  readonly embedding?: Upstream;
  /** Absent: nobody is told. */
  readonly telemetry?: Telemetry;
  readonly checkReadiness: () => Promise<Readiness>;
  readonly purgeExpired: () => Promise<void>;
  readonly background: Background;
  /** Does beforehand what the first requests would have to wait for. */
  readonly warm: () => void;
  /** Keeps what must not be lost. */
  readonly finish: () => Promise<void>;
};

/** Builds everything. Throws a ConfigError for what is wrong with the scorer's files. */
export async function createServices(config: Config, log: Log): Promise<Services> {
  const background = createBackground((error) =>
    log('warning', 'background-work-failed', { error: errorKind(error) }),
  );
  const loadCredential = createAzureCredential();
  const getToken = createTokenProvider(loadCredential);
  const checkEndpoint = endpointCheckOf(config);
  const createUpstream = createUpstreams(getToken, { ...config.limits, checkEndpoint });
  const { entry } = config.scorer;
  const heldOutScores = await loadHeldOutScores(entry, config.modelsFolder);
  const common = { config, getToken, loadCredential, background, log };
  const { registry, spending, purgeJobs } = createRegistryAndSpending({
    ...common,
    createUpstream,
    checkEndpoint,
    heldOutScores,
  });
  const kept = createKept(common);
  const { threads, vectorStores, decisions } = kept;
  // At once: the word vectors and the registry are read while the scorer is made ready.
  const [prompts, scorer, telemetry] = await Promise.all([
    createEmbedding({ ...common, dimensions: entry.dimensions }),
    loadScorer(config, vectorStores.outcomes, log),
    loadTelemetry(config, loadCredential, log),
    registry.start(),
  ]);
  spending.start();
  decisions.log.start();
  const embedding = config.embedding && createUpstream(config.embedding);
  const parts = {
    config,
    log,
    registry,
    spending,
    prompts,
    scorer,
    heldOutScores,
    embedding,
    background,
    threads,
    decisions,
    ...(vectorStores.outcomes && { outcomes: vectorStores.outcomes }),
  };
  return {
    ...createHandlers(parts),
    registry,
    threads: threads.handlers,
    vectorStores: vectorStores.handlers,
    decisions: decisions.handlers,
    createRequestId: decisions.log.ids.create,
    ...(embedding && { embedding }),
    ...(telemetry && { telemetry }),
    checkReadiness: createCheckReadiness(parts),
    purgeExpired: createPurgeExpired([...purgeJobs, ...kept.purgeJobs], log),
    background,
    warm: () => {
      background.run(prompts.warm());
      if ([config.strong, config.weak].some(needsToken)) background.run(getToken());
    },
    finish: async () => {
      await Promise.all([spending.sync(), kept.finish(), telemetry?.flush()]);
    },
  };
}

/** With the votes of recorded outcomes, if they are wished. */
async function loadScorer(
  { scorer, modelsFolder, isKnn, isLocalEmbedder, embedding }: Config,
  outcomes: SimilarOutcomes | undefined,
  log: Log,
): Promise<Scorer> {
  const base = await load(scorer.entry, modelsFolder);
  if (!isKnn) return base;
  const embedder = isLocalEmbedder
    ? LOCAL_TEXT_EMBEDDER
    : azureTextEmbedder(embedding?.modelName ?? '');
  return createKnnScorer({
    base,
    log,
    findNearest: async (one, limit) =>
      outcomes?.ofEmbedding(embedder, isLocalEmbedder ? foldEmbedding(one) : one, limit),
  });
}

/** Its packages are loaded where somebody is to be told. */
async function loadTelemetry(
  { telemetry: settings }: Config,
  loadCredential: () => Promise<TokenCredential>,
  log: Log,
): Promise<Telemetry | undefined> {
  if (settings === undefined) return undefined;
  const { createTelemetry } = await import('../../shared/telemetry/create-telemetry.ts');
  return createTelemetry({ settings, loadCredential, log });
}

function createCheckReadiness(parts: Parts): () => Promise<Readiness> {
  const { config, registry, prompts, scorer, embedding } = parts;
  const { embeddingCircuit, probeTables } = prompts;
  return createReadiness({
    scorer: scorer.name,
    embedder: config.scorer.entry.embedder,
    ...(probeTables && { probeTables }),
    // The local embedder answers always; another one is a deployment that may be down.
    ...(embedding && !config.isLocalEmbedder && { embedding }),
    ...(embeddingCircuit && { embeddingCircuit }),
    getRegistry: registry.state,
    getDeployments: () => enabledUpstreams(registry),
  });
}

/** The chat deployments that can be called now. */
export function enabledUpstreams({ getFleet }: Registry): readonly Upstream[] {
  return getFleet()
    .members.filter(({ isEnabled }) => isEnabled)
    .map(({ upstream }) => upstream);
}

function endpointCheckOf({ strong, weak, embedding, allowedHosts }: Config) {
  const configured = [strong, weak, ...(embedding ? [embedding] : [])];
  const endpoints = configured.map(({ endpoint }) => endpoint);
  return createCheckEndpoint({ endpoints, allowed: allowedHosts });
}
