import { createHash, randomUUID } from 'node:crypto';
import type { TableClient } from '@azure/data-tables';
import { fieldsOf } from '../base/fields-of.ts';
import { parseJson } from '../base/parse-json.ts';
import { getRow, readRows } from '../storage/read-rows.ts';
import { isConflict, isNotFound, shareUntilFailure, writeToTable } from '../storage/tables.ts';
import type { AttributeTypes } from './attributes.ts';
import type { VectorStore } from './vector-store.ts';
import { expiryOf, isOfOutcomes } from './vector-store.ts';

/** The records of vector stores; their items are in the engine. */
export type StoreRecords = {
  create(store: Omit<VectorStore, 'id' | 'createdAt' | 'lastActiveAt'>): Promise<VectorStore>;
  /** Returns undefined if the store does not exist, has expired or belongs to another caller. */
  find(owner: string, id: string): Promise<VectorStore | undefined>;
  /** Returns all stores of an owner, in no particular order. */
  list(owner: string): Promise<readonly VectorStore[]>;
  /** Returns the changed record; undefined if it does not exist. May call `change` several times. */
  update(
    owner: string,
    id: string,
    change: (store: VectorStore) => VectorStore,
  ): Promise<VectorStore | undefined>;
  remove(store: VectorStore): Promise<void>;
  /** Returns the stores that expired before a time. */
  expired(before: Date): Promise<readonly VectorStore[]>;
  /** Returns the newest store of recorded outcomes, regardless of its owner. */
  findOutcomes(): Promise<VectorStore | undefined>;
};

type Row = Readonly<Record<string, unknown>> & { readonly etag?: string };

const MAX_TRIES = 8;

/** Stores one row for each vector store, in the partition of its owner. */
export function createStoreRecords(
  load: () => Promise<TableClient>,
  now: () => number = Date.now,
): StoreRecords {
  const loadClient = shareUntilFailure(load);

  async function read(owner: string, id: string): Promise<Row | undefined> {
    return getRow(await loadClient(), partitionOf(owner), id);
  }

  async function query(filter: string): Promise<VectorStore[]> {
    const rows = await readRows(await loadClient(), filter);
    return rows.map(toStore);
  }

  /** Returns false if another request was first; throws that conflict if this was the last attempt. */
  async function replace(store: VectorStore, etag: string, isLast: boolean): Promise<boolean> {
    try {
      await (await loadClient()).updateEntity(toRow(store), 'Replace', { etag });
      return true;
    } catch (error) {
      if (isConflict(error) && !isLast) return false;
      throw error;
    }
  }

  function isAlive(store: VectorStore): boolean {
    return (expiryOf(store) ?? Number.POSITIVE_INFINITY) > now();
  }

  return {
    create: async (wish) => {
      const at = now();
      const id = `vs_${randomUUID().replaceAll('-', '')}`;
      const store: VectorStore = { ...wish, id, createdAt: at, lastActiveAt: at };
      const client = await loadClient();
      await writeToTable(client, () => client.createEntity(toRow(store)));
      return store;
    },
    find: async (owner, id) => {
      const row = await read(owner, id);
      const store = row && toStore(row);
      return store !== undefined && isAlive(store) ? store : undefined;
    },
    list: async (owner) => (await query(`PartitionKey eq '${partitionOf(owner)}'`)).filter(isAlive),
    update: async (owner, id, change) => {
      for (let tries = 1; ; tries += 1) {
        const row = await read(owner, id);
        if (row === undefined) return undefined;
        const changed = change(toStore(row));
        const isLast = tries >= MAX_TRIES;
        if (await replace(changed, row.etag ?? '*', isLast)) return changed;
      }
    },
    remove: async ({ owner, id }) => {
      const client = await loadClient();
      await client.deleteEntity(partitionOf(owner), id).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
    },
    expired: async (before) => query(`expiresAt lt datetime'${before.toISOString()}'`),
    findOutcomes: async () =>
      (await query('isOfOutcomes eq true'))
        .filter(isAlive)
        .toSorted((a, b) => b.createdAt - a.createdAt)[0],
  };
}

/** A hash, since callers may have any names. */
function partitionOf(owner: string): string {
  return createHash('sha256').update(owner).digest('hex');
}

function toRow(store: VectorStore): { partitionKey: string; rowKey: string } & Row {
  const { id, owner, name, metadata, createdAt, lastActiveAt, dimensions, attributeTypes } = store;
  const { embedder, expiresAfterDays } = store;
  const expiresAt = expiryOf(store);
  return {
    partitionKey: partitionOf(owner),
    rowKey: id,
    owner,
    name,
    dimensions,
    metadata: JSON.stringify(metadata),
    createdAt: new Date(createdAt),
    lastActiveAt: new Date(lastActiveAt),
    attributeTypes: JSON.stringify(attributeTypes),
    ...(isOfOutcomes(store) && { isOfOutcomes: true }),
    ...(embedder !== undefined && { embedder }),
    ...(expiresAfterDays !== undefined && { expiresAfterDays }),
    ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt) }),
  };
}

/** What cannot be read of a record is empty, so that its store can be listed and removed. */
function toStore(row: Row): VectorStore {
  const { rowKey, owner, name, metadata, createdAt, lastActiveAt, dimensions } = row;
  const { embedder, expiresAfterDays, attributeTypes } = row;
  const timeOf = (value: unknown) => new Date(value as string | Date).getTime() || 0;
  return {
    id: String(rowKey),
    owner: String(owner),
    name: String(name),
    metadata: fieldsOf(parseJson(metadata)) as VectorStore['metadata'],
    createdAt: timeOf(createdAt),
    lastActiveAt: timeOf(lastActiveAt),
    dimensions: Number(dimensions) || 0,
    attributeTypes: fieldsOf(parseJson(attributeTypes)) as AttributeTypes,
    ...(typeof embedder === 'string' && { embedder }),
    ...(typeof expiresAfterDays === 'number' && { expiresAfterDays }),
  };
}
