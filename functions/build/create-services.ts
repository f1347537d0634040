import type { TokenCredential } from '@azure/identity';
import { createRateLimits, type RateLimits } from '../../shared/access/rate-limits.ts';
import { type Background, createBackground } from '../../shared/base/background.ts';
import type { Log } from '../../shared/base/log.ts';
import type { Telemetry } from '../../shared/calls/telemetry.ts';
import { createReadiness, type Readiness } from '../../shared/handlers/readiness.ts';
import { loadHeldOutScores } from '../../shared/matrix-factorization/held-out-scores.ts';
import type { Config } from '../../shared/settings/config.ts';
import { createCallLimits } from '../../shared/storage/call-limits.ts';
import { createPurgeExpired } from '../../shared/storage/purge-expired.ts';
import { createCheckEndpoint } from '../../shared/upstream/check-endpoint.ts';
import { createUpstreams } from '../../shared/upstream/create-upstreams.ts';
import { needsToken } from '../../shared/upstream/deployment.ts';
import {
  createAzureCredential,
  createTokenProvider,
  type GetToken,
} from '../../shared/upstream/entra-token.ts';
import type { Upstream } from '../../shared/upstream/upstream.ts';
import { createCalibration } from './create-calibration.ts';
import { createHandlers, type Handlers, type Parts } from './create-handlers.ts';
import { createKept, type Kept } from './create-kept.ts';
import type { Registry } from './create-registry.ts';
import { createScoring } from './create-scoring.ts';
import { createRegistryAndSpending } from './create-spending.ts';

/** The parts of the router that routes are bound to. */
export type RouteServices = {
  readonly handlers: Handlers;
  readonly registry: Registry;
  readonly kept: Kept;
  readonly embedding: Upstream | undefined;
  readonly checkReadiness: () => Promise<Readiness>;
};

export type Services = {
  readonly forRoutes: RouteServices;
  readonly createRequestId: (invocationId: string) => string;
  /** Absent: no exporter is configured. */
  readonly telemetry: Telemetry | undefined;
  readonly rateLimits: RateLimits;
  /** Returns the kinds of records that could not be purged. */
  readonly purgeExpired: () => Promise<readonly string[]>;
  readonly background: Background;
  /** Has the readiness say that this instance takes no more requests. */
  readonly drain: () => void;
  /** Does beforehand the work that the first requests would have to wait for. */
  readonly warm: () => void;
  /** Writes everything that must not be lost. */
  readonly finish: () => Promise<void>;
};

/** Builds everything. Throws a ConfigError if a file of the scorer cannot be used. */
export async function createServices(config: Config, log: Log): Promise<Services> {
  const background = createBackground(log);
  let isDraining = false;
  const loadCredential = createAzureCredential();
  const getToken = createTokenProvider(loadCredential);
  const checkEndpoint = endpointCheckOf(config);
  const createUpstream = createUpstreams(getToken, { ...config.limits, checkEndpoint });
  const heldOutScores = await loadHeldOutScores(config.scorer.entry, config.modelsFolder);
  const callLimits = createCallLimits({
    timeoutMs: config.limits.storageTimeoutMs,
    maxCalls: config.limits.maxStorageCalls,
  });
  const rateLimits = createRateLimits(config.rateLimits);
  const { countTokens } = rateLimits;
  const common = { config, getToken, loadCredential, callLimits, background, countTokens, log };
  const { registry, spending, purgeJobs } = createRegistryAndSpending({
    ...common,
    createUpstream,
    checkEndpoint,
    heldOutScores,
  });
  const kept = createKept(common);
  const { outcomes } = kept.vectorStores;
  const { decisions } = kept;
  const calibration = createCalibration({ ...common, heldOutScores, decisions });
  // Concurrently: the registry is read while the scorer is made ready.
  const [scoring, telemetry] = await Promise.all([
    createScoring({ ...common, outcomes }),
    loadTelemetry(common),
    // The budgets to read are the registry's.
    registry.start().then(spending.start),
    calibration.start(),
  ]);
  warnOfStandIns(registry, log);
  decisions.log.start();
  const embedding = config.embedding && createUpstream(config.embedding);
  const parts = {
    config,
    log,
    background,
    countTokens,
    registry,
    spending,
    kept,
    scoring,
    calibration,
    embedding,
  };
  return {
    forRoutes: {
      handlers: createHandlers(parts),
      registry,
      kept,
      embedding,
      checkReadiness: createCheckReadiness(parts, () => isDraining),
    },
    createRequestId: kept.decisions.log.ids.create,
    telemetry,
    rateLimits,
    purgeExpired: createPurgeExpired([...purgeJobs, ...kept.purgeJobs], { background, log }),
    background,
    drain: () => {
      isDraining = true;
    },
    warm: () => warmUp(parts, getToken),
    finish: async () => {
      await Promise.all([spending.sync(), kept.finish(), calibration.finish(), telemetry?.flush()]);
    },
  };
}

/** Makes the embedder ready, and fetches the token that the first call to a deployment needs. */
function warmUp({ config, background, scoring }: Parts, getToken: GetToken): void {
  void background.run('warm-up', async () => {
    await Promise.all([
      scoring.prompts.warm(),
      [config.strong, config.weak].some(needsToken) && getToken(),
    ]);
  });
}

type TelemetryOptions = {
  readonly config: Config;
  readonly loadCredential: () => Promise<TokenCredential>;
  readonly background: Background;
};

/** Says at the start which deployments are scored as other models. */
function warnOfStandIns({ getFleet }: Registry, log: Log): void {
  for (const { upstream, scoredAs } of getFleet().members) {
    if (!scoredAs?.isStandIn) continue;
    const { name: deployment, modelName } = upstream.deployment;
    const { model, why } = scoredAs;
    log('warning', 'scored-as-stand-in', { deployment, model: modelName, scoredAs: model, why });
  }
}

/** Loads the telemetry packages only if an exporter is configured. */
async function loadTelemetry({
  config: { telemetry: settings },
  loadCredential,
  background,
}: TelemetryOptions): Promise<Telemetry | undefined> {
  if (settings === undefined) return undefined;
  const { createTelemetry } = await import('../../shared/telemetry/create-telemetry.ts');
  return createTelemetry({ settings, loadCredential, background });
}

function createCheckReadiness(parts: Parts, isDraining: () => boolean): () => Promise<Readiness> {
  const { config, registry, scoring, embedding, background } = parts;
  const { embeddingCircuit } = scoring.prompts;
  const { probeTables } = registry;
  return createReadiness({
    scorer: scoring.scorer.name,
    embedder: config.scorer.entry.embedder,
    ...(probeTables && { probeTables }),
    // An embedder of this process is no deployment that may be down.
    ...(embedding && !config.isOwnEmbedder && { embedding }),
    ...(embeddingCircuit && { embeddingCircuit }),
    getRegistry: registry.state,
    getDeployments: () => enabledUpstreams(registry),
    getJobs: background.states,
    isDraining,
    getScoredAs: (name) =>
      registry.getFleet().members.find(({ upstream }) => upstream.deployment.name === name)
        ?.scoredAs,
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
