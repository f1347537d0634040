import type { TableClient } from '@azure/data-tables';
import { readRows } from '../storage/read-rows.ts';
import { dayOf, type Place, partitionOf, rowTime, SHARDS } from './request-ids.ts';

type Row = Readonly<Record<string, unknown>> & {
  readonly partitionKey: string;
  readonly rowKey: string;
};

/** The decisions to read. */
export type DecisionQuery = {
  /** Milliseconds since 1970, inclusive. */
  readonly from: number;
  /** Milliseconds since 1970, exclusive. */
  readonly to: number;
  /** The decision to start after. */
  readonly after?: Place;
  /** The required values, by column. */
  readonly where: Readonly<Record<string, string>>;
  readonly limit: number;
};

const DAY_MS = 86_400_000;

/** Reads decisions, the newest first, by day; a day's partitions are merged by time. */
export async function readDecisions(client: TableClient, query: DecisionQuery): Promise<Row[]> {
  const found: Row[] = [];
  const conditions = Object.entries(query.where).map(
    ([column, value]) => ` and ${column} eq '${value.replaceAll("'", "''")}'`,
  );
  // A row's time is in its key, and later rows sort first: those newer than `to` come before it.
  const first = query.after?.row ?? `d|${rowTime(query.to)}`;
  const rows = `RowKey gt '${first}' and RowKey le 'd|${rowTime(query.from)}}'`;
  const newest = query.after === undefined ? query.to : timeOf(query.after.row);
  for (let day = startOf(newest); day >= startOf(query.from); day -= DAY_MS) {
    const wanted = query.limit - found.length;
    const pages = await Promise.all(
      SHARDS.map((shard) => {
        const partition = partitionOf(dayOf(day), shard);
        const filter = `PartitionKey eq '${partition}' and ${rows}${conditions.join('')}`;
        return readRows(client, filter, wanted);
      }),
    );
    const ofDay = pages.flat().toSorted((a, b) => (a.rowKey < b.rowKey ? -1 : 1));
    found.push(...ofDay.slice(0, wanted));
    if (found.length >= query.limit) break;
  }
  return found;
}

function timeOf(row: string): number {
  return 99_999_999_999_999 - Number(row.slice(2, 16));
}

function startOf(at: number): number {
  return Math.floor(at / DAY_MS) * DAY_MS;
}

/** Reads the outcomes of decisions, by the row key of the decision. */
export async function readOutcomes(
  client: TableClient,
  decisions: readonly Row[],
): Promise<ReadonlyMap<string, Row[]>> {
  const outcomes = new Map<string, Row[]>();
  const groups = Map.groupBy(decisions, ({ partitionKey }) => partitionKey);
  await Promise.all(
    [...groups].map(async ([partition, group]) => {
      const keys = group.map(({ rowKey }) => rowKey.slice(2)).toSorted();
      const range = `RowKey ge 'o|${keys[0]}' and RowKey lt 'o|${keys.at(-1)}}'`;
      const filter = `PartitionKey eq '${partition}' and ${range}`;
      for (const row of await readRows(client, filter)) {
        const decision = `d|${row.rowKey.split('|').slice(1, 3).join('|')}`;
        outcomes.set(decision, [...(outcomes.get(decision) ?? []), row]);
      }
    }),
  );
  return outcomes;
}
