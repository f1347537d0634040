import type { TableClient } from '@azure/data-tables';
import type { Row } from './row.ts';
import { isNotFound } from './tables.ts';

/** The most rows that the service returns in one page. */
const MAX_PAGE = 1_000;

/** Reads one row; undefined if the row or the table does not exist. */
export async function getRow(
  client: TableClient,
  partitionKey: string,
  rowKey: string,
): Promise<Row | undefined> {
  try {
    return await client.getEntity<Row>(partitionKey, rowKey);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Reads the first rows that match, up to `limit`, or all of them; none if the table does not exist. */
export async function readRows(
  client: TableClient,
  filter: string,
  limit = Number.POSITIVE_INFINITY,
): Promise<Row[]> {
  const rows: Row[] = [];
  // A page may have fewer rows than asked for, with others after it.
  for await (const page of pagesOf(client, filter, limit)) {
    rows.push(...page);
    if (rows.length >= limit) break;
  }
  return rows.slice(0, limit);
}

/** Reads pages of matching rows, each of up to `size` rows; none if the table does not exist. */
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
