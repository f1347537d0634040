import type { TokenCredential } from '@azure/identity';
import type { Background } from '../../shared/base/background.ts';
import type { Log } from '../../shared/base/log.ts';
import { createEntryHandlers, type EntryHandlers } from '../../shared/handlers/entry-handlers.ts';
import type { HeldOutScores } from '../../shared/matrix-factorization/held-out-scores.ts';
import {
  type CheckDeployment,
  checkOneIsLeft,
  checkPrices,
  createCheckDeployment,
} from '../../shared/registry/check-entries.ts';
import { createCredentials } from '../../shared/registry/credentials.ts';
import type { DeploymentDefinition, UseCaseDefinition } from '../../shared/registry/definitions.ts';
import { describeScoredAs } from '../../shared/registry/describe-scored-as.ts';
import { createEditor } from '../../shared/registry/edit-entries.ts';
import type { Fleet } from '../../shared/registry/fleet.ts';
import { createFleetKeeper, type SettingsDeployment } from '../../shared/registry/fleet-keeper.ts';
import { createReadSecret } from '../../shared/registry/key-vault-secrets.ts';
import { type ProbeReport, probeDeployment } from '../../shared/registry/probe-deployment.ts';
import { createRegistryStore, type RegistryStore } from '../../shared/registry/registry-store.ts';
import { createFindScoredAs, type FindScoredAs } from '../../shared/registry/score-deployment.ts';
import { toDefinition, toDeployment } from '../../shared/registry/to-deployment.ts';
import { type RegistryState, watchRegistry } from '../../shared/registry/watch-registry.ts';
import type { Config } from '../../shared/settings/config.ts';
import type { CallLimits, LimitCall } from '../../shared/storage/call-limits.ts';
import type { PurgeJob } from '../../shared/storage/purge-expired.ts';
import { createTableClient } from '../../shared/storage/tables.ts';
import type { CheckEndpoint } from '../../shared/upstream/check-endpoint.ts';
import type { Deployment } from '../../shared/upstream/deployment.ts';
import type { Upstream } from '../../shared/upstream/upstream.ts';

type RegistryOptions = {
  readonly config: Config;
  readonly createUpstream: (deployment: Deployment) => Upstream;
  readonly checkEndpoint: CheckEndpoint;
  readonly heldOutScores: HeldOutScores | undefined;
  /** Returns the USD that a use case has spent today. */
  readonly spentToday: (useCase: string) => number;
  readonly loadCredential: () => Promise<TokenCredential>;
  readonly background: Background;
  readonly callLimits: CallLimits;
  readonly log: Log;
};

export type Registry = {
  readonly getFleet: () => Fleet;
  readonly deployments: EntryHandlers;
  readonly useCases: EntryHandlers;
  readonly state: () => RegistryState;
  /** True once the registry has been read, and without tables. */
  readonly isRead: () => boolean;
  /** Throws if the tables do not answer. Absent: no tables are configured. */
  readonly probeTables?: () => Promise<void>;
  /** Puts the registry in force, waits for that at most START_MS, and watches it for changes. */
  readonly start: () => Promise<void>;
  readonly purgeJobs: readonly PurgeJob[];
};

/** The most time that reading the registry may add to a cold start; a slower read comes into force later. */
const START_MS = 2_000;

/** Builds the registry: the deployments of the settings, and the changes that are made while the app runs. */
export function createRegistry(options: RegistryOptions): Registry {
  const { config, createUpstream, checkEndpoint, background, log } = options;
  const { entry } = config.scorer;
  const { registry } = config;
  const own = settingsOf(config);
  const settings = new Map(own.map((one) => [one.deployment.name, one.deployment]));
  const findScoredAs = createFindScoredAs(entry, own);
  const credentials = createCredentials({
    upstreamKeys: registry.upstreamKeys,
    settings,
    secrets: registry.keyVault?.secrets ?? [],
    // Without a vault no secret can be named.
    readSecret: createReadSecret(registry.keyVault?.url ?? '', options.loadCredential),
  });

  async function resolve(name: string, definition: DeploymentDefinition): Promise<Deployment> {
    checkEndpoint(definition.endpoint);
    const apiKey = await credentials.resolve(name, definition);
    return toDeployment(name, definition, { ofSettings: settings.get(name), apiKey });
  }

  const keeper = createFleetKeeper({
    settings: own,
    createUpstream,
    resolve,
    findScoredAs,
    strengthOf: options.heldOutScores?.mean,
  });
  const { inBackground, ofRequests } = options.callLimits;
  const store = createStore(options, inBackground);
  const watcher =
    store &&
    watchRegistry({ ...registry, store, startMs: START_MS, apply: keeper.apply, background, log });
  const shared = {
    store: createStore(options, ofRequests),
    onWritten: async () => watcher?.refresh(),
    log,
  };
  const handlers = createEntries(
    options,
    { own, shared, getFleet: keeper.current, findScoredAs },
    {
      check: createCheckDeployment({
        checkEndpoint,
        credentials,
        settings,
        scorer: entry,
        findScoredAs,
      }),
      probe: async (name, definition) =>
        probeDeployment(createUpstream, () => resolve(name, definition)),
    },
  );
  return {
    ...handlers,
    getFleet: keeper.current,
    state: () => watcher?.state() ?? { state: 'not-used', problems: [] },
    isRead: () => watcher?.state().state !== 'unread',
    ...(store && { probeTables: store.probe }),
    start: async () => watcher?.start(),
    purgeJobs: store
      ? [{ what: 'registry', retentionDays: registry.retentionDays, purge: store.purge }]
      : [],
  };
}

function settingsOf(config: Config): readonly SettingsDeployment[] {
  return (['strong', 'weak'] as const).map((tier) => ({
    tier,
    deployment: config[tier],
    scoredAs: config.scorer.scoredAs[tier],
    price: config.registry.prices[tier],
  }));
}

function createStore(
  { config, loadCredential }: RegistryOptions,
  limit: LimitCall,
): RegistryStore | undefined {
  const { tables, registry } = config;
  return (
    tables &&
    createRegistryStore({
      loadClient: () => createTableClient(tables, registry.table, { loadCredential, limit }),
    })
  );
}

type Shared = {
  readonly own: readonly SettingsDeployment[];
  readonly shared: Pick<Parameters<typeof createEditor>[0], 'store' | 'onWritten' | 'log'>;
  readonly getFleet: () => Fleet;
  readonly findScoredAs: FindScoredAs;
};

type DeploymentChecks = {
  readonly check: CheckDeployment;
  readonly probe: (name: string, definition: DeploymentDefinition) => Promise<ProbeReport>;
};

function createEntries(
  { spentToday }: RegistryOptions,
  { own, shared, getFleet, findScoredAs }: Shared,
  { check, probe }: DeploymentChecks,
): Pick<Registry, 'deployments' | 'useCases'> {
  const settings = new Map(own.map((one) => [one.deployment.name, toDefinition(one)]));
  const deployments = createEditor({ kind: 'deployment', settings, ...shared });
  const noUseCases = new Map<string, UseCaseDefinition>();
  const useCases = createEditor({ kind: 'use_case', settings: noUseCases, ...shared });

  return {
    deployments: createEntryHandlers({
      kind: 'deployment',
      editor: deployments,
      settings,
      validate: async (name, definition) => {
        if (definition !== undefined) check(name, definition);
        const others = (await deployments.list()).filter((one) => one.name !== name);
        checkOneIsLeft(findScoredAs, [...others, { name, definition }]);
      },
      probe,
      describe: (name, definition) => describeScoredAs(findScoredAs(name, definition)),
    }),
    useCases: createEntryHandlers({
      kind: 'use_case',
      editor: useCases,
      settings: noUseCases,
      validate: async (_, definition) => checkPrices(getFleet(), definition),
      describe: (name) => ({ spent_today: spentToday(name) }),
    }),
  };
}
