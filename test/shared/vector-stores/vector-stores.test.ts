import { randomUUID } from 'node:crypto';
import { TableClient } from '@azure/data-tables';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSimilarOutcomes } from '../../../shared/vector-stores/similar-outcomes.ts';
import { createSqliteEngine } from '../../../shared/vector-stores/sqlite-engine.ts';
import { createStoreRecords } from '../../../shared/vector-stores/store-records.ts';
import type { TextEmbedder } from '../../../shared/vector-stores/text-embedder.ts';
import type { VectorEngine } from '../../../shared/vector-stores/vector-engine.ts';
import { createVectorStores } from '../../../shared/vector-stores/vector-stores.ts';
import { takeStorageAccount } from '../../support/azurite.ts';
import { defaultLimit } from '../../support/call-limits.ts';

const NOON = Date.UTC(2026, 10, 27, 12);
const DAY_MS = 86_400_000;
const { signal } = new AbortController();
const whom = { signal };

const azurite = takeStorageAccount();
let engine: VectorEngine;
beforeAll(async () => {
  engine = createSqliteEngine(':memory:', defaultLimit);
});
afterAll(async () => {
  await engine.close();
});

/** An embedder whose dimensions are the numbers of letters and of words. */
const embedder: TextEmbedder = {
  id: 'counting',
  maxTokens: 100,
  findDimensions: async (wish = 2) => (wish === 2 ? 2 : undefined),
  embed: async (texts) => texts.map((text) => Float32Array.of(text.length, text.split(' ').length)),
};

function start() {
  const clock = { now: NOON };
  const now = () => clock.now;
  const table = TableClient.fromConnectionString(
    azurite.connectionString,
    `v${randomUUID().replaceAll('-', '')}`,
    { allowInsecureConnection: true },
  );
  const records = createStoreRecords(async () => table, now);
  const parts = { records, engine, embedders: [embedder], now };
  return { stores: createVectorStores(parts), outcomes: createSimilarOutcomes(parts), clock };
}

describe('a store that expires', () => {
  const expiry = { anchor: 'last_active_at', days: 2 } as const;

  test('does so after the last addition or search, and is purged with its items', async () => {
    const { stores, clock } = start();
    const wish = { expires_after: expiry };
    const [idle, added, searched] = await Promise.all([
      stores.create('app', wish, whom),
      stores.create('app', wish, whom),
      stores.create('app', wish, whom),
    ]);
    const item = { id: 'a', text: 'some words' };
    await stores.add('app', idle.id, { items: [item], whom });
    clock.now += DAY_MS;
    await stores.add('app', added.id, { items: [item], whom });
    await stores.search('app', searched.id, { query: 'x', limit: 1, minScore: -1, whom });
    clock.now += 1.5 * DAY_MS;
    expect((await stores.list('app')).map(({ id }) => id).toSorted()).toEqual(
      [added.id, searched.id].toSorted(),
    );
    await expect(stores.find('app', idle.id)).rejects.toMatchObject({ status: 404 });
    expect(await engine.count(idle)).toBe(1);
    expect(await stores.purge(new Date(clock.now))).toBe(1);
    expect(await engine.count(idle)).toBe(0);
    expect(await engine.count(added)).toBe(1);
    await stores.change('app', added.id, { expires_after: null });
    clock.now += 100 * DAY_MS;
    expect((await stores.list('app')).map(({ id }) => id)).toEqual([added.id]);
  });
});

describe('concurrent additions', () => {
  test('agree on the types of attributes, and are added whole or not at all', async () => {
    const { stores } = start();
    const { id } = await stores.create('app', {}, whom);
    const results = await Promise.allSettled(
      [1, 'x', 2, 'y'].map((kind) =>
        stores.add('app', id, { items: [{ text: 'a b', attributes: { kind } }], whom }),
      ),
    );
    const accepted = results.filter(({ status }) => status === 'fulfilled').length;
    expect(accepted).toBe(2);
    expect(await stores.count(await stores.find('app', id))).toBe(2);
  });
});

describe('recorded outcomes', () => {
  test('are found by text and by embedding, in the newest store of outcomes', async () => {
    const { stores, outcomes, clock } = start();
    expect(await outcomes.ofText('a b', 5, signal)).toBeUndefined();
    const metadata = { smart_router: 'outcomes' };
    await stores.create('admin', { metadata }, whom);
    clock.now += 60_000;
    const { id } = await stores.create('admin', { metadata }, whom);
    await stores.create('app', {}, whom);
    const attributes = { strong: 1, weak: 0.5 };
    await stores.add('admin', id, { items: [{ id: 'o', text: 'a b', attributes }], whom });
    clock.now += 60_000;
    expect(await outcomes.ofText('c d', 5, signal)).toMatchObject([{ id: 'o', attributes }]);
    const embedding = Float32Array.of(3, 2);
    expect(await outcomes.ofEmbedding('counting', embedding, 5)).toMatchObject([{ id: 'o' }]);
    expect(await outcomes.ofEmbedding('another', embedding, 5)).toBeUndefined();
    expect(await outcomes.ofEmbedding('counting', Float32Array.of(1), 5)).toBeUndefined();
  });
});
