import type { TableClient } from '@azure/data-tables';
import type { TokenCredential } from '@azure/identity';
import { type LimitCall, limitPolicy } from './call-limits.ts';

/** How tables are reached. */
export type TableAccess = {
  readonly loadCredential: () => Promise<TokenCredential>;
  readonly limit: LimitCall;
};

/** Creates a client for one table, with few and quick retries, each of whose calls is limited. */
export async function createTableClient(
  tables: TablesConfig,
  name: string,
  { loadCredential, limit }: TableAccess,
): Promise<TableClient> {
  const { TableClient } = await import('@azure/data-tables');
  const options = {
    retryOptions: { maxRetries: 1, retryDelayInMs: 50, maxRetryDelayInMs: 200 },
    // Azurite speaks plain http. A connection string may name it; an endpoint with a token may not.
    allowInsecureConnection: tables.connectionString !== undefined,
    additionalPolicies: [limitPolicy(limit)],
  };
  if (tables.connectionString !== undefined) {
    return TableClient.fromConnectionString(tables.connectionString, name, options);
  }
  return new TableClient(tables.endpoint ?? '', name, await loadCredential(), options);
}

/**
 * Writes to a table, which is created if it does not exist: in Azure it is part of the deployment;
 * elsewhere the first write creates it.
 */
export async function writeToTable(
  client: TableClient,
  write: () => Promise<unknown>,
): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await client.createTable();
    await write();
  }
}

/** Returns true for a 404. Azure's error codes differ per operation; the status does not. */
export function isNotFound(error: unknown): boolean {
  return hasStatus(error, 404);
}

/** Returns true if another writer created or changed the record first. */
export function isConflict(error: unknown): boolean {
  return hasStatus(error, 409) || hasStatus(error, 412);
}

/** Returns true if the service takes no such row: the same write fails again. */
export function isRefused(error: unknown): boolean {
  return hasStatus(error, 400) || hasStatus(error, 413);
}

function hasStatus(error: unknown, status: number): boolean {
  return error instanceof Error && 'statusCode' in error && error.statusCode === status;
}

/** Shares one load among all callers; a failed load is forgotten, so that the next call tries again. */
export function shareUntilFailure<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
}

export type TablesConfig = {
  readonly endpoint?: string;
  readonly connectionString?: string;
};
