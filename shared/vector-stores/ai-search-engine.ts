import type { TokenCredential } from '@azure/identity';
import type { SearchClient, SearchIndex } from '@azure/search-documents';
import type { AiSearchSettings } from '../settings/read-vector-settings.ts';
import { type LimitCall, limitPolicy } from '../storage/call-limits.ts';
import { isNotFound } from '../storage/tables.ts';
import { type Entry, quote, toAttributes, toEntries, toODataFilter } from './ai-search-filter.ts';
import type { Hit, Place, VectorEngine, VectorQuery } from './vector-engine.ts';
import type { VectorItem } from './vector-store.ts';

type Options = AiSearchSettings & {
  readonly limit: LimitCall;
  readonly loadCredential: () => Promise<TokenCredential>;
};

/** An item as a document of the index. */
type Document = {
  /** Consists of letters, digits, - and _. */
  readonly key: string;
  readonly store: string;
  readonly id: string;
  readonly createdAt: string;
  readonly text: string | null;
  readonly attributes: readonly Entry[];
  readonly embedding: readonly number[];
};

/** The service takes batches of 1,000 documents and 16 MB. */
const MAX_BATCH = 1_000;
const MAX_BATCH_BYTES = 10_000_000;
/** Estimates of sizes in JSON. */
const BYTES_PER_NUMBER = 22;
const BYTES_PER_ITEM = 20_000;

const RESULT_FIELDS = ['id', 'createdAt', 'text', 'attributes'] as const;
const PROFILE = 'cosine';

/**
 * Creates an engine on Azure AI Search, for any number of instances. All stores with the same dimensions
 * share an index, and each search is filtered by store; the first write creates the index.
 */
export function createAiSearchEngine(options: Options): VectorEngine {
  const clients = new Map<number, Promise<SearchClient<Document>>>();

  function clientFor({ dimensions }: Place): Promise<SearchClient<Document>> {
    const known = clients.get(dimensions) ?? createClient(options, dimensions);
    clients.set(dimensions, known);
    // A credential that fails now may be available later.
    known.catch(() => clients.delete(dimensions));
    return known;
  }

  async function writeBatch(place: Place, documents: Document[]): Promise<void> {
    const client = await clientFor(place);
    const write = () => client.uploadDocuments(documents, { throwOnAnyFailure: true });
    try {
      await write();
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await createIndex(options, place.dimensions);
      await write();
    }
  }

  async function find(place: Place, id: string): Promise<Document | undefined> {
    const client = await clientFor(place);
    return orNothing(client.getDocument(keyOf(place, id)), undefined);
  }

  return {
    upsert: async (place, items) => {
      // The order of two documents with the same key would not be certain.
      const documents = [
        ...new Map(items.map((item) => [item.id, toDocument(place, item)])).values(),
      ];
      const bytes = BYTES_PER_ITEM + BYTES_PER_NUMBER * place.dimensions;
      const size = Math.max(1, Math.min(MAX_BATCH, Math.floor(MAX_BATCH_BYTES / bytes)));
      for (let first = 0; first < documents.length; first += size) {
        await writeBatch(place, documents.slice(first, first + size));
      }
    },
    get: async (place, id) => {
      const found = await find(place, id);
      return found && { ...toItem(found), embedding: Float32Array.from(found.embedding) };
    },
    remove: async (place, id) => {
      if ((await find(place, id)) === undefined) return false;
      const client = await clientFor(place);
      await client.deleteDocuments('key', [keyOf(place, id)]);
      return true;
    },
    search: async (place, query) => orNothing(search(await clientFor(place), place, query), []),
    count: async (place) => {
      const client = await clientFor(place);
      const filter = filterOf(place);
      const counting = client.search('*', { filter, includeTotalCount: true, top: 0 });
      return (await orNothing(counting, undefined))?.count ?? 0;
    },
    removeStore: async (place) => {
      await orNothing(removeAll(await clientFor(place), place), undefined);
    },
    close: async () => undefined,
  };
}

async function createClient(options: Options, dimensions: number): Promise<SearchClient<Document>> {
  const { SearchClient } = await import('@azure/search-documents');
  const { endpoint, limit } = options;
  const index = indexName(options, dimensions);
  return new SearchClient<Document>(endpoint, index, await credentialOf(options), {
    allowInsecureConnection: true,
    additionalPolicies: [limitPolicy(limit)],
    retryOptions: { maxRetries: 2, retryDelayInMs: 200, maxRetryDelayInMs: 2_000 },
  });
}

async function createIndex(options: Options, dimensions: number): Promise<void> {
  const { SearchIndexClient } = await import('@azure/search-documents');
  const client = new SearchIndexClient(options.endpoint, await credentialOf(options), {
    allowInsecureConnection: true,
    additionalPolicies: [limitPolicy(options.limit)],
  });
  await client.createOrUpdateIndex(indexOf(indexName(options, dimensions), dimensions));
}

/** The settings allow plain http only to an emulator. */
async function credentialOf({
  apiKey,
  loadCredential,
}: Options): Promise<{ readonly key: string } | TokenCredential> {
  return apiKey === undefined ? loadCredential() : { key: apiKey };
}

function indexName({ indexPrefix }: Options, dimensions: number): string {
  return `${indexPrefix}-${dimensions}`;
}

function indexOf(name: string, dimensions: number): SearchIndex {
  const plain = { type: 'Edm.String', searchable: false, hidden: false } as const;
  const filterable = { ...plain, filterable: true } as const;
  return {
    name,
    fields: [
      { ...filterable, name: 'key', key: true },
      { ...filterable, name: 'store' },
      { ...plain, name: 'id' },
      { ...plain, name: 'createdAt', type: 'Edm.DateTimeOffset' },
      { ...plain, name: 'text' },
      {
        name: 'attributes',
        type: 'Collection(Edm.ComplexType)',
        fields: [
          { ...filterable, name: 'key' },
          { ...filterable, name: 'text' },
          { ...filterable, name: 'number', type: 'Edm.Double' },
          { ...filterable, name: 'flag', type: 'Edm.Boolean' },
        ],
      },
      {
        name: 'embedding',
        type: 'Collection(Edm.Single)',
        searchable: true,
        hidden: false,
        vectorSearchDimensions: dimensions,
        vectorSearchProfileName: PROFILE,
      },
    ],
    vectorSearch: {
      algorithms: [{ name: 'hnsw', kind: 'hnsw', parameters: { metric: 'cosine' } }],
      profiles: [{ name: PROFILE, algorithmConfigurationName: 'hnsw' }],
    },
  };
}

async function search(
  client: SearchClient<Document>,
  place: Place,
  { embedding, limit, filter }: VectorQuery,
): Promise<readonly Hit[]> {
  const found = await client.search(undefined, {
    filter: filter ? `${filterOf(place)} and ${toODataFilter(filter)}` : filterOf(place),
    select: [...RESULT_FIELDS],
    top: limit,
    vectorSearchOptions: {
      filterMode: 'preFilter',
      queries: [
        {
          kind: 'vector',
          vector: Array.from(embedding),
          fields: ['embedding'],
          kNearestNeighborsCount: limit,
        },
      ],
    },
  });
  const hits: Hit[] = [];
  for await (const { document, score } of found.results) {
    // The service returns 1 / (1 + distance), with a distance of 1 - cosine.
    hits.push({ ...toItem(document), score: 2 - 1 / score });
  }
  return hits;
}

/** Removes all documents of a store, a thousand at a time, until none is found. */
async function removeAll(client: SearchClient<Document>, place: Place): Promise<void> {
  const filter = filterOf(place);
  const removed = new Set<string>();
  for (;;) {
    const found = await client.search('*', { filter, select: ['key'], top: MAX_BATCH });
    const keys: string[] = [];
    for await (const { document } of found.results) keys.push(document.key);
    // Searches keep finding removed documents for a while.
    const fresh = keys.filter((key) => !removed.has(key));
    if (fresh.length === 0) return;
    await client.deleteDocuments('key', fresh);
    for (const key of fresh) removed.add(key);
  }
}

function filterOf({ id }: Place): string {
  return `store eq ${quote(id)}`;
}

/** Returns `nothing` if the index or document does not exist. */
async function orNothing<T, N>(work: Promise<T>, nothing: N): Promise<T | N> {
  try {
    return await work;
  } catch (error) {
    if (isNotFound(error)) return nothing;
    throw error;
  }
}

function keyOf({ id: store }: Place, id: string): string {
  return Buffer.from(`${store}\n${id}`).toString('base64url');
}

function toDocument(place: Place, item: VectorItem): Document {
  const { id, createdAt, text = null, attributes, embedding } = item;
  return {
    key: keyOf(place, id),
    store: place.id,
    id,
    text,
    createdAt: new Date(createdAt).toISOString(),
    attributes: toEntries(attributes),
    embedding: Array.from(embedding),
  };
}

function toItem({
  id,
  createdAt,
  text,
  attributes,
}: Pick<Document, (typeof RESULT_FIELDS)[number]>): Omit<VectorItem, 'embedding'> {
  return {
    id,
    createdAt: new Date(createdAt).getTime(),
    attributes: toAttributes(attributes),
    ...(text !== null && { text }),
  };
}
