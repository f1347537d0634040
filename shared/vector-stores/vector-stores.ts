import type * as z from 'zod';
import { InvalidRequestError } from '../base/errors.ts';
import { type Attributes, mergeAttributeTypes } from './attributes.ts';
import {
  type Embedded,
  type EmbedOptions,
  embedItems,
  embedTexts,
  toEmbedding,
} from './embed-items.ts';
import { parseFilter, type SentFilter } from './filter.ts';
import type { StoreRecords } from './store-records.ts';
import type { EmbedFor, TextEmbedder } from './text-embedder.ts';
import type { Hit, VectorEngine } from './vector-engine.ts';
import type {
  NewItem,
  newStoreSchema,
  storeChangeSchema,
  VectorItem,
  VectorStore,
} from './vector-store.ts';
import { ItemNotFoundError, StoreNotFoundError } from './vector-store-errors.ts';

type StoreChange = z.infer<typeof storeChangeSchema>;

/** A search for a text or an embedding. */
export type Wanted = {
  readonly query: string | readonly number[];
  readonly limit: number;
  readonly minScore: number;
  /** As sent by the caller. */
  readonly filters?: SentFilter;
  readonly whom: EmbedFor;
};

/** Items to be added to a store. */
type Addition = { readonly items: readonly NewItem[]; readonly whom: EmbedFor };

/** The stores of all callers. For any caller but its owner, a store is a StoreNotFoundError. */
export type VectorStores = {
  create(owner: string, wish: z.infer<typeof newStoreSchema>, whom: EmbedFor): Promise<VectorStore>;
  find(owner: string, id: string): Promise<VectorStore>;
  list(owner: string): Promise<readonly VectorStore[]>;
  change(owner: string, id: string, change: StoreChange): Promise<VectorStore>;
  remove(owner: string, id: string): Promise<void>;
  count(store: VectorStore): Promise<number>;
  /** Adds all items or none. Returns their ids, in the order of the items. */
  add(owner: string, id: string, addition: Addition): Promise<string[]>;
  item(owner: string, id: string, item: string): Promise<VectorItem>;
  removeItem(owner: string, id: string, item: string): Promise<void>;
  search(owner: string, id: string, wanted: Wanted): Promise<readonly Hit[]>;
  /** Removes the stores that expired before a time; returns how many. */
  purge(before: Date): Promise<number>;
};

type StoresOptions = {
  readonly records: StoreRecords;
  readonly engine: VectorEngine;
  /** The first one is the default. */
  readonly embedders: readonly TextEmbedder[];
  readonly now?: () => number;
};

/** How late the record of the last use may be, which is not written at each search. */
const ACTIVE_MS = 3_600_000;

export function createVectorStores(options: StoresOptions): VectorStores {
  const { records, engine, embedders } = options;

  async function find(owner: string, id: string): Promise<VectorStore> {
    const store = isStoreId(id) ? await records.find(owner, id) : undefined;
    if (store === undefined) throw new StoreNotFoundError();
    return store;
  }

  async function removeStore(store: VectorStore): Promise<void> {
    // After an interruption the record is still there, and the store can be removed again.
    await engine.removeStore(store);
    await records.remove(store);
  }

  return {
    create: async (owner, wish, whom) => {
      const embedder = chooseEmbedder(embedders, wish.embedder);
      const dimensions = await embedder.findDimensions(wish.dimensions ?? undefined, whom);
      return records.create({
        owner,
        ...settingsOf(wish, { name: '', metadata: {} }),
        dimensions: dimensions ?? wish.dimensions ?? 0,
        ...(dimensions !== undefined && { embedder: embedder.id }),
        attributeTypes: {},
      });
    },
    find,
    list: records.list,
    change: async (owner, id, wish) => {
      await find(owner, id);
      const changed = await records.update(owner, id, ({ expiresAfterDays, ...store }) => ({
        ...store,
        ...settingsOf(wish, { ...store, ...(expiresAfterDays && { expiresAfterDays }) }),
      }));
      if (changed === undefined) throw new StoreNotFoundError();
      return changed;
    },
    remove: async (owner, id) => removeStore(await find(owner, id)),
    count: engine.count,
    add: async (owner, id, addition) => addItems(options, await find(owner, id), addition),
    item: async (owner, id, itemId) => {
      const found = await engine.get(await find(owner, id), itemId);
      if (found === undefined) throw new ItemNotFoundError();
      return found;
    },
    removeItem: async (owner, id, itemId) => {
      if (!(await engine.remove(await find(owner, id), itemId))) throw new ItemNotFoundError();
    },
    search: async (owner, id, wanted) => searchStore(options, await find(owner, id), wanted),
    purge: async (before) => {
      const expired = await records.expired(before);
      for (const store of expired) await removeStore(store);
      return expired.length;
    },
  };
}

/** Throws an InvalidRequestError that names the available embedders. */
function chooseEmbedder(
  embedders: readonly TextEmbedder[],
  wish: string | null | undefined,
): TextEmbedder {
  const found = wish == null ? embedders[0] : embedders.find(({ id }) => id === wish);
  if (found !== undefined) return found;
  const ids = embedders.map(({ id }) => id).join(', ');
  throw new InvalidRequestError(`embedder must be one of ${ids}.`, { param: 'embedder' });
}

async function addItems(
  { records, engine, embedders, now = Date.now }: StoresOptions,
  store: VectorStore,
  { items, whom }: Addition,
): Promise<string[]> {
  const embedded = await embedItems({ embedders, store, whom }, items);
  const known = await records.update(store.owner, store.id, (current) => ({
    ...current,
    lastActiveAt: now(),
    attributeTypes: mergeAttributeTypes(current.attributeTypes, items),
  }));
  if (known === undefined) throw new StoreNotFoundError();
  await engine.upsert(store, toItems(items, embedded, now()));
  return embedded.map(({ id }) => id);
}

async function searchStore(
  { records, engine, embedders, now = Date.now }: StoresOptions,
  store: VectorStore,
  { query, limit, minScore, filters, whom }: Wanted,
): Promise<readonly Hit[]> {
  const filter = filters === undefined ? undefined : parseFilter(filters, store.attributeTypes);
  const embedding = await embedQuery({ embedders, store, whom }, query);
  if (now() - store.lastActiveAt > ACTIVE_MS) {
    await records.update(store.owner, store.id, (one) => ({ ...one, lastActiveAt: now() }));
  }
  const hits = await engine.search(store, { embedding, limit, ...(filter && { filter }) });
  return hits.filter(({ score }) => score >= minScore);
}

async function embedQuery(options: EmbedOptions, query: Wanted['query']): Promise<Float32Array> {
  if (typeof query !== 'string') return toEmbedding(query, options.store, 'query');
  const [embedding] = await embedTexts(options, [{ text: query, param: 'query' }]);
  if (embedding === undefined) throw new Error('The query has no embedding.');
  return embedding;
}

/** Any other text must not appear in a query of the table. */
function isStoreId(id: string): boolean {
  return /^vs_[0-9a-f]{32}$/.test(id);
}

type Settings = Pick<VectorStore, 'name' | 'metadata' | 'expiresAfterDays'>;

/** Returns the settings after a change: absent fields stay, null resets. */
function settingsOf(wish: StoreChange, now: Settings): Settings {
  const { name, metadata, expires_after: expiry } = wish;
  const days = expiry === undefined ? now.expiresAfterDays : expiry?.days;
  return {
    name: name === undefined ? now.name : (name ?? ''),
    metadata: metadata === undefined ? now.metadata : (metadata ?? {}),
    ...(days !== undefined && { expiresAfterDays: days }),
  };
}

function toItems(
  items: readonly NewItem[],
  embedded: readonly Embedded[],
  at: number,
): VectorItem[] {
  return embedded.map((one, index) => {
    const { text, attributes } = items[index] ?? {};
    return {
      ...one,
      ...(text != null && { text }),
      attributes: (attributes ?? {}) as Attributes,
      createdAt: at,
    };
  });
}
