import { randomUUID } from 'node:crypto';
import type { TableClient, TransactionAction } from '@azure/data-tables';
import type { Row } from '../storage/row.ts';
import { isConflict, isNotFound, shareUntilFailure, writeToTable } from '../storage/tables.ts';
import type { Kind } from './definitions.ts';
import {
  currentKey,
  findPast,
  HEAD,
  historyPrefix,
  PARTITION,
  toRow,
  toUnreadable,
  toVersion,
} from './registry-rows.ts';
import { type Version, VersionConflictError } from './version.ts';

/** All entries as they are, deleted ones included, at one moment. */
export type Snapshot = {
  readonly revision: string;
  readonly entries: readonly Version[];
  /** Those that cannot be read: what they last were holds. */
  readonly unreadable: readonly Pick<Version, 'kind' | 'name'>[];
};

/** Where the entries are kept. Every operation throws when that cannot be reached in time. */
export type RegistryStore = {
  /** Undefined when nothing has changed since the revision. */
  load(since?: string): Promise<Snapshot | undefined>;
  /** An entry that cannot be read is like a deleted one: it can be written anew. */
  read(kind: Kind, name: string): Promise<Version | undefined>;
  /** Throws a VersionConflictError unless the entry's version is the one before this (0: none). */
  write(version: Version): Promise<void>;
  /** The newest first. */
  history(kind: Kind, name: string): Promise<readonly Version[]>;
  /** Removes versions that ceased to hold before this moment, and entries deleted before it; gives how many. */
  purge(before: Date): Promise<number>;
};

const READ_TIMEOUT_MS = 3_000;
const WRITE_TIMEOUT_MS = 5_000;
const PURGE_TIMEOUT_MS = 60_000;

/** Of a transaction. */
const MAX_ACTIONS = 100;

type RegistryStoreOptions = {
  /** The client of the table, made when it is first needed. */
  readonly loadClient: () => Promise<TableClient>;
};

/**
 * The registry in Azure Table Storage. Its rows are `head`, `current|<kind>|<name>` and
 * `history|<kind>|<name>|<version>`, each version with its definition as JSON.
 */
export function createRegistryStore(options: RegistryStoreOptions): RegistryStore {
  const loadClient = shareUntilFailure(options.loadClient);

  return {
    load: async (since) => {
      const client = await loadClient();
      // Before the entries: a change between the two is seen, now or the next time.
      const head = await get(client, HEAD);
      const revision = String(head?.['revision'] ?? '');
      if (revision === since) return undefined;
      const rows = head === undefined ? [] : await list(client, 'current');
      return {
        revision,
        entries: rows.flatMap((row) => toVersion(row) ?? []),
        unreadable: rows.filter((row) => toVersion(row) === undefined).map(toUnreadable),
      };
    },
    read: async (kind, name) => {
      const row = await get(await loadClient(), currentKey(kind, name));
      return row && (toVersion(row) ?? toUnreadable(row));
    },
    write: async (version) => {
      try {
        await write(await loadClient(), version);
      } catch (error) {
        throw isConflict(error) ? new VersionConflictError(version.kind, version.name) : error;
      }
    },
    history: async (kind, name) => {
      const rows = await list(await loadClient(), historyPrefix(kind, name));
      return rows.flatMap((row) => toVersion(row) ?? []).reverse();
    },
    purge: async (before) => {
      const client = await loadClient();
      const [current, history] = await Promise.all([
        list(client, 'current', PURGE_TIMEOUT_MS),
        list(client, 'history', PURGE_TIMEOUT_MS),
      ]);
      return remove(client, findPast(current, history, before));
    },
  };
}

async function get(client: TableClient, rowKey: string): Promise<Row | undefined> {
  const abortSignal = AbortSignal.timeout(READ_TIMEOUT_MS);
  return await client.getEntity<Row>(PARTITION, rowKey, { abortSignal }).catch(orNothing);
}

/** The rows whose keys begin so, in the order of their keys. */
async function list(
  client: TableClient,
  prefix: string,
  timeoutMs = READ_TIMEOUT_MS,
): Promise<readonly Row[]> {
  const abortSignal = AbortSignal.timeout(timeoutMs);
  const keys = `RowKey ge '${prefix}|' and RowKey lt '${prefix}}'`;
  const queryOptions = { filter: `PartitionKey eq '${PARTITION}' and ${keys}` };
  const rows: Row[] = [];
  try {
    for await (const row of client.listEntities<Row>({ queryOptions, abortSignal })) {
      rows.push(row);
    }
  } catch (error) {
    orNothing(error);
  }
  return rows;
}

async function write(client: TableClient, version: Version): Promise<void> {
  const { kind, name } = version;
  const row = await get(client, currentKey(kind, name));
  // What comes from the settings is not kept: its first change is its second version.
  const isFirst = row === undefined && version.version <= 2;
  if (!isFirst && row?.['version'] !== version.version - 1) {
    throw new VersionConflictError(kind, name);
  }
  const entity = toRow(version);
  const current = { ...entity, rowKey: currentKey(kind, name) };
  const actions: TransactionAction[] = [
    ['upsert', { partitionKey: PARTITION, rowKey: HEAD, revision: randomUUID() }, 'Replace'],
    row === undefined
      ? ['create', current]
      : ['update', current, 'Replace', { etag: row.etag ?? '*' }],
    ['create', entity],
  ];
  const limit = { abortSignal: AbortSignal.timeout(WRITE_TIMEOUT_MS) };
  await writeToTable(client, limit, () => client.submitTransaction(actions, limit));
}

/** Nothing, for what is not there; throws any other error. */
function orNothing(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
}

/** What another instance has removed, or somebody has made anew, is left alone. */
async function remove(
  client: TableClient,
  past: { readonly current: readonly Row[]; readonly history: readonly Row[] },
): Promise<number> {
  const abortSignal = AbortSignal.timeout(PURGE_TIMEOUT_MS);
  const keys = past.history.map(({ rowKey }) => rowKey);
  let removed = 0;
  for (let first = 0; first < keys.length; first += MAX_ACTIONS) {
    const some = keys.slice(first, first + MAX_ACTIONS);
    const actions = some.map(
      (rowKey): TransactionAction => ['delete', { partitionKey: PARTITION, rowKey }],
    );
    removed += await client.submitTransaction(actions, { abortSignal }).then(
      () => some.length,
      (error: unknown) => orNothing(error) ?? 0,
    );
  }
  for (const { rowKey, etag = '*' } of past.current) {
    removed += await client.deleteEntity(PARTITION, rowKey, { etag, abortSignal }).then(
      () => 1,
      (error: unknown) => {
        if (isConflict(error) || isNotFound(error)) return 0;
        throw error;
      },
    );
  }
  return removed;
}
