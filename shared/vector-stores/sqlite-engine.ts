import type { LimitCall } from '../storage/call-limits.ts';
import { shareUntilFailure } from '../storage/tables.ts';
import type { Attributes } from './attributes.ts';
import { type Database, openDatabase, type Row } from './sqlite-database.ts';
import { toCondition } from './sqlite-filter.ts';
import type { Statement } from './sqlite-worker.ts';
import type { Hit, VectorEngine, VectorQuery } from './vector-engine.ts';
import type { VectorItem } from './vector-store.ts';

// Small rows hold the attributes that filters need and one bit of each number: a search compares all bits
// of a store (Hamming distance), takes the nearest, and orders those by their full embeddings.

const SCHEMA = [
  `create table if not exists items (
    n integer primary key, store text not null, id text not null, created_at integer not null,
    attributes text not null, bits blob not null, text text, unique (store, id))`,
  'create index if not exists items_by_store on items (store)',
  'create table if not exists embeddings (n integer primary key, embedding blob not null)',
  `create trigger if not exists remove_embedding after delete on items
    begin delete from embeddings where n = old.n; end`,
];

/** Candidates compared by their full embeddings, per requested result and at least. */
const CANDIDATES_PER_RESULT = 20;
const MIN_CANDIDATES = 2_000;
/** With fewer dimensions, bits are too inaccurate. */
const MIN_DIMENSIONS_OF_BITS = 128;

/**
 * Creates an engine on SQLite with sqlite-vec, for one machine. The first call opens the file. Each call is
 * limited.
 */
export function createSqliteEngine(file: string, limit: LimitCall): VectorEngine {
  const load = shareUntilFailure(async () => {
    const database = await openDatabase(file);
    for (const sql of SCHEMA) await database.run([{ sql, runs: [[]] }]);
    return database;
  });
  let opened: Promise<Database> | undefined;

  async function run(...statements: Statement[]): Promise<readonly Row[]> {
    opened = load();
    const database = await opened;
    return limit(() => database.run(statements));
  }

  return {
    upsert: async ({ id: store }, items) => {
      await run(...upsertStatements(store, items));
    },
    get: async ({ id: store, dimensions }, id) => {
      const [row] = await run({
        sql: 'select i.*, e.embedding from items i join embeddings e using (n) where store = ? and id = ?',
        runs: [[store, id]],
      });
      return row && { ...toItem(row), embedding: fromBytes(row['embedding'], dimensions) };
    },
    remove: async ({ id: store }, id) => {
      const sql = 'delete from items where store = ? and id = ? returning id';
      return (await run({ sql, runs: [[store, id]] })).length > 0;
    },
    search: async ({ id: store }, query) => (await run(searchStatement(store, query))).map(toHit),
    count: async ({ id: store }) => {
      const sql = 'select count(*) as count from items where store = ?';
      const [row] = await run({ sql, runs: [[store]] });
      return Number(row?.['count']);
    },
    removeStore: async ({ id: store }) => {
      await run({ sql: 'delete from items where store = ?', runs: [[store]] });
    },
    close: async () => {
      await (await opened?.catch(() => undefined))?.close();
    },
  };
}

function upsertStatements(store: string, items: readonly VectorItem[]): Statement[] {
  return [
    {
      sql: `insert into items (store, id, created_at, attributes, bits, text)
        values (?, ?, ?, ?, vec_quantize_binary(?), ?)
        on conflict (store, id) do update set created_at = excluded.created_at,
          attributes = excluded.attributes, bits = excluded.bits, text = excluded.text`,
      runs: items.map(({ id, createdAt, attributes, embedding, text = null }) => [
        store,
        id,
        createdAt,
        JSON.stringify(attributes),
        toBytes(embedding),
        text,
      ]),
    },
    {
      sql: `insert into embeddings (n, embedding)
        values ((select n from items where store = ? and id = ?), ?)
        on conflict (n) do update set embedding = excluded.embedding`,
      runs: items.map(({ id, embedding }) => [store, id, toBytes(embedding)]),
    },
  ];
}

function searchStatement(store: string, { embedding, limit, filter }: VectorQuery): Statement {
  const bytes = toBytes(embedding);
  const condition = filter && toCondition(filter);
  const isByBits = embedding.length >= MIN_DIMENSIONS_OF_BITS;
  const candidates = Math.max(MIN_CANDIDATES, CANDIDATES_PER_RESULT * limit);
  const nearest = isByBits
    ? 'order by vec_distance_hamming(vec_bit(bits), vec_quantize_binary(?)) limit ?'
    : '';
  return {
    sql: `select i.id, i.created_at, i.attributes, i.text, vec_distance_cosine(e.embedding, ?) as distance
      from (select n from items where store = ? ${condition ? `and ${condition.sql}` : ''} ${nearest}) c
      join embeddings e using (n) join items i using (n)
      order by distance, i.id limit ?`,
    runs: [
      [bytes, store, ...(condition?.values ?? []), ...(isByBits ? [bytes, candidates] : []), limit],
    ],
  };
}

/** Pads with zeros to a multiple of eight, which bits need; they do not change a cosine. */
function toBytes(embedding: Float32Array): Uint8Array {
  const padded = new Float32Array(Math.ceil(embedding.length / 8) * 8);
  padded.set(embedding);
  return new Uint8Array(padded.buffer);
}

function fromBytes(value: unknown, dimensions: number): Float32Array {
  // A copy, since a row's bytes may begin anywhere in a buffer.
  return new Float32Array(Uint8Array.from(value as Uint8Array).buffer).slice(0, dimensions);
}

function toItem({ id, created_at, attributes, text }: Row): Omit<VectorItem, 'embedding'> {
  return {
    id: String(id),
    createdAt: Number(created_at),
    attributes: JSON.parse(String(attributes)) as Attributes,
    ...(typeof text === 'string' && { text }),
  };
}

function toHit(row: Row): Hit {
  return { ...toItem(row), score: 1 - Number(row['distance']) };
}
