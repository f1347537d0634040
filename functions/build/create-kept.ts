import { randomUUID } from 'node:crypto';
import type { TokenCredential } from '@azure/identity';
import type { Log } from '../../shared/base/log.ts';
import type { Config } from '../../shared/settings/config.ts';
import { createSpending, type Spending } from '../../shared/spending/spending.ts';
import type { PurgeJob } from '../../shared/storage/purge-expired.ts';
import { createTableClient } from '../../shared/storage/tables.ts';
import type { GetToken } from '../../shared/upstream/entra-token.ts';
import { createDecisions, type Decisions } from './create-decisions.ts';
import { createRegistry, type Registry } from './create-registry.ts';
import { createThreads, type Threads } from './create-threads.ts';
import { createVectorStoresPart, type VectorStoresPart } from './create-vector-stores.ts';

/** What the router keeps for its callers and its operator. */
export type Kept = {
  readonly threads: Threads;
  readonly vectorStores: VectorStoresPart;
  readonly decisions: Decisions;
  readonly purgeJobs: readonly PurgeJob[];
  /** Writes what is not written yet, and lets go of what is open. */
  readonly finish: () => Promise<void>;
};

type KeptOptions = {
  readonly config: Config;
  readonly getToken: GetToken;
  readonly loadCredential: () => Promise<TokenCredential>;
  readonly log: Log;
};

export function createKept(options: KeptOptions): Kept {
  const threads = createThreads(options);
  const vectorStores = createVectorStoresPart(options);
  const decisions = createDecisions(options);
  const parts = { threads, vectorStores, decisions };
  return {
    ...parts,
    purgeJobs: Object.values(parts).flatMap(({ purgeJobs }) => purgeJobs),
    finish: async () => {
      await Promise.all([decisions.log.flush(), vectorStores.close()]);
    },
  };
}

/** What comparisons cost is counted as a use case that nobody can name. */
export const SHADOW = '(shadow)';

/** Each needs what the other knows. */
export function createRegistryAndSpending(
  options: Omit<Parameters<typeof createRegistry>[0], 'spentToday'>,
): {
  readonly registry: Registry;
  readonly spending: Spending;
  readonly purgeJobs: readonly PurgeJob[];
} {
  const { config, loadCredential, log } = options;
  const spending: Spending = createSpending({
    ...spendingTableOf(config, loadCredential),
    instanceId: randomUUID(),
    refreshMs: config.registry.refreshMs,
    getBudgeted: () => [...budgetedOf(registry), ...(config.shadow ? [SHADOW] : [])],
    log,
  });
  const registry: Registry = createRegistry({ ...options, spentToday: spending.spentToday });
  const { retentionDays } = config.registry;
  const spent = { what: 'spending', retentionDays, purge: spending.purge };
  return { registry, spending, purgeJobs: [...registry.purgeJobs, spent] };
}

function spendingTableOf(
  { tables, registry }: Config,
  loadCredential: () => Promise<TokenCredential>,
) {
  if (tables === undefined) return {};
  return { loadClient: () => createTableClient(tables, registry.spendingTable, loadCredential) };
}

function budgetedOf({ getFleet }: Registry): readonly string[] {
  return [...getFleet().useCases].flatMap(([useCase, { daily_budget: budget }]) =>
    budget === undefined ? [] : [useCase],
  );
}
