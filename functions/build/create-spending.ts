import { randomUUID } from 'node:crypto';
import type { TokenCredential } from '@azure/identity';
import type { Config } from '../../shared/settings/config.ts';
import { createSpending, type Spending } from '../../shared/spending/spending.ts';
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
  const { config, loadCredential, background } = options;
  const spending: Spending = createSpending({
    ...spendingTableOf(config, loadCredential),
    instanceId: randomUUID(),
    refreshMs: config.registry.refreshMs,
    getBudgeted: () => [...budgetedOf(registry), ...(config.shadow ? [SHADOW] : [])],
    background,
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
