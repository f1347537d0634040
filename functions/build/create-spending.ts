import { randomUUID } from 'node:crypto';
import type { TokenCredential } from '@azure/identity';
import type { Config } from '../../shared/settings/config.ts';
import { createSpending, type Spending } from '../../shared/spending/spending.ts';
import type { CallLimits } from '../../shared/storage/call-limits.ts';
import type { PurgeJob } from '../../shared/storage/purge-expired.ts';
import { createTableClient } from '../../shared/storage/tables.ts';
import { createRegistry, type Registry } from './create-registry.ts';

/** The use case that the cost of comparisons is counted for. No caller can name it. */
export const SHADOW = '(shadow)';

/** Builds both, since each needs what the other knows. */
export function createRegistryAndSpending(
  options: Omit<Parameters<typeof createRegistry>[0], 'spentToday'>,
): {
  readonly registry: Registry;
  readonly spending: Spending;
  readonly purgeJobs: readonly PurgeJob[];
} {
  const { config, background } = options;
  const spending: Spending = createSpending({
    ...spendingTableOf(options),
    instanceId: randomUUID(),
    refreshMs: config.registry.refreshMs,
    getBudgeted: () =>
      registry.isRead() ? [...budgetedOf(registry), ...(config.shadow ? [SHADOW] : [])] : undefined,
    background,
  });
  const registry: Registry = createRegistry({ ...options, spentToday: spending.spentToday });
  const { retentionDays } = config.registry;
  const spent = { what: 'spending', retentionDays, purge: spending.purge };
  return { registry, spending, purgeJobs: [...registry.purgeJobs, spent] };
}

function spendingTableOf({
  config,
  loadCredential,
  callLimits,
}: {
  readonly config: Config;
  readonly loadCredential: () => Promise<TokenCredential>;
  readonly callLimits: CallLimits;
}) {
  const { tables, registry } = config;
  if (tables === undefined) return {};
  const access = { loadCredential, limit: callLimits.inBackground };
  return { loadClient: () => createTableClient(tables, registry.spendingTable, access) };
}

function budgetedOf({ getFleet }: Registry): readonly string[] {
  return [...getFleet().useCases].flatMap(([useCase, { daily_budget: budget }]) =>
    budget === undefined ? [] : [useCase],
  );
}
