import type { TableClient } from '@azure/data-tables';
import type { Row } from './row.ts';
import { isNotFound } from './tables.ts';

const TIMEOUT_MS = 5_000;

/** The most that the service gives at once. */
const MAX_PAGE = 1_000;

/** Undefined for a row, or a table, that is not there. */
export async function getRow(
  client: TableClient,
  partitionKey: string,
  rowKey: string,
): Promise<Row | undefined> {
  try {
    const abortSignal = AbortSignal.timeout(TIMEOUT_MS);
    return await client.getEntity<Row>(partitionKey, rowKey, { abortSignal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** The first rows that fit, so many at most. */
export async function readRows(client: TableClient, filter: string, limit: number): Promise<Row[]> {
  const rows: Row[] = [];
  // A page may have fewer than asked for, with others behind it.
  for await (const page of pagesOf(client, filter, limit - rows.length)) {
    rows.push(...page);
    if (rows.length >= limit) break;
  }
  return rows.slice(0, limit);
}

/** Pages of what fits, each of so many rows at most; none where the table is not there. */
export async function* pagesOf(
  client: TableClient,
  filter: string,
  size: number,
): AsyncGenerator<readonly Row[]> {
  const rows = client.listEntities<Row>({ queryOptions: { filter } });
  try {
    yield* rows.byPage({ maxPageSize: Math.min(size, MAX_PAGE) });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
