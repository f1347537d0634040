import type { TableClient } from '@azure/data-tables';
import type { TokenCredential } from '@azure/identity';
import type { TablesConfig } from '../config.ts';

/** A client for one table, with few and quick retries: a cache must not wait. */
export async function createTableClient(
  tables: TablesConfig,
  name: string,
  loadCredential: () => Promise<TokenCredential>,
): Promise<TableClient> {
  const { TableClient } = await import('@azure/data-tables');
  const options = {
    retryOptions: { maxRetries: 1, retryDelayInMs: 50, maxRetryDelayInMs: 200 },
    // Azurite speaks plain http; a connection string may name it, an endpoint with a token may not.
    allowInsecureConnection: tables.connectionString !== undefined,
  };
  if (tables.connectionString !== undefined) {
    return TableClient.fromConnectionString(tables.connectionString, name, options);
  }
  return new TableClient(tables.endpoint ?? '', name, await loadCredential(), options);
}
