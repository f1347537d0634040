import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TableClient } from '@azure/data-tables';
import { describe, expect, test } from 'vitest';
import {
  createRegistryStore,
  type RegistryStore,
} from '../../../shared/registry/registry-store.ts';
import type { Version } from '../../../shared/registry/version.ts';
import { createCallLimits } from '../../../shared/storage/call-limits.ts';
import { createTableClient } from '../../../shared/storage/tables.ts';
import { takeStorageAccount } from '../../support/azurite.ts';

const azurite = takeStorageAccount();

function start(table = `t${randomUUID().replaceAll('-', '')}`) {
  const client = TableClient.fromConnectionString(azurite.connectionString, table, {
    allowInsecureConnection: true,
  });
  const store = createRegistryStore({ loadClient: async () => client });
  return { store, client, again: () => start(table) };
}

function version(number: number, changed: Partial<Version> = {}): Version {
  return {
    kind: 'deployment',
    name: 'mid',
    version: number,
    action: number === 1 ? 'create' : 'update',
    at: new Date(Date.UTC(2026, 0, number)).toISOString(),
    by: 'ops',
    definition: { endpoint: 'https://example.openai.azure.com', weight: number },
    ...changed,
  };
}

function deleted(number: number, changed: Partial<Version> = {}): Version {
  const { definition: _, ...rest } = version(number, changed);
  return { ...rest, action: 'delete' };
}

async function writeAll(store: RegistryStore, versions: readonly Version[]): Promise<void> {
  for (const one of versions) await store.write(one);
}

describe('the registry in a table', () => {
  test('is empty before its table exists', async () => {
    const { store } = start();
    expect(await store.load()).toEqual({ revision: '', entries: [], unreadable: [] });
    expect(await store.load('')).toBeUndefined();
    expect(await store.read('deployment', 'mid')).toBeUndefined();
    expect(await store.history('deployment', 'mid')).toEqual([]);
    expect(await store.purge(new Date())).toBe(0);
  });

  test('returns what was written, once for each change', async () => {
    const { store, again } = start();
    const useCase: Version = {
      ...version(1),
      kind: 'use_case',
      name: 'batch',
      definition: { daily_budget: 5 },
    };
    await writeAll(store, [version(1), version(2), useCase, deleted(1, { name: 'gone' })]);
    const other = again().store;
    const { revision, entries } = (await other.load()) ?? {};
    expect(entries).toEqual([deleted(1, { name: 'gone' }), version(2), useCase]);
    expect(await other.load(revision)).toBeUndefined();
    await store.write(version(3));
    const next = await other.load(revision);
    expect(next?.revision).not.toBe(revision);
    expect(next?.entries).toContainEqual(version(3));
    expect(await other.read('deployment', 'mid')).toEqual(version(3));
    expect(await other.read('use_case', 'mid')).toBeUndefined();
  });

  test('keeps the history of each entry, the newest first', async () => {
    const { store } = start();
    const namesake = version(1, { name: 'mid.2' });
    await writeAll(store, [version(1), version(2), deleted(3), version(4), namesake]);
    const history = await store.history('deployment', 'mid');
    expect(history).toEqual([version(4), deleted(3), version(2), version(1)]);
    expect(await store.history('deployment', 'mid.2')).toEqual([namesake]);
  });

  test('sorts versions as numbers', async () => {
    const { store } = start();
    const all = Array.from({ length: 12 }, (_, index) => version(index + 1));
    await writeAll(store, all);
    const history = await store.history('deployment', 'mid');
    expect(history.map((one) => one.version)).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
  });

  test('accepts version 2 as the first of a deployment of the settings', async () => {
    const { store } = start();
    await store.write(version(2));
    expect(await store.read('deployment', 'mid')).toEqual(version(2));
    await expect(start().store.write(version(3))).rejects.toThrow('changed in the meantime');
  });

  test.each([1, 2, 4])(
    'refuses version %d after version 2, and does not change',
    async (number) => {
      const { store } = start();
      await writeAll(store, [version(1), version(2)]);
      const { revision } = (await store.load()) ?? {};
      await expect(store.write(version(number))).rejects.toThrow('changed in the meantime');
      expect(await store.load(revision)).toBeUndefined();
      expect(await store.history('deployment', 'mid')).toHaveLength(2);
    },
  );

  test('lets one of many writers of the same version win', async () => {
    const { store, again } = start();
    await store.write(version(1));
    for (let round = 2; round < 6; round += 1) {
      const writers = Array.from({ length: 8 }, (_, index) => ({ index, store: again().store }));
      const results = await Promise.allSettled(
        writers.map((one) => one.store.write(version(round, { by: `writer ${one.index}` }))),
      );
      const lost = results.filter(({ status }) => status === 'rejected');
      expect(lost).toHaveLength(7);
      for (const one of lost) {
        expect(one).toMatchObject({ reason: { name: 'VersionConflictError' } });
      }
    }
    const history = await store.history('deployment', 'mid');
    expect(history.map((one) => one.version)).toEqual([5, 4, 3, 2, 1]);
  });

  test('lets one of many creators win', async () => {
    const { store, again } = start();
    await store.write(version(1, { name: 'other' }));
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, () => again().store.write(version(1))),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('leaves out entries that it cannot read, and names them', async () => {
    const { store, client } = start();
    await writeAll(store, [version(1), version(1, { name: 'bad' }), version(1, { name: 'odd' })]);
    const row = { partitionKey: 'registry', version: 2 };
    await client.updateEntity(
      { ...row, rowKey: 'current|deployment|bad', definition: '{"endpoint": 5}' },
      'Merge',
    );
    await client.updateEntity(
      { ...row, rowKey: 'current|deployment|odd', definition: '{' },
      'Merge',
    );
    const { entries, unreadable } = (await store.load()) ?? {};
    expect(entries).toEqual([version(1)]);
    expect(unreadable?.map(({ name }) => name)).toEqual(['bad', 'odd']);
    expect(await store.read('deployment', 'bad')).toMatchObject({ name: 'bad', version: 2 });
    await store.write(version(3, { name: 'bad' }));
    expect(await store.read('deployment', 'bad')).toEqual(version(3, { name: 'bad' }));
  });

  test('refuses a definition that is too large', async () => {
    const { store } = start();
    const tags = Array.from({ length: 4_000 }, (_, index) => `tag-${index}`);
    const large = version(1, { definition: { endpoint: 'https://example.com', tags } });
    await expect(store.write(large)).rejects.toMatchObject({ status: 400 });
  });
});

describe('purged rows', () => {
  const day = (number: number) => new Date(Date.UTC(2026, 0, number, 12));

  test('are versions that were replaced before a time, and never the current one', async () => {
    const { store } = start();
    await writeAll(store, [version(1), version(2), version(3), version(4)]);
    expect(await store.purge(day(3))).toBe(2);
    const history = await store.history('deployment', 'mid');
    expect(history.map((one) => one.version)).toEqual([4, 3]);
    expect(await store.purge(day(3))).toBe(0);
    expect(await store.purge(day(30))).toBe(1);
    expect(await store.read('deployment', 'mid')).toEqual(version(4));
  });

  test('are deleted entries, with their history', async () => {
    const { store } = start();
    await writeAll(store, [version(1), deleted(2), version(5, { ...version(1), name: 'mid2' })]);
    expect(await store.purge(day(1))).toBe(0);
    expect(await store.purge(day(2))).toBe(3);
    expect(await store.read('deployment', 'mid')).toBeUndefined();
    expect(await store.history('deployment', 'mid')).toEqual([]);
    expect(await store.read('deployment', 'mid2')).toBeDefined();
    await store.write(version(1));
  });

  test('are removed by several instances concurrently, a hundred at a time', async () => {
    const { store, again } = start();
    const all = Array.from({ length: 130 }, (_, index) =>
      version(index + 1, { at: day(1).toISOString() }),
    );
    await writeAll(store, all);
    await Promise.all([store, again().store, again().store].map((one) => one.purge(day(2))));
    await store.purge(day(2));
    expect(await store.history('deployment', 'mid')).toHaveLength(1);
  });
});

describe('tables that fail', () => {
  test('make every operation fail in time', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const connection = azurite.connectionString.replace(
      /TableEndpoint=[^;]*/,
      `TableEndpoint=http://127.0.0.1:${port}/devstoreaccount1`,
    );
    const { ofRequests: limit } = createCallLimits({ timeoutMs: 200, maxCalls: 8 });
    const loadCredential = () => Promise.reject(new Error('The connection string has a key.'));
    const access = { loadCredential, limit };
    const store = createRegistryStore({
      loadClient: () => createTableClient({ connectionString: connection }, 'registry', access),
    });
    await Promise.all(
      [store.load(), store.read('deployment', 'mid'), store.write(version(1))].map((operation) =>
        expect(operation).rejects.toThrow(),
      ),
    );
    silent.closeAllConnections();
    silent.close();
  });
});
