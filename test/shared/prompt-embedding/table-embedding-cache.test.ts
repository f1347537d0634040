import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createMemoryEmbeddingCache } from '../../../shared/prompt-embedding/embedding-cache.ts';
import { createPromptEmbedding } from '../../../shared/prompt-embedding/prompt-embedding.ts';
import { createTableEmbeddingCache } from '../../../shared/prompt-embedding/table-embedding-cache.ts';
import { createTableClient } from '../../../shared/storage/tables.ts';
import {
  describeEmbeddingCache,
  keyOf,
  vectorOf,
} from '../../contracts/embedding-cache-contract.ts';
import { takeStorageAccount } from '../../support/azurite.ts';
import { defaultLimit } from '../../support/call-limits.ts';

const DIMENSIONS = 1536;
const azurite = takeStorageAccount();

const noCredential = () => Promise.reject(new Error('A connection string needs no credential.'));
let tables = 0;

function start(options: { readonly connectionString?: string; readonly timeoutMs?: number } = {}) {
  tables += 1;
  const table = `cache${tables}`;
  const failures: unknown[] = [];
  const { connectionString = azurite.connectionString, timeoutMs = 5_000 } = options;
  const loadClient = () =>
    createTableClient({ connectionString }, table, {
      loadCredential: noCredential,
      limit: defaultLimit,
    });
  const cache = createTableEmbeddingCache({
    loadClient,
    dimensions: DIMENSIONS,
    timeoutMs,
    onFailure: (error) => failures.push(error),
  });
  return { cache, failures, loadClient };
}

function connectionTo(port: number): string {
  return azurite.connectionString.replace(
    /TableEndpoint=.*/,
    `TableEndpoint=http://127.0.0.1:${port}/devstoreaccount1`,
  );
}

/** Starts a server that accepts connections and never answers. */
async function startSilentServer() {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

describeEmbeddingCache('a table', { create: () => start().cache, dimensions: DIMENSIONS });

describe('a table that is missing', () => {
  test('is a miss but not a failure', async () => {
    const { cache, failures } = start();
    expect(await cache.get(keyOf('a'))).toBeUndefined();
    expect(failures).toEqual([]);
  });

  test('does not fail a probe', async () => {
    await expect(start().cache.probe()).resolves.toBeUndefined();
  });

  test('is created by the first writes, even by many concurrent ones', async () => {
    const { cache, failures } = start();
    const words = ['a', 'b', 'c', 'd', 'e'];
    await Promise.all(words.map((word) => cache.set(keyOf(word), vectorOf(DIMENSIONS, 1))));
    expect(failures).toEqual([]);
    for (const word of words) expect(await cache.get(keyOf(word))).toBeDefined();
  });
});

describe('a table service that is down', () => {
  async function startDown() {
    const silent = await startSilentServer();
    await silent.close();
    return start({ connectionString: connectionTo(silent.port) });
  }

  test('is a miss that is reported', async () => {
    const { cache, failures } = await startDown();
    expect(await cache.get(keyOf('a'))).toBeUndefined();
    expect(failures).toEqual([expect.any(Error)]);
  });

  test('fails a write', async () => {
    const { cache } = await startDown();
    await expect(cache.set(keyOf('a'), vectorOf(DIMENSIONS, 1))).rejects.toThrow();
  });

  test('fails a probe', async () => {
    const { cache } = await startDown();
    await expect(cache.probe()).rejects.toThrow();
  });
});

describe('a table service that never answers', () => {
  test('is a miss at the time limit', async () => {
    const silent = await startSilentServer();
    const { cache, failures } = start({
      connectionString: connectionTo(silent.port),
      timeoutMs: 100,
    });
    expect(await cache.get(keyOf('a'))).toBeUndefined();
    expect(failures).toEqual([expect.any(Error)]);
    await silent.close();
  });

  test('fails a probe at about the time limit', async () => {
    const silent = await startSilentServer();
    const { cache } = start({ connectionString: connectionTo(silent.port), timeoutMs: 100 });
    await expect(cache.probe()).rejects.toThrow();
    await silent.close();
  });
});

describe('an entity with other content', () => {
  const nan = vectorOf(DIMENSIONS, 1).with(5, Number.NaN);
  const infinite = vectorOf(DIMENSIONS, 1).with(5, Number.NEGATIVE_INFINITY);
  const bytesOf = (vector: Float32Array) =>
    new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);

  test.each<[string, Record<string, unknown>]>([
    ['a vector too short', { v: bytesOf(vectorOf(DIMENSIONS - 1, 1)) }],
    ['half a number', { v: bytesOf(vectorOf(DIMENSIONS, 1)).slice(2) }],
    ['no bytes', { v: new Uint8Array(0) }],
    ['a text', { v: 'a text' }],
    ['a number', { v: 7 }],
    ['NaN', { v: bytesOf(nan) }],
    ['infinity', { v: bytesOf(infinite) }],
    ['nothing', { other: 1 }],
  ])('is a miss that is reported, and can be replaced: %s', async (_, properties) => {
    const { cache, failures, loadClient } = start();
    const client = await loadClient();
    await client.createTable();
    const key = keyOf('a');
    await client.upsertEntity({
      partitionKey: key.slice(0, 2),
      rowKey: key.slice(2),
      ...properties,
    });
    expect(await cache.get(key)).toBeUndefined();
    expect(failures).toEqual([expect.any(TypeError)]);
    await cache.set(key, vectorOf(DIMENSIONS, 3));
    expect((await cache.get(key))?.[0]).toBe(3);
  });
});

test('a client that could not be created is created again at the next call', async () => {
  const { loadClient } = start();
  let loads = 0;
  const failures: unknown[] = [];
  const cache = createTableEmbeddingCache({
    loadClient: () => {
      loads += 1;
      return loads === 1 ? Promise.reject(new Error('not yet')) : loadClient();
    },
    dimensions: DIMENSIONS,
    timeoutMs: 5_000,
    onFailure: (error) => failures.push(error),
  });
  expect(await cache.get(keyOf('a'))).toBeUndefined();
  await cache.set(keyOf('a'), vectorOf(DIMENSIONS, 4));
  expect((await cache.get(keyOf('a')))?.[0]).toBe(4);
  expect(failures).toEqual([expect.any(Error)]);
});

test('no entity of the table contains the text of a prompt', async () => {
  const { cache, loadClient } = start();
  const work: Promise<unknown>[] = [];
  const getPromptEmbedding = createPromptEmbedding({
    embedder: { id: 'fake/1', embed: async () => vectorOf(DIMENSIONS, 1) },
    caches: [createMemoryEmbeddingCache(10), cache],
    dimensions: DIMENSIONS,
    inBackground: (one) => work.push(one()),
  });
  await getPromptEmbedding('salary of Ann');
  await Promise.all(work);
  const entities: object[] = [];
  for await (const entity of (await loadClient()).listEntities()) entities.push(entity);
  expect(entities).toHaveLength(1);
  expect(Object.keys(entities[0] ?? {}).sort()).toEqual([
    'etag',
    'partitionKey',
    'rowKey',
    'timestamp',
    'v',
  ]);
  const stored = JSON.stringify(entities);
  expect(stored).not.toMatch(/salary|Ann/);
  expect(stored).not.toContain(Buffer.from('salary of Ann').toString('base64').slice(0, 12));
});
