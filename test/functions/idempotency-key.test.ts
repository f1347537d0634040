import { randomUUID } from 'node:crypto';
import { TableClient } from '@azure/data-tables';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { markKey } from '../../shared/threads/thread-rows.ts';
import { takeStorageAccount } from '../support/azurite.ts';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

const { connectionString } = takeStorageAccount();
let routers: readonly [Router, Router];
beforeAll(async () => {
  const settings = { TABLES_CONNECTION_STRING: connectionString };
  const first = await startRouter({ settings });
  routers = [first, await startRouter({ settings, simulator: first.simulator })];
});
afterAll(async () => {
  await routers[1].close();
  await routers[0].close();
});

const createThread = async (): Promise<string> =>
  (await post(`${routers[0].url}/llm/threads`, {})).body.id;

/** The calls to chat deployments that had this text. */
const callsWith = (text: string) =>
  routers[0].simulator.requests.filter(({ body }) => JSON.stringify(body).includes(text)).length;

describe.each([
  ['one instance', () => [routers[0], routers[0]] as const],
  ['two instances', () => routers],
])('two requests with one Idempotency-Key at once, on %s', (_, instances) => {
  test('ask one model, and get one answer', async () => {
    const [one, other] = instances();
    const id = await createThread();
    const text = `question ${id}`;
    const key = { 'idempotency-key': randomUUID() };
    const body = { prompt: `${text} [sim:slow:1500@chat]`, thread_id: id };
    const first = post(one.url + ROUTED, body, key);
    await expect.poll(() => callsWith(text)).toBe(1);
    const second = await post(other.url + ROUTED, body, key);
    expect(second).toMatchObject({
      status: 409,
      body: { error: { code: 'idempotency_key_in_use' } },
    });
    expect(Number(second.headers.get('retry-after'))).toBeGreaterThan(0);
    const answered = await first;
    expect(answered.status).toBe(200);
    const again = await post(other.url + ROUTED, body, key);
    expect(again.body.response).toBe(answered.body.response);
    expect(again.headers.get('x-smart-router-replayed')).toBe('true');
    expect(callsWith(text)).toBe(1);
  });

  test('that come in the same moment ask one model', async () => {
    const id = await createThread();
    const text = `question ${id}`;
    const key = { 'idempotency-key': randomUUID() };
    const body = { prompt: `${text} [sim:slow:500@chat]`, thread_id: id };
    const all = await Promise.all(
      [...instances(), ...instances()].map(({ url }) => post(url + ROUTED, body, key)),
    );
    const statuses = all.map(({ status }) => status).toSorted();
    expect(statuses).toEqual([200, 409, 409, 409]);
    expect(callsWith(text)).toBe(1);
  });
});

test('a request that failed can be sent again with its key at once', async () => {
  const id = await createThread();
  const key = { 'idempotency-key': randomUUID() };
  const url = routers[0].url + ROUTED;
  const failed = await post(url, { prompt: 'Hi [sim:401@chat]', thread_id: id }, key);
  expect(failed.status).toBe(401);
  expect((await post(url, { prompt: 'Hi', thread_id: id }, key)).status).toBe(200);
  const undecided = { prompt: 'Hi', thread_id: id, routing: { models: ['none'] } };
  const other = { 'idempotency-key': randomUUID() };
  expect((await post(url, undecided, other)).status).toBe(400);
  expect((await post(url, { prompt: 'Hi', thread_id: id }, other)).status).toBe(200);
});

test('a key that an ended process held is free after a while', async () => {
  const id = await createThread();
  const key = randomUUID();
  const client = TableClient.fromConnectionString(connectionString, 'threads', {
    allowInsecureConnection: true,
  });
  const held = { partitionKey: id, rowKey: markKey(key), holder: 'ended' };
  const ask = () =>
    post(routers[0].url + ROUTED, { prompt: 'Hi', thread_id: id }, { 'idempotency-key': key });
  await client.createEntity({ ...held, heldUntil: new Date(Date.now() + 60_000).toISOString() });
  expect((await ask()).status).toBe(409);
  await client.updateEntity({ ...held, heldUntil: new Date(0).toISOString() });
  const answered = await ask();
  expect(answered.status).toBe(200);
  expect((await ask()).body.response).toBe(answered.body.response);
});
