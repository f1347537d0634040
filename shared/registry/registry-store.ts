import { randomUUID } from 'node:crypto';
import type { TableClient, TransactionAction } from '@azure/data-tables';
import { getRow, readRows } from '../storage/read-rows.ts';
import { removeRows } from '../storage/remove-rows.ts';
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

/** All entries at one time, including deleted ones. */
export type Snapshot = {
  readonly revision: string;
  readonly entries: readonly Version[];
  /** Entries that cannot be read: their last readable version stays in force. */
  readonly unreadable: readonly Pick<Version, 'kind' | 'name'>[];
};

/** The storage of the entries. Every operation throws if it cannot be reached in time. */
export type RegistryStore = {
  /** Reads all entries; returns undefined if nothing has changed since a revision. */
  load(since?: string): Promise<Snapshot | undefined>;
  /** Throws if the table does not answer. */
  probe(): Promise<void>;
  /** Returns an entry; an unreadable one is like a deleted one and can be written again. */
  read(kind: Kind, name: string): Promise<Version | undefined>;
  /** Throws a VersionConflictError unless the entry has the previous version (0 if it does not exist). */
  write(version: Version): Promise<void>;
  /** Returns the versions of an entry, the newest first. */
  history(kind: Kind, name: string): Promise<readonly Version[]>;
  /** Removes versions replaced, and entries deleted, before a time; returns the number of rows. */
  purge(before: Date): Promise<number>;
};

/** A column of a whole number has 32 bits. */
const MAX_VERSION = 2 ** 31 - 1;

type RegistryStoreOptions = {
  /** Creates the client of the table when it is first needed. */
  readonly loadClient: () => Promise<TableClient>;
};

/**
 * Stores the registry in Azure Table Storage. Its rows are `head`, `current|<kind>|<name>` and
 * `history|<kind>|<name>|<version>`; a version has its definition as JSON.
 */
export function createRegistryStore(options: RegistryStoreOptions): RegistryStore {
  const loadClient = shareUntilFailure(options.loadClient);

  return {
    load: async (since) => {
      const client = await loadClient();
      // Read before the entries, so that a change between the two is seen, now or next time.
      const head = await getRow(client, PARTITION, HEAD);
      const revision = String(head?.['revision'] ?? '');
      if (revision === since) return undefined;
      const rows = head === undefined ? [] : await list(client, 'current');
      return {
        revision,
        entries: rows.flatMap((row) => toVersion(row) ?? []),
        unreadable: rows
          .filter((row) => toVersion(row) === undefined)
          .map((row) => toUnreadable(row)),
      };
    },
    probe: async () => {
      await getRow(await loadClient(), PARTITION, HEAD);
    },
    read: async (kind, name) => {
      const client = await loadClient();
      const row = await getRow(client, PARTITION, currentKey(kind, name));
      return row && readVersion(client, row, { kind, name });
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
        list(client, 'current'),
        list(client, 'history'),
      ]);
      return remove(client, findPast(current, history, before));
    },
  };
}

/** Returns the rows whose keys begin with a prefix, sorted by key. */
async function list(client: TableClient, prefix: string): Promise<readonly Row[]> {
  const keys = `RowKey ge '${prefix}|' and RowKey lt '${prefix}}'`;
  return readRows(client, `PartitionKey eq '${PARTITION}' and ${keys}`);
}

async function write(client: TableClient, version: Version): Promise<void> {
  const { kind, name } = version;
  const row = await getRow(client, PARTITION, currentKey(kind, name));
  // A deployment's version in the settings is not stored: its first change is version 2.
  const isFirst = row === undefined && version.version <= 2;
  const before = row && (await readVersion(client, row, version));
  if (!isFirst && before?.version !== version.version - 1) {
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
  await writeToTable(client, () => client.submitTransaction(actions));
}

/** Returns an unreadable row as a deleted entry of the newest version that is known, which a write follows. */
async function readVersion(
  client: TableClient,
  row: Row,
  { kind, name }: Pick<Version, 'kind' | 'name'>,
): Promise<Version> {
  const readable = toVersion(row);
  if (readable !== undefined) return readable;
  const past = await list(client, historyPrefix(kind, name));
  const numbers = [row['version'], ...past.map(({ rowKey }) => Number(rowKey.split('|').at(-1)))];
  return toUnreadable(row, Math.max(1, ...numbers.filter(isVersion)));
}

function isVersion(value: unknown): value is number {
  return Number.isInteger(value) && Math.abs(Number(value)) < MAX_VERSION;
}

/** Removes rows; ignores those that another instance has removed or that have been written again. */
async function remove(
  client: TableClient,
  past: { readonly current: readonly Row[]; readonly history: readonly Row[] },
): Promise<number> {
  let removed = await removeRows(client, past.history);
  for (const { rowKey, etag = '*' } of past.current) {
    removed += await client.deleteEntity(PARTITION, rowKey, { etag }).then(
      () => 1,
      (error: unknown) => {
        if (isConflict(error) || isNotFound(error)) return 0;
        throw error;
      },
    );
  }
  return removed;
}
