import { checkAdmin, ownerOf } from '../access/caller.ts';
import type { RateLimits } from '../access/rate-limits.ts';
import { type Answer, jsonAnswer } from '../base/answer.ts';
import { InvalidRequestError } from '../base/errors.ts';
import { mapSome } from '../base/map-some.ts';
import { parseWith } from '../base/parse-with.ts';
import type { Call } from '../calls/call.ts';
import { pageLimitOf } from '../calls/page-limit.ts';
import type { EmbedFor } from '../vector-stores/text-embedder.ts';
import type { Hit } from '../vector-stores/vector-engine.ts';
import {
  expiryOf,
  newItemsSchema,
  newStoreSchema,
  OUTCOMES_METADATA,
  searchSchema,
  storeChangeSchema,
  type VectorItem,
  type VectorStore,
} from '../vector-stores/vector-store.ts';
import { orUnreachable, StoresNotConfiguredError } from '../vector-stores/vector-store-errors.ts';
import type { VectorStores } from '../vector-stores/vector-stores.ts';

type Handle = (call: Call) => Promise<Answer>;

const NAMES = [
  ...(['create', 'list', 'get', 'update', 'remove', 'search'] as const),
  ...(['add', 'getItem', 'removeItem'] as const),
] as const;

/** The HTTP operations on vector stores, in OpenAI's shapes. */
export type VectorStoreHandlers = Readonly<Record<(typeof NAMES)[number], Handle>>;

const DEFAULT_RESULTS = 10;

const COUNTED_AT_ONCE = 8;

type Work = (stores: VectorStores, call: Call, whom: EmbedFor) => Promise<Answer>;

const WORKS: Readonly<Record<(typeof NAMES)[number], Work>> = {
  create: async (stores, call, whom) => {
    const wish = parseWith(newStoreSchema, call.body);
    checkPurpose(call, wish.metadata);
    const store = await stores.create(ownerOf(call), wish, whom);
    return jsonAnswer(200, storeJson(store, 0));
  },
  list,
  get: async (stores, call) => {
    const store = await stores.find(ownerOf(call), call.id ?? '');
    return jsonAnswer(200, storeJson(store, await stores.count(store)));
  },
  update: async (stores, call) => {
    const change = parseWith(storeChangeSchema, call.body);
    checkPurpose(call, change.metadata);
    const store = await stores.change(ownerOf(call), call.id ?? '', change);
    return jsonAnswer(200, storeJson(store, await stores.count(store)));
  },
  remove: async (stores, call) => {
    const id = call.id ?? '';
    await stores.remove(ownerOf(call), id);
    return jsonAnswer(200, { id, object: 'vector_store.deleted', deleted: true });
  },
  search,
  add: async (stores, call, whom) => {
    const { items } = parseWith(newItemsSchema, call.body);
    const id = call.id ?? '';
    const ids = await stores.add(ownerOf(call), id, { items, whom });
    return jsonAnswer(200, {
      object: 'list',
      data: ids.map((item) => ({
        id: item,
        object: 'vector_store.embedding',
        vector_store_id: id,
        status: 'completed',
      })),
    });
  },
  getItem: async (stores, call) => {
    const found = await stores.item(ownerOf(call), call.id ?? '', call.item ?? '');
    return jsonAnswer(200, itemJson(call.id ?? '', found));
  },
  removeItem: async (stores, call) => {
    const id = call.item ?? '';
    await stores.removeItem(ownerOf(call), call.id ?? '', id);
    return jsonAnswer(200, { id, object: 'vector_store.embedding.deleted', deleted: true });
  },
};

/** Without `stores` no engine or no table is configured, and every call fails with an error that says so. */
export function createVectorStoreHandlers(
  stores: VectorStores | undefined,
  countTokens: RateLimits['countTokens'],
): VectorStoreHandlers {
  const handles = NAMES.map((name) => {
    const handle: Handle = async (call) => {
      if (stores === undefined) throw new StoresNotConfiguredError();
      const { signal, caller } = call;
      const onTokens = (tokens: number) => countTokens(call, tokens);
      return orUnreachable(() => WORKS[name](stores, call, { signal, caller, onTokens }), signal);
    };
    return [name, handle] as const;
  });
  // Every name has a handler.
  return Object.fromEntries(handles) as VectorStoreHandlers;
}

/** Throws a 403 if a caller other than an admin wants a store of outcomes, which the router itself reads. */
function checkPurpose(
  { caller }: Call,
  metadata: Readonly<Record<string, string>> | null | undefined,
): void {
  if (metadata != null && OUTCOMES_METADATA.key in metadata) checkAdmin(caller);
}

async function list(stores: VectorStores, call: Call): Promise<Answer> {
  const limit = pageLimitOf(call);
  const isRising = orderOf(call) === 'asc';
  const all = [...(await stores.list(ownerOf(call)))].toSorted(
    (a, b) => (isRising ? 1 : -1) * (a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1)),
  );
  const [first, end] = [placeOf(call, 'after', all), placeOf(call, 'before', all)];
  const asked = all.slice(first === undefined ? 0 : first + 1, end);
  // `before` asks for the stores directly before it.
  const page =
    end !== undefined && first === undefined ? asked.slice(-limit) : asked.slice(0, limit);
  const data = await mapSome(page, COUNTED_AT_ONCE, async (store) =>
    storeJson(store, await stores.count(store)),
  );
  return jsonAnswer(200, {
    object: 'list',
    data,
    first_id: page[0]?.id ?? null,
    last_id: page.at(-1)?.id ?? null,
    has_more: page.length < asked.length,
  });
}

async function search(stores: VectorStores, call: Call, whom: EmbedFor): Promise<Answer> {
  const wish = parseWith(searchSchema, call.body);
  const { query, filters, max_num_results, ranking_options } = wish;
  const isTexts = Array.isArray(query) && typeof query[0] === 'string';
  const wanted = isTexts ? query.join('\n') : (query as string | number[]);
  const hits = await stores.search(ownerOf(call), call.id ?? '', {
    query: wanted,
    limit: max_num_results ?? DEFAULT_RESULTS,
    minScore: ranking_options?.score_threshold ?? -1,
    ...(filters && { filters }),
    whom,
  });
  return jsonAnswer(200, {
    object: 'vector_store.search_results.page',
    search_query: typeof wanted === 'string' ? [wanted] : [],
    data: hits.map(hitJson),
    has_more: false,
    next_page: null,
  });
}

function orderOf({ query }: Call): 'asc' | 'desc' {
  const order = query('order') ?? 'desc';
  if (order === 'asc' || order === 'desc') return order;
  throw new InvalidRequestError('order must be one of asc, desc.', { param: 'order' });
}

/** Returns the index of the store that a parameter names; undefined if the query has no such parameter. */
function placeOf(
  { query }: Call,
  param: 'after' | 'before',
  stores: readonly VectorStore[],
): number | undefined {
  const id = query(param);
  if (id === null) return undefined;
  const place = stores.findIndex((store) => store.id === id);
  if (place !== -1) return place;
  throw new InvalidRequestError(`${param} must be the id of a vector store.`, { param });
}

function storeJson(store: VectorStore, count: number): Record<string, unknown> {
  const { id, name, metadata, createdAt, lastActiveAt, expiresAfterDays, dimensions } = store;
  const expiresAt = expiryOf(store);
  return {
    id,
    object: 'vector_store',
    created_at: seconds(createdAt),
    name,
    // An estimate: the size of the engine's index is not included.
    usage_bytes: count * dimensions * 4,
    file_counts: { in_progress: 0, completed: count, failed: 0, cancelled: 0, total: count },
    status: 'completed',
    ...(expiresAfterDays !== undefined && {
      expires_after: { anchor: 'last_active_at', days: expiresAfterDays },
    }),
    expires_at: expiresAt === undefined ? null : seconds(expiresAt),
    last_active_at: seconds(lastActiveAt),
    metadata,
    dimensions,
    embedder: store.embedder ?? null,
  };
}

function itemJson(storeId: string, item: VectorItem): Record<string, unknown> {
  const { id, text, attributes, createdAt, embedding } = item;
  return {
    id,
    object: 'vector_store.embedding',
    vector_store_id: storeId,
    created_at: seconds(createdAt),
    text: text ?? null,
    attributes,
    embedding: Array.from(embedding),
  };
}

/** In OpenAI's shape a result is part of a file: here each item counts as its own file. */
function hitJson({ id, text, attributes, score }: Hit): Record<string, unknown> {
  return {
    file_id: id,
    filename: id,
    score,
    attributes,
    content: text === undefined ? [] : [{ type: 'text', text }],
  };
}

function seconds(ms: number): number {
  return Math.floor(ms / 1_000);
}
