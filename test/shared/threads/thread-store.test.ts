import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { TableClient } from '@azure/data-tables';
import { ContainerClient } from '@azure/storage-blob';
import { describe, expect, test } from 'vitest';
import { createBlobs } from '../../../shared/storage/blobs.ts';
import type { StoredMessage } from '../../../shared/threads/thread.ts';
import { createThreadStore } from '../../../shared/threads/thread-store.ts';
import { takeStorageAccount } from '../../support/azurite.ts';
import { defaultLimit } from '../../support/call-limits.ts';

const azurite = takeStorageAccount();

const NOON = Date.UTC(2026, 10, 27, 12);
const TTL_MS = 1_000_000;

function start(place = randomUUID().replaceAll('-', '')) {
  const clock = { now: NOON };
  const table = TableClient.fromConnectionString(azurite.connectionString, `t${place}`, {
    allowInsecureConnection: true,
  });
  const container = new ContainerClient(azurite.connectionString, `c${place}`);
  const store = createThreadStore({
    loadClient: async () => table,
    blobs: createBlobs(async () => container, defaultLimit),
    ttlMs: TTL_MS,
    now: () => clock.now,
  });
  return { store, clock, table, container, again: () => start(place) };
}

function says(content: string, role: StoredMessage['role'] = 'user'): StoredMessage {
  return { role, content };
}

const BROKEN = { requestId: 'r1', model: 'gpt', deployment: 'weak', tokens: 9, isIncomplete: true };

const whose = { owner: 'app', user: 'ada', metadata: { plan: 'free' } };

async function rowsOf(table: TableClient): Promise<number> {
  let count = 0;
  for await (const _ of table.listEntities()) count += 1;
  return count;
}

describe('a thread', () => {
  test('is created, found, added to and read', async () => {
    const { store, again } = start();
    const thread = await store.create(whose);
    expect(thread).toMatchObject({ ...whose, createdAt: NOON, expiresAt: NOON + TTL_MS, count: 0 });
    expect(await store.find(thread.id)).toEqual(thread);
    const messages = [says('Hi'), { ...says('Hello.', 'assistant'), refusal: null }];
    expect(await store.append(thread.id, { messages })).toEqual({
      first: 0,
      count: 2,
      isRepeated: false,
    });
    const other = again().store;
    expect(await other.append(thread.id, { messages: [says('And?')] })).toMatchObject({ first: 2 });
    expect(await other.find(thread.id)).toMatchObject({ count: 3, metadata: { plan: 'free' } });
    const read = await other.messages(thread.id, 0, 10);
    expect(read.map(({ index, message }) => [index, message])).toEqual([
      [0, messages[0]],
      [1, messages[1]],
      [2, says('And?')],
    ]);
    expect(await store.messages(thread.id, 1, 1)).toMatchObject([{ index: 1, at: NOON }]);
    expect(await store.messages(thread.id, 3, 10)).toEqual([]);
  });

  test('that does not exist is not found, and not added to', async () => {
    const { store } = start();
    expect(await store.find('thread_none')).toBeUndefined();
    const added = store.append('thread_none', { messages: [says('Hi')] });
    await expect(added).rejects.toMatchObject({ status: 404, code: 'thread_not_found' });
    expect(await store.messages('thread_none', 0, 10)).toEqual([]);
    expect(await store.list(whose, 10)).toEqual([]);
    expect(await store.purge(new Date())).toBe(0);
  });

  test('stores large messages whole, in blobs, alongside small ones', async () => {
    const { store, container } = start();
    const { id } = await store.create(whose);
    const texts = ['small', '漢'.repeat(20_000), 'x'.repeat(2_000_000), '\u0000"\\ud83d'];
    await store.append(id, { messages: texts.map((text) => says(text)) });
    const read = await store.messages(id, 0, 10);
    expect(read.map(({ message }) => message.content)).toEqual(texts);
    const blobs: string[] = [];
    for await (const { name } of container.listBlobsFlat()) blobs.push(name);
    expect(blobs).toHaveLength(2);
  });

  test('marks the last message of an incomplete addition', async () => {
    const { store } = start();
    const { id } = await store.create(whose);
    const messages = [says('Hi'), says('Hel', 'assistant')];
    await store.append(id, { messages, answer: BROKEN });
    const read = await store.messages(id, 0, 10);
    expect(read.map(({ isIncomplete }) => isIncomplete)).toEqual([false, true]);
    expect(read[1]).toMatchObject({ model: 'gpt', requestId: 'r1' });
  });

  test('replaces an incomplete answer by the next one with its key, once', async () => {
    const { store, again } = start();
    const { id } = await store.create(whose);
    await store.append(id, {
      messages: [says('Hi'), says('Hel', 'assistant')],
      answer: BROKEN,
      key: 'k',
    });
    await store.append(id, { messages: [says('Are you there?')] });
    const messages = [says('Hi'), says('Hello!', 'assistant')];
    const whole = { ...BROKEN, requestId: 'r2', isIncomplete: false };
    for (const isRepeated of [false, true]) {
      const added = await again().store.append(id, { messages, answer: whole, key: 'k' });
      expect(added).toEqual({ first: 0, count: 2, isRepeated });
    }
    const read = await store.messages(id, 0, 10);
    expect(read.map(({ message }) => message)).toEqual([...messages, says('Are you there?')]);
    expect(read.map(({ isIncomplete }) => isIncomplete)).toEqual([false, false, false]);
    expect(read[1]).toMatchObject({ requestId: 'r2' });
    expect(await store.find(id)).toMatchObject({ count: 3, answered: { tokens: 9 } });
  });

  test('refuses a key that came with other messages', async () => {
    const { store } = start();
    const { id } = await store.create(whose);
    await store.append(id, { messages: [says('a')], key: 'k' });
    await expect(store.append(id, { messages: [says('b')], key: 'k' })).rejects.toMatchObject({
      status: 422,
      code: 'idempotency_key_reused',
    });
    expect(await store.messages(id, 0, 10)).toHaveLength(1);
  });

  test('is read with its newest messages, and then with those before them', async () => {
    const { store } = start();
    const { id } = await store.create(whose);
    for (const text of ['a', 'b', 'c', 'd']) {
      await store.append(id, {
        messages: [says(text, text === 'b' ? 'system' : 'user')],
        key: text,
      });
    }
    const newest = await store.newest(id, 2);
    expect(newest?.thread).toMatchObject({ count: 4, instructions: [1] });
    expect(newest?.messages.map(({ message }) => message.content)).toEqual(['d', 'c']);
    const older = await store.before(id, 2, 10);
    expect(older.map(({ index, message }) => [index, message.content])).toEqual([
      [1, 'b'],
      [0, 'a'],
    ]);
    const { etag = '', thread } = newest ?? {};
    if (thread === undefined) throw new Error('not found');
    const messages = [says('e')];
    expect(await store.append(id, { messages }, { thread, etag })).toMatchObject({ first: 4 });
    // The thread has changed since it was read, so that it is read again.
    expect(await store.append(id, { messages }, { thread, etag })).toMatchObject({ first: 5 });
    expect(await store.newest('thread_none', 5)).toBeUndefined();
  });

  test('is read in smaller pages where messages are large', async () => {
    const { store } = start();
    const { id } = await store.create(whose);
    const large = says('x'.repeat(3_000_000));
    await store.append(id, { messages: [large, large, says('small')] });
    const sizes = async (from: number) => (await store.messages(id, from, 10)).length;
    expect([await sizes(0), await sizes(1), await sizes(2)]).toEqual([1, 2, 1]);
    expect((await store.newest(id, 10))?.messages).toHaveLength(2);
  });

  test('takes an addition with the same key once', async () => {
    const { store, again } = start();
    const { id } = await store.create(whose);
    const key = 'any / key # of ? the caller';
    await store.append(id, { messages: [says('a'), says('b')], key });
    for (const one of [store, again().store]) {
      expect(await one.append(id, { messages: [says('a'), says('b')], key })).toEqual({
        first: 0,
        count: 2,
        isRepeated: true,
      });
    }
    expect(await store.append(id, { messages: [says('c')], key: 'another' })).toMatchObject({
      first: 2,
    });
    expect(await store.messages(id, 0, 10)).toHaveLength(3);
  });

  test('loses and doubles nothing when many requests add concurrently, on several instances', async () => {
    const { store, again } = start();
    const { id } = await store.create(whose);
    const stores = [store, again().store, again().store];
    const accepted: string[] = [];
    await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const text = `message ${index}`;
        for (;;) {
          const added = await stores[index % 3]
            ?.append(id, { messages: [says(text)] })
            .catch((error: unknown) => {
              expect(error).toMatchObject({ status: 409, code: 'thread_conflict' });
              return undefined;
            });
          if (added !== undefined) break;
          await delay(20 * Math.random());
        }
        accepted.push(text);
      }),
    );
    const read = await store.messages(id, 0, 100);
    expect(read.map(({ index }) => index)).toEqual(Array.from({ length: 60 }, (_, index) => index));
    expect(read.map(({ message }) => message.content).toSorted()).toEqual(accepted.toSorted());
  });
});

describe('the threads of a user', () => {
  test('are listed, the newest first, and not listed for other users', async () => {
    const { store, clock } = start();
    const made: string[] = [];
    for (let count = 0; count < 5; count += 1) {
      made.unshift((await store.create(whose)).id);
      clock.now += 1_000;
    }
    await store.create({ ...whose, user: 'bob' });
    await store.create({ owner: 'app', metadata: {} });
    const all = await store.list(whose, 10);
    expect(all.map(({ id }) => id)).toEqual(made);
    expect((await store.list(whose, 2, all[1])).map(({ id }) => id)).toEqual(made.slice(2, 4));
    expect(await store.list({ owner: 'other', user: 'ada' }, 10)).toEqual([]);
    expect(await store.list({ owner: 'app' }, 10)).toHaveLength(1);
  });
});

describe('a thread that is deleted', () => {
  test('is gone with its messages and blobs', async () => {
    const { store, table, container } = start();
    const thread = await store.create(whose);
    for (let count = 0; count < 3; count += 1) {
      await store.append(thread.id, {
        messages: Array.from({ length: 64 }, () => says('x')),
        key: `${count}`,
      });
    }
    await store.append(thread.id, { messages: [says('x'.repeat(100_000))] });
    await store.remove(thread);
    expect(await store.find(thread.id)).toBeUndefined();
    expect(await store.messages(thread.id, 0, 10)).toEqual([]);
    expect(await store.list(whose, 10)).toEqual([]);
    await expect(store.append(thread.id, { messages: [says('x')] })).rejects.toMatchObject({
      status: 404,
    });
    expect(await rowsOf(table)).toBe(0);
    const { value } = await container.listBlobsFlat().next();
    expect(value).toBeUndefined();
    await store.remove(thread);
  });

  test('is removed completely by the next purge after an interruption', async () => {
    const { store, table } = start();
    const { id } = await store.create(whose);
    await store.append(id, { messages: [says('x')] });
    await table.updateEntity({ partitionKey: id, rowKey: 'head', isDeleted: true }, 'Merge');
    expect(await store.find(id)).toBeUndefined();
    expect(await store.purge(new Date(0))).toBe(1);
    expect(await rowsOf(table)).toBe(0);
  });
});

describe('a thread that has expired', () => {
  test('is not found, and is removed by the next purge; a thread in use stays', async () => {
    const { store, clock, table } = start();
    const [idle, used] = [await store.create(whose), await store.create(whose)];
    clock.now += TTL_MS / 2;
    await store.append(used.id, { messages: [says('x')] });
    expect(await store.purge(new Date(clock.now))).toBe(0);
    clock.now += TTL_MS / 2;
    expect(await store.find(idle.id)).toBeUndefined();
    expect(await store.find(used.id)).toBeDefined();
    await expect(store.append(idle.id, { messages: [says('x')] })).rejects.toMatchObject({
      status: 404,
    });
    expect(await store.purge(new Date(clock.now + 1))).toBe(1);
    // The row of the thread in use, its message, and its entry in the list.
    expect(await rowsOf(table)).toBe(3);
  });
});
