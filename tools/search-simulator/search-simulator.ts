import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseFilter } from './odata-filter.ts';

/** A small server that speaks the part of Azure AI Search's wire format that the router uses. */
export type SearchSimulator = {
  readonly url: string;
  /** Methods and paths of all requests. */
  readonly requests: readonly string[];
  /** Answers the next `times` requests with 503. */
  fail(times: number): void;
  close(): Promise<void>;
};

type Json = Readonly<Record<string, unknown>>;
type Index = {
  readonly dimensions: number;
  readonly documents: Map<string, Json>;
};

/** The key that the simulator accepts. */
export const SEARCH_KEY = 'key-of-the-simulator';

const PATH =
  /^\/indexes\('([^']+)'\)(?:\/docs(?:\/(search\.index|search\.post\.search)|\('([^']+)'\)))?$/;

/** The service's limits. */
const MAX_BATCH = 1_000;
const MAX_BATCH_BYTES = 16 * 1024 * 1024;

export async function startSearchSimulator(): Promise<SearchSimulator> {
  const indexes = new Map<string, Index>();
  const requests: string[] = [];
  let failures = 0;
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    const { pathname } = new URL(request.url ?? '', 'http://localhost');
    requests.push(`${request.method} ${decodeURIComponent(pathname)}`);
    if (failures > 0) {
      failures -= 1;
      answer(response, 503, problem('The service is busy.'));
      return;
    }
    try {
      const path = decodeURIComponent(pathname);
      const [status, json] = handle(indexes, request, { path, body });
      answer(response, status, json);
    } catch (error) {
      answer(response, 400, problem(error instanceof Error ? error.message : String(error)));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    fail: (times) => {
      failures = times;
    },
    close: async () => {
      server.closeAllConnections();
      if (server.listening) await once(server.close(), 'close');
    },
  };
}

type Answered = readonly [status: number, json: Json];

function handle(
  indexes: Map<string, Index>,
  { method, headers }: IncomingMessage,
  { path, body }: { readonly path: string; readonly body: string },
): Answered {
  if (headers['api-key'] !== SEARCH_KEY) return [403, problem('The key is wrong.')];
  const [, name = '', action, key] = PATH.exec(path) ?? [];
  if (method === 'PUT' && action === undefined && key === undefined) {
    const definition = JSON.parse(body) as Json;
    indexes.set(name, indexes.get(name) ?? createIndex(definition));
    return [201, definition];
  }
  const index = indexes.get(name);
  if (index === undefined) return [404, problem(`The index '${name}' was not found.`)];
  if (method === 'GET' && key !== undefined) {
    const found = index.documents.get(key);
    return found ? [200, found] : [404, problem('There is no such document.')];
  }
  if (method !== 'POST') return [405, problem('There is no such operation.')];
  const wish = JSON.parse(body) as Json;
  return action === 'search.index' ? write(index, wish, body.length) : search(index, wish);
}

function createIndex({ fields }: Json): Index {
  const vector = (fields as readonly Json[]).find(({ dimensions }) => dimensions !== undefined);
  return { dimensions: Number(vector?.['dimensions']), documents: new Map() };
}

function write({ dimensions, documents }: Index, { value }: Json, bytes: number): Answered {
  const actions = value as readonly Json[];
  if (actions.length > MAX_BATCH || bytes > MAX_BATCH_BYTES) {
    return [413, problem('The batch is too large.')];
  }
  const results = actions.map(({ '@search.action': action, ...document }) => {
    const key = String(document['key']);
    if (!/^[\w=-]+$/.test(key))
      throw new Error(`The key ${key} has characters that are not allowed.`);
    if (action === 'delete') documents.delete(key);
    else {
      const { embedding } = document as { readonly embedding: readonly number[] };
      if (embedding.length !== dimensions) throw new Error('The vector has the wrong length.');
      documents.set(key, { ...document, attributes: withNulls(document['attributes']) });
    }
    return { key, status: true, errorMessage: null, statusCode: action === 'delete' ? 200 : 201 };
  });
  return [200, { value: results }];
}

/** Sets fields that were not sent to null. */
function withNulls(attributes: unknown): readonly Json[] {
  return (attributes as readonly Json[]).map((one) => ({
    text: null,
    number: null,
    flag: null,
    ...one,
  }));
}

type VectorQuery = { readonly vector: readonly number[]; readonly k: number };

function search({ documents, dimensions }: Index, wish: Json): Answered {
  const { filter, select, top, count, vectorQueries } = wish;
  const test = typeof filter === 'string' ? parseFilter(filter) : () => true;
  const left = [...documents.values()].filter((document) => test(document, {}));
  const [query] = (vectorQueries ?? []) as readonly VectorQuery[];
  if (query !== undefined && query.vector.length !== dimensions) {
    throw new Error('The vector has the wrong length.');
  }
  const scored = left.map((document) => ({
    document,
    score: query ? 1 / (2 - cosine(query.vector, document['embedding'])) : 1,
  }));
  const nearest = scored.toSorted((a, b) => b.score - a.score).slice(0, query?.k);
  const fields = select === '*' ? undefined : String(select).split(',');
  const value = nearest.slice(0, Number(top)).map(({ document, score }) => ({
    '@search.score': score,
    ...Object.fromEntries(
      Object.entries(document).filter(([field]) => fields?.includes(field) ?? true),
    ),
  }));
  return [200, { ...(count === true && { '@odata.count': left.length }), value }];
}

function cosine(a: readonly number[], other: unknown): number {
  const b = other as readonly number[];
  let [dot, aa, bb] = [0, 0, 0];
  for (const [index, one] of a.entries()) {
    const two = b[index] ?? 0;
    dot += one * two;
    aa += one * one;
    bb += two * two;
  }
  return dot / Math.sqrt(aa * bb);
}

function problem(message: string): Json {
  return { error: { code: '', message } };
}

function answer(response: ServerResponse, status: number, json: Json): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
}
