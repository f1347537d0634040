import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import { buildApp } from '../bundle/build-app.ts';
import { type LocalHost, startLocalHost } from '../local-host/local-host.ts';
import { startLocalServices } from '../local-services/local-services.ts';
import { createVectorMaker, dot } from './made-up-vectors.ts';
import { residentMegabytes } from './process-usage.ts';
import { quantile } from './statistics.ts';

const PATH = '/llm/openai/v1/vector_stores';
const AT_ONCE = 1_000;
const QUERIES = 200;
const NEAREST = 10;

/** The filter lets through one item in this many. */
const GROUPS = 10;

type Json = Readonly<Record<string, unknown>>;
type Hit = { readonly file_id: string };

/** Fills a store over HTTP, searches it, restarts the app, and reports times, memory and recall. */
export async function measureStore(vectors: number, dimensions: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'smart-router-vectors-'));
  const file = join(folder, 'vectors.sqlite');
  const [services] = await Promise.all([
    startLocalServices({ VECTOR_STORE_FILE: file }),
    buildApp(),
  ]);
  const start = () =>
    startLocalHost({
      appFolder: fileURLToPath(new URL('../..', import.meta.url)),
      env: { ...process.env, ...services.settings, LOG_LEVEL: 'error' },
    });
  let host = await start();
  try {
    const before = await residentMegabytes(host.workerPid());
    const { id, all } = await fill(host, vectors, dimensions);
    const filled = await residentMegabytes(host.workerPid());
    const { size } = await stat(file);
    console.log(
      `Disk: ${megabytes(size)} MB; memory of the app: ${before} MB before, ${filled} MB after`,
    );
    await look(host, { id, all }, dimensions);
    console.log(
      `Memory of the app after the searches: ${await residentMegabytes(host.workerPid())} MB`,
    );
    await host.close();
    host = await start();
    await timeFirst(host, id, dimensions);
  } finally {
    await host.close();
    await services.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function fill(host: LocalHost, vectors: number, dimensions: number) {
  const pool = new Pool(host.url);
  const { id } = await ask(pool, '', { dimensions });
  const make = createVectorMaker(dimensions);
  const all: Float32Array[] = [];
  let busyMs = 0;
  while (all.length < vectors) {
    const first = all.length;
    const made = Array.from({ length: Math.min(AT_ONCE, vectors - first) }, make);
    all.push(...made);
    const items = made.map((vector, index) => ({
      id: `i${first + index}`,
      embedding: Buffer.from(vector.buffer).toString('base64'),
      attributes: { group: (first + index) % GROUPS },
    }));
    const from = performance.now();
    await ask(pool, `/${id}/embeddings`, { items });
    busyMs += performance.now() - from;
  }
  await pool.close();
  console.log(
    `${vectors} embeddings of ${dimensions} numbers, ${AT_ONCE} a call, in base64: ${Math.round((vectors / busyMs) * 1_000)} a second`,
  );
  return { id: String(id), all };
}

type FilledStore = { readonly id: string; readonly all: readonly Float32Array[] };
type Searches = {
  readonly queries: readonly Float32Array[];
  /** The group that the filter lets through; undefined searches without a filter. */
  readonly group: number | undefined;
};

async function look(host: LocalHost, store: FilledStore, dimensions: number): Promise<void> {
  const pool = new Pool(host.url, { connections: 1 });
  const make = createVectorMaker(dimensions, 2);
  // These vectors come from the same clusters as those in the store, but are not in it.
  const same = createVectorMaker(dimensions);
  const near = Array.from({ length: store.all.length + QUERIES }, same).slice(-QUERIES);
  const queries = { 'like others': near, 'like nothing': Array.from({ length: QUERIES }, make) };
  for (const [kind, wanted] of Object.entries(queries)) {
    for (const group of [undefined, 3]) {
      const { times, recall } = await search(pool, store, { queries: wanted, group });
      const [half, most] = [0.5, 0.99].map((q) => quantile(times, q).toFixed(1));
      const filter = group === undefined ? '' : `, filtered to one in ${GROUPS}`;
      console.log(
        `Searches ${kind}${filter}: recall@${NEAREST} ${recall.toFixed(4)}, p50 ${half} ms, p99 ${most} ms`,
      );
    }
  }
  await pool.close();
}

async function search(pool: Pool, { id, all }: FilledStore, { queries, group }: Searches) {
  const times: number[] = [];
  let found = 0;
  for (const query of queries) {
    const from = performance.now();
    const { data } = await ask(pool, `/${id}/search`, {
      query: Array.from(query),
      max_num_results: NEAREST,
      ...(group !== undefined && { filters: { type: 'eq', key: 'group', value: group } }),
    });
    times.push(performance.now() - from);
    const exact = exactly(all, query, group);
    found += (data as readonly Hit[]).filter(({ file_id: one }) => exact.has(one)).length;
  }
  return { times, recall: found / (NEAREST * queries.length) };
}

/** Finds the nearest items by comparing the query with every one. */
function exactly(
  all: readonly Float32Array[],
  query: Float32Array,
  group: number | undefined,
): ReadonlySet<string> {
  const best: { readonly id: string; readonly score: number }[] = [];
  for (const [index, vector] of all.entries()) {
    if (group !== undefined && index % GROUPS !== group) continue;
    const score = dot(vector, query);
    if (best.length === NEAREST && score <= (best.at(-1)?.score ?? 0)) continue;
    best.push({ id: `i${index}`, score });
    best.sort((a, b) => b.score - a.score);
    best.length = Math.min(best.length, NEAREST);
  }
  return new Set(best.map(({ id }) => id));
}

async function timeFirst(host: LocalHost, id: string, dimensions: number): Promise<void> {
  const pool = new Pool(host.url, { connections: 1 });
  const query = Array.from(createVectorMaker(dimensions, 3)());
  const times: string[] = [];
  for (let count = 0; count < 3; count += 1) {
    const from = performance.now();
    await ask(pool, `/${id}/search`, { query });
    times.push((performance.now() - from).toFixed(0));
  }
  console.log(`The first searches after a start: ${times.join(', ')} ms`);
  await pool.close();
}

async function ask(pool: Pool, path: string, body: Json): Promise<Json> {
  const answer = await pool.request({
    method: 'POST',
    path: PATH + path,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await answer.body.text();
  if (answer.statusCode !== 200)
    throw new Error(`${path} was answered ${answer.statusCode}: ${text}`);
  return JSON.parse(text) as Json;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
