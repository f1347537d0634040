import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  SEARCH_KEY,
  type SearchSimulator,
  startSearchSimulator,
} from '../../tools/search-simulator/search-simulator.ts';
import { takeStorageAccount } from '../support/azurite.ts';
import { type Router, startRouter } from '../support/router.ts';

const STORES = '/llm/openai/v1/vector_stores';
const azurite = takeStorageAccount();
let search: SearchSimulator;
let folder: string;
/** One router for each engine. */
const routers: Record<string, Router> = {};
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'smart-router-stores-'));
  search = await startSearchSimulator();
  const hash = (key: string) => createHash('sha256').update(key).digest('hex');
  const common = {
    TABLES_CONNECTION_STRING: azurite.connectionString,
    ROUTER_API_KEYS: `app=${hash('app')},other=${hash('other')}`,
  };
  [routers['sqlite-vec'], routers['Azure AI Search']] = await Promise.all([
    startRouter({ settings: { ...common, VECTOR_STORE_FILE: join(folder, 'a.sqlite') } }),
    startRouter({
      settings: { ...common, AI_SEARCH_ENDPOINT: search.url, AI_SEARCH_API_KEY: SEARCH_KEY },
    }),
  ]);
});
afterAll(async () => {
  await Promise.all(Object.values(routers).map((router) => router.close()));
  await search.close();
  await rm(folder, { recursive: true, force: true });
});

describe.each(['sqlite-vec', 'Azure AI Search'])('vector stores on %s', (engine) => {
  const url = () => `${routers[engine]?.url}${STORES}`;

  async function call(method: string, path: string, body?: unknown, key = 'app') {
    const response = await fetch(url() + path, {
      method,
      headers: { 'api-key': key, 'content-type': 'application/json' },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape.
    return { status: response.status, body: (await response.json()) as any };
  }

  async function create(body: object = {}): Promise<string> {
    const made = await call('POST', '', body);
    expect(made.status).toBe(200);
    return made.body.id;
  }

  const HANDBOOK = [
    {
      id: 'leave',
      text: 'Annual leave is requested two weeks before it begins.',
      attributes: { chapter: 4 },
    },
    {
      id: 'pay',
      text: 'Salaries are paid on the last working day of the month.',
      attributes: { chapter: 5 },
    },
    {
      id: 'fire',
      text: 'When there is a fire, leave the building by the stairs.',
      attributes: { chapter: 9 },
    },
  ];

  test('take OpenAI’s own client: create, retrieve, update, list, search, delete', async () => {
    const client = new OpenAI({ baseURL: url().replace('/vector_stores', ''), apiKey: 'app' });
    const store = await client.vectorStores.create({
      name: 'handbook',
      metadata: { team: 'hr' },
      expires_after: { anchor: 'last_active_at', days: 7 },
    });
    expect(store).toMatchObject({
      object: 'vector_store',
      name: 'handbook',
      status: 'completed',
      metadata: { team: 'hr' },
      expires_after: { anchor: 'last_active_at', days: 7 },
      file_counts: { completed: 0, total: 0 },
    });
    expect(store.expires_at).toBe((store.last_active_at ?? 0) + 7 * 86_400);
    await client.vectorStores.update(store.id, { name: 'rules', expires_after: null });
    await call('POST', `/${store.id}/embeddings`, { items: HANDBOOK });
    const read = await client.vectorStores.retrieve(store.id);
    expect(read).toMatchObject({ name: 'rules', metadata: { team: 'hr' }, expires_at: null });
    expect(read.file_counts.total).toBe(3);
    const listed: string[] = [];
    for await (const { id } of client.vectorStores.list({ limit: 1 })) listed.push(id);
    expect(listed).toContain(store.id);
    const found = await client.vectorStores.search(store.id, {
      query: 'How do I request annual leave?',
      filters: { type: 'lt', key: 'chapter', value: 9 },
      max_num_results: 1,
    });
    expect(found.data).toHaveLength(1);
    expect(found.data[0]).toMatchObject({
      file_id: 'leave',
      attributes: { chapter: 4 },
      content: [{ type: 'text', text: HANDBOOK[0]?.text }],
    });
    expect(await client.vectorStores.delete(store.id)).toEqual({
      id: store.id,
      object: 'vector_store.deleted',
      deleted: true,
    });
    await expect(client.vectorStores.retrieve(store.id)).rejects.toMatchObject({ status: 404 });
  });

  test('keep items, by texts and embeddings, and give, replace and delete them', async () => {
    const id = await create({ dimensions: 3 });
    const bytes = Buffer.from(Float32Array.of(0, 1, 0).buffer).toString('base64');
    const added = await call('POST', `/${id}/embeddings`, {
      items: [{ id: 'a', embedding: [1, 0, 0], text: 'x' }, { embedding: bytes }],
    });
    expect(added.body.data).toMatchObject([{ id: 'a' }, { id: expect.stringMatching(/^emb_/) }]);
    const [, { id: second }] = added.body.data;
    expect((await call('GET', `/${id}/embeddings/${second}`)).body).toMatchObject({
      id: second,
      vector_store_id: id,
      embedding: [0, 1, 0],
      text: null,
      attributes: {},
    });
    await call('POST', `/${id}/embeddings`, {
      items: [{ id: 'a', embedding: [0, 0, 2], attributes: { n: 1 } }],
    });
    expect((await call('GET', `/${id}/embeddings/a`)).body).toMatchObject({
      embedding: [0, 0, 2],
      text: null,
      attributes: { n: 1 },
    });
    const near = await call('POST', `/${id}/search`, {
      query: [0, 0.1, 1],
      ranking_options: { score_threshold: 0.9 },
    });
    expect(near.body).toMatchObject({
      object: 'vector_store.search_results.page',
      has_more: false,
      next_page: null,
      data: [{ file_id: 'a', attributes: { n: 1 } }],
    });
    expect(near.body.data).toHaveLength(1);
    expect(await call('DELETE', `/${id}/embeddings/a`)).toMatchObject({ status: 200 });
    for (const method of ['GET', 'DELETE']) {
      const gone = await call(method, `/${id}/embeddings/a`);
      expect(gone).toMatchObject({ status: 404, body: { error: { code: 'embedding_not_found' } } });
    }
  });

  test('accept a thousand embeddings of 1,536 numbers in one request', async () => {
    const id = await create({ dimensions: 1_536 });
    const embedding = Array.from({ length: 1_536 }, (_, index) => Math.fround(Math.sin(index)));
    const items = Array.from({ length: 1_000 }, (_, index) => ({ id: `i${index}`, embedding }));
    const added = await call('POST', `/${id}/embeddings`, { items });
    expect(added).toMatchObject({ status: 200 });
    expect((await call('GET', `/${id}`)).body.file_counts.total).toBe(1_000);
    await call('DELETE', `/${id}`);
  }, 30_000);

  test('belong to their caller', async () => {
    const id = await create({ dimensions: 2 });
    await call('POST', `/${id}/embeddings`, { items: [{ id: 'a', embedding: [1, 0] }] });
    for (const [method, path, body] of [
      ['GET', `/${id}`],
      ['POST', `/${id}`, { name: 'mine' }],
      ['POST', `/${id}/embeddings`, { items: [{ embedding: [1, 0] }] }],
      ['GET', `/${id}/embeddings/a`],
      ['DELETE', `/${id}/embeddings/a`],
      ['POST', `/${id}/search`, { query: [1, 0] }],
      ['DELETE', `/${id}`],
      ['GET', `/${"vs_x' or '1"}`],
    ] as const) {
      const answer = await call(method, path, body, 'other');
      expect(answer).toMatchObject({
        status: 404,
        body: { error: { code: 'vector_store_not_found' } },
      });
    }
    expect((await call('GET', '', undefined, 'other')).body.data).toEqual([]);
    expect((await call('GET', `/${id}`)).body.file_counts.total).toBe(1);
  });

  test('are listed in pages, in either order, before and after one', async () => {
    const made: string[] = [];
    for (let count = 0; count < 4; count += 1)
      made.push(await create({ name: `page ${count}`, dimensions: 2 }));
    const ids = async (query: string) =>
      (await call('GET', `?${query}`)).body.data.map((one: { id: string }) => one.id);
    const all = await ids('limit=100&order=asc');
    expect(all.filter((id: string) => made.includes(id))).toEqual(made);
    expect(await ids('limit=100')).toEqual(all.toReversed());
    expect(await ids(`limit=2&order=asc&after=${made[0]}`)).toEqual(made.slice(1, 3));
    expect(await ids(`limit=2&order=asc&before=${made[3]}`)).toEqual(made.slice(1, 3));
  });

  test.each<[string, object | string, string, RegExp]>([
    [
      'a vector of another length',
      { items: [{ embedding: [1] }] },
      'items.0.embedding',
      /1 numbers.*takes 3/,
    ],
    ['NaN', '{"items":[{"embedding":[1,2,NaN]}]}', 'body', /JSON/],
    ['null for a number', { items: [{ embedding: [1, 2, null] }] }, 'items.0.embedding', /./],
    [
      'what float32 cannot hold',
      { items: [{ embedding: [1e300, 0, 0] }] },
      'items.0.embedding',
      /./,
    ],
    ['zeros alone', { items: [{ embedding: [0, 0, 0] }] }, 'items.0.embedding', /direction/],
    ['bytes that are no numbers', { items: [{ embedding: 'AAAAA' }] }, 'items.0.embedding', /four/],
    ['neither text nor embedding', { items: [{ id: 'x' }] }, 'items.0', /neither/],
    ['no items', { items: [] }, 'items', /./],
    [
      '1,001 items',
      { items: Array.from({ length: 1_001 }, () => ({ embedding: [1, 0, 0] })) },
      'items',
      /1000/,
    ],
    [
      'an attribute of another type than before',
      { items: [{ embedding: [1, 0, 0] }, { embedding: [1, 0, 0], attributes: { n: 'x' } }] },
      'items.1.attributes.n',
      /string.*number/,
    ],
    [
      'too many attributes',
      {
        items: [
          {
            embedding: [1, 0, 0],
            attributes: Object.fromEntries(
              Array.from({ length: 17 }, (_, index) => [`a${index}`, 1]),
            ),
          },
        ],
      },
      'items.0.attributes',
      /16/,
    ],
  ])('keep nothing of a call with %s', async (_, body, param, message) => {
    const id = await create({ dimensions: 3 });
    const first = { items: [{ id: 'a', embedding: [1, 0, 0], attributes: { n: 1 } }] };
    await call('POST', `/${id}/embeddings`, first);
    const answer = await call('POST', `/${id}/embeddings`, body);
    expect(answer).toMatchObject({ status: 400, body: { error: { param } } });
    expect(answer.body.error.message).toMatch(message);
    expect((await call('GET', `/${id}`)).body.file_counts.total).toBe(1);
  });

  test.each<[object, string, RegExp]>([
    [{ query: [1, 0] }, 'query', /2 numbers.*takes 3/],
    [{ query: '' }, 'query', /./],
    [{ query: [1, 0, 0], max_num_results: 51 }, 'max_num_results', /50/],
    [
      { query: [1, 0, 0], filters: { type: 'eq', key: 'n', value: 'x' } },
      'filters',
      /string.*number/,
    ],
    [{ query: [1, 0, 0], filters: { type: 'like', key: 'n', value: 1 } }, 'filters', /./],
    [
      { query: [1, 0, 0], filters: { type: 'and', filters: [{ type: 'gt', key: 'n' }] } },
      'filters',
      /neither a comparison/,
    ],
    [
      { query: [1, 0, 0], ranking_options: { score_threshold: 2 } },
      'ranking_options.score_threshold',
      /./,
    ],
  ])('refuse the search %j', async (body, param, message) => {
    const id = await create({ dimensions: 3 });
    const first = { items: [{ id: 'a', embedding: [1, 0, 0], attributes: { n: 1 } }] };
    await call('POST', `/${id}/embeddings`, first);
    const answer = await call('POST', `/${id}/search`, body);
    expect(answer).toMatchObject({ status: 400, body: { error: { param } } });
    expect(answer.body.error.message).toMatch(message);
  });

  test('refuse texts over the embedder’s limit, files, and what is no store', async () => {
    const id = await create();
    const long = await call('POST', `/${id}/embeddings`, {
      items: [{ text: 'fine' }, { text: 'word '.repeat(9_000) }],
    });
    expect(long).toMatchObject({ status: 400, body: { error: { param: 'items.1.text' } } });
    expect((await call('GET', `/${id}`)).body.file_counts.total).toBe(0);
    expect(await call('POST', '', { file_ids: ['file-1'] })).toMatchObject({ status: 400 });
    expect(await call('POST', '', { dimensions: 5_000 })).toMatchObject({ status: 400 });
    expect(await call('GET', '?order=up')).toMatchObject({ status: 400 });
    expect(await call('GET', '?limit=0')).toMatchObject({ status: 400 });
    expect(await call('GET', '?after=vs_x')).toMatchObject({ status: 400 });
  });

  test('take no texts where the embedder gives other dimensions', async () => {
    const id = await create({ dimensions: 3_000 });
    expect((await call('GET', `/${id}`)).body).toMatchObject({ embedder: null, dimensions: 3_000 });
    const refused = await call('POST', `/${id}/embeddings`, { items: [{ text: 'x' }] });
    expect(refused).toMatchObject({ status: 400, body: { error: { param: 'items.0.text' } } });
    expect(refused.body.error.message).toMatch(/only embeddings of 3000/);
    const shorter = await create({ dimensions: 256 });
    await call('POST', `/${shorter}/embeddings`, { items: [{ id: 'a', text: 'x' }] });
    expect((await call('GET', `/${shorter}/embeddings/a`)).body.embedding).toHaveLength(256);
  });

  test('tell when the embedding deployment fails, and keep nothing', async () => {
    const id = await create();
    const answer = await call('POST', `/${id}/embeddings`, {
      items: [{ text: 'good' }, { text: '[sim:500@embeddings] bad' }],
    });
    expect(answer).toMatchObject({ status: 502, body: { error: { code: 'embedding_failed' } } });
    expect((await call('GET', `/${id}`)).body.file_counts.total).toBe(0);
  });

  test('embed texts in batches', async () => {
    const id = await create();
    const before = routers[engine]?.simulator.requests.length ?? 0;
    const items = Array.from({ length: 100 }, (_, index) => ({ text: `text ${index}` }));
    expect((await call('POST', `/${id}/embeddings`, { items })).status).toBe(200);
    expect((routers[engine]?.simulator.requests.length ?? 0) - before).toBeLessThan(10);
  });
});

describe('stores on SQLite', () => {
  const settings = () => ({
    TABLES_CONNECTION_STRING: azurite.connectionString,
    VECTOR_STORE_FILE: join(folder, 'b.sqlite'),
    VECTOR_STORES_TABLE: 'restarts',
  });
  const send = async (router: Router, path: string, body?: object) => {
    const response = await fetch(`${router.url}${STORES}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: the same.
    return { status: response.status, body: (await response.json()) as any };
  };

  test('survive a restart, and name both embedders when the new one is another', async () => {
    const { EMBEDDING_DEPLOYMENT, ...first } = { ...settings(), EMBEDDING_DEPLOYMENT: '' };
    const one = await startRouter({ settings: { ...first, EMBEDDING_DEPLOYMENT } });
    const made = await send(one, '', { name: 'local' });
    expect(made.body).toMatchObject({ embedder: 'local/2-folded', dimensions: 512 });
    const { id } = made.body;
    await send(one, `/${id}/embeddings`, {
      items: [
        { id: 'a', text: 'Annual leave' },
        { id: 'b', text: '月' },
      ],
    });
    await one.close();
    const again = await startRouter({ settings: { ...first, EMBEDDING_DEPLOYMENT } });
    const found = await send(again, `/${id}/search`, { query: 'annual leave' });
    expect(found.body.data[0]).toMatchObject({ file_id: 'a' });
    expect(found.body.data[0].score).toBeGreaterThan(0.99);
    const made2 = await send(again, '', { embedder: 'local/2-folded', dimensions: 2 });
    expect(made2.body).toMatchObject({ embedder: null, dimensions: 2 });
    await again.close();
    const other = await startRouter({ settings: settings() });
    const store = await send(other, '', {});
    expect(store.body).toMatchObject({ embedder: 'azure-openai/text-embedding-3-small' });
    await other.close();
    const larger = { ...settings(), EMBEDDING_MODEL: 'text-embedding-3-large' };
    const last = await startRouter({ settings: larger });
    const refused = await send(last, `/${store.body.id}/search`, { query: 'annual leave' });
    expect(refused).toMatchObject({ status: 409, body: { error: { code: 'embedder_mismatch' } } });
    expect(refused.body.error.message).toMatch(
      /text-embedding-3-small \(1536 dimensions\).*text-embedding-3-large \(3072 dimensions\)/,
    );
    await last.close();
  }, 30_000);

  test('that have expired are not found, and are removed by the purge', async () => {
    const router = await startRouter({ settings: settings() });
    const made = await send(router, '', { expires_after: { anchor: 'last_active_at', days: 1 } });
    expect(made.body.expires_at - made.body.last_active_at).toBe(86_400);
    await router.close();
  });

  test('are refused with what to set where nothing is configured', async () => {
    const router = await startRouter({});
    expect(await send(router, '', {})).toMatchObject({
      status: 409,
      body: { error: { code: 'vector_stores_not_configured' } },
    });
    await router.close();
  });
});
