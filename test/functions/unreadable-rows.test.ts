import { TableClient } from '@azure/data-tables';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { takeStorageAccount } from '../support/azurite.ts';
import { post, ROUTED, type Router, startRouter } from '../support/router.ts';

const { connectionString } = takeStorageAccount();
let routers: readonly [Router, Router];
let url: string;
beforeAll(async () => {
  const settings = {
    TABLES_CONNECTION_STRING: connectionString,
    VECTOR_STORE_FILE: ':memory:',
    REGISTRY_REFRESH_MS: '200',
  };
  const first = await startRouter({ settings });
  routers = [first, await startRouter({ settings, simulator: first.simulator })];
  url = first.url;
});
afterAll(async () => {
  await routers[1].close();
  await routers[0].close();
});

const table = (name: string) =>
  TableClient.fromConnectionString(connectionString, name, { allowInsecureConnection: true });

async function call(method: string, path: string, body?: object, origin = url) {
  const response = await fetch(`${origin}/llm/${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape.
  return { status: response.status, body: (await response.json()) as any };
}

test.each([
  ['metadata', { metadata: '{"a":' }],
  ['number of messages', { count: 'many' }],
  ['times', { createdAt: 'once', expiresAt: 'never' }],
])(
  'a thread whose %s cannot be read is listed and deleted, and spoils no list',
  async (_, damage) => {
    const user = crypto.randomUUID();
    const [damaged, sound] = [
      (await call('POST', 'threads', { user })).body.id,
      (await call('POST', 'threads', { user })).body.id,
    ];
    await post(url + ROUTED, { prompt: 'Hi', thread_id: damaged });
    await table('threads').updateEntity({ partitionKey: damaged, rowKey: 'head', ...damage });
    const listed = await call('GET', `threads?user=${user}`);
    expect(
      listed.body.data.map((one: { id: string; damaged?: boolean }) => [one.id, one.damaged]),
    ).toEqual([
      [sound, undefined],
      [damaged, true],
    ]);
    expect(await call('GET', `threads/${damaged}/messages`)).toMatchObject({
      status: 200,
      body: { data: [{ role: 'user' }, { role: 'assistant' }] },
    });
    expect((await post(url + ROUTED, { prompt: 'Hi', thread_id: damaged })).body.error.code).toBe(
      'thread_damaged',
    );
    const added = await call('POST', `threads/${damaged}/messages`, {
      role: 'user',
      content: 'Hi',
    });
    expect(added.body.error.code).toBe('thread_damaged');
    expect((await call('DELETE', `threads/${damaged}`)).status).toBe(200);
    expect((await call('GET', `threads/${damaged}`)).status).toBe(404);
  },
);

test('a message that cannot be read is left out of its thread', async () => {
  const { id } = (await call('POST', 'threads', {})).body;
  for (const content of ['one', 'two', 'three']) {
    await call('POST', `threads/${id}/messages`, { role: 'user', content });
  }
  const rows = table('threads').listEntities({
    queryOptions: { filter: `PartitionKey eq '${id}'` },
  });
  for await (const { rowKey = '', json } of rows) {
    if (!String(json).includes('two')) continue;
    await table('threads').updateEntity({ partitionKey: id, rowKey, json: '{"role":' });
  }
  const { body } = await call('GET', `threads/${id}/messages`);
  expect(body.data.map((one: { content: string }) => one.content)).toEqual(['one', 'three']);
  expect((await post(url + ROUTED, { prompt: 'Hi', thread_id: id })).status).toBe(200);
});

test('a vector store whose record cannot be read is listed and deleted', async () => {
  const [damaged, sound] = [
    (await call('POST', 'openai/v1/vector_stores', { name: 'a' })).body.id,
    (await call('POST', 'openai/v1/vector_stores', { name: 'b' })).body.id,
  ];
  for await (const row of table('vectorstores').listEntities()) {
    if (row.rowKey !== damaged) continue;
    const { partitionKey = '', rowKey = '' } = row;
    const damage = { metadata: '{', attributeTypes: 'x', dimensions: 'x', createdAt: 'x' };
    await table('vectorstores').updateEntity({ partitionKey, rowKey, ...damage });
  }
  const listed = await call('GET', 'openai/v1/vector_stores');
  expect(listed.body.data.map((one: { id: string }) => one.id).toSorted()).toEqual(
    [damaged, sound].toSorted(),
  );
  expect((await call('DELETE', `openai/v1/vector_stores/${damaged}`)).status).toBe(200);
});

test.each([
  ['definition', { definition: '{' }],
  ['version', { version: 'x' }],
  ['version, which is one that was', { version: 1, definition: '{' }],
])('an entry of the registry whose %s cannot be read is repaired by a PUT', async (_, damage) => {
  const name = `case-${crypto.randomUUID().slice(0, 8)}`;
  await call('PUT', `use-cases/${name}`, { threshold: 0.5 });
  await call('PUT', `use-cases/${name}`, { threshold: 0.6 });
  const place = { partitionKey: 'registry', rowKey: `current|use_case|${name}` };
  await table('registry').updateEntity({ ...place, ...damage });
  expect((await call('PUT', `use-cases/${name}`, { threshold: 0.7 })).status).toBe(201);
  expect((await call('GET', `use-cases/${name}`)).body).toMatchObject({
    threshold: 0.7,
    version: 3,
  });
});

test('concurrent changes of an entry on two instances are all made', async () => {
  const changes = await Promise.all(
    Array.from({ length: 40 }, (_, index) =>
      call('PUT', 'use-cases/crowded', { threshold: index / 100 }, routers[index % 2]?.url),
    ),
  );
  const statuses = changes.map(({ status }) => status).toSorted();
  expect(statuses).toEqual([...Array(39).fill(200), 201]);
  expect((await call('GET', 'use-cases/crowded')).body.version).toBe(40);
});
