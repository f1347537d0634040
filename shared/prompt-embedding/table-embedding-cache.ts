import type { TableClient } from '@azure/data-tables';
import { isNotFound, shareUntilFailure, writeToTable } from '../storage/tables.ts';
import type { EmbeddingCache } from './embedding-cache.ts';

/** A key of the right form under which nothing is stored. */
const PROBE_KEY = '0'.repeat(64);

/** After so many failures in a row, all lookups for a while are misses that nobody waits for. */
const MAX_FAILURES = 5;
const REST_MS = 1_000;

type TableCacheOptions = {
  /** Creates the table's client; called when it is first needed. */
  readonly loadClient: () => Promise<TableClient>;
  /** The dimensions of every stored vector; at most 16,384 fit the property. */
  readonly dimensions: number;
  /** The limit of a lookup, after which it is a miss: an embedding call takes about as long. */
  readonly timeoutMs: number;
  /** Called for each lookup that fails; a plain miss is not a failure. */
  readonly onFailure: (error: unknown) => void;
};

export type TableEmbeddingCache = EmbeddingCache & {
  /** Resolves when the table service answers; otherwise throws the error. */
  probe(): Promise<void>;
};

/**
 * Keeps embeddings in Azure Table Storage: one entity each, the vector as little-endian float32 in
 * the binary property `v`. `get` never throws: a table that is down or slow, or that holds something
 * else, is a miss that is reported.
 */
export function createTableEmbeddingCache(options: TableCacheOptions): TableEmbeddingCache {
  const { dimensions, timeoutMs, onFailure } = options;
  const loadClient = shareUntilFailure(options.loadClient);
  let failures = 0;
  let restsUntil = 0;

  async function read(key: string): Promise<unknown> {
    const client = await loadClient();
    const entity = await client.getEntity<{ v?: unknown }>(partitionOf(key), rowOf(key), {
      queryOptions: { select: ['v'] },
      abortSignal: AbortSignal.timeout(timeoutMs),
    });
    return entity.v;
  }

  async function get(key: string): Promise<Float32Array | undefined> {
    if (performance.now() < restsUntil) return undefined;
    try {
      const value = await read(key);
      failures = 0;
      return decode(value, dimensions);
    } catch (error) {
      if (isNotFound(error)) {
        failures = 0;
        return undefined;
      }
      failures += 1;
      if (failures >= MAX_FAILURES) restsUntil = performance.now() + REST_MS;
      onFailure(error);
      return undefined;
    }
  }

  async function set(key: string, embedding: Float32Array): Promise<void> {
    const client = await loadClient();
    const entity = { partitionKey: partitionOf(key), rowKey: rowOf(key), v: encode(embedding) };
    await writeToTable(client, () => client.upsertEntity(entity, 'Replace'));
  }

  async function probe(): Promise<void> {
    try {
      await read(PROBE_KEY);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  return { get, set, probe };
}

/** Spreads keys over 256 partitions: one takes 2,000 requests a second, the account 20,000. */
function partitionOf(key: string): string {
  return key.slice(0, 2);
}

function rowOf(key: string): string {
  return key.slice(2);
}

function encode(embedding: Float32Array): Uint8Array {
  // A copy, because the client sends the whole buffer of a view.
  return new Uint8Array(embedding.buffer, embedding.byteOffset, embedding.byteLength).slice();
}

function decode(value: unknown, dimensions: number): Float32Array {
  if (!(value instanceof Uint8Array) || value.byteLength !== 4 * dimensions) {
    throw new TypeError(`The cached embedding is not a vector of ${dimensions} numbers.`);
  }
  // A copy, because a Buffer from the pool need not be aligned to 4 bytes.
  const bytes = value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength);
  const embedding = new Float32Array(bytes);
  if (!embedding.every(Number.isFinite)) {
    throw new TypeError('The cached embedding has a value that is not a finite number.');
  }
  return embedding;
}
