import type { VectorStoreRoutes } from '../../shared/handlers/vector-store-handlers.ts';
import type { RouteEntry } from './entry-routes.ts';

/** The routes of stores of embeddings, in OpenAI's shapes where it has such. */
export function vectorStoreRoutes(handle: VectorStoreRoutes) {
  const folder = 'llm/openai/v1/vector_stores';
  const access = { access: 'key' } as const;
  const one = { ...access, param: 'id', path: `${folder}/{id}` } as const;
  const item = { ...access, param: ['id', 'item'], path: `${one.path}/embeddings/{item}` } as const;
  const post = { method: 'POST', hasBody: true } as const;
  return {
    'create-vector-store': { ...access, ...post, path: folder, handle: handle.create },
    'list-vector-stores': { ...access, path: folder, method: 'GET', handle: handle.list },
    'get-vector-store': { ...one, method: 'GET', handle: handle.get },
    'update-vector-store': { ...one, ...post, handle: handle.update },
    'delete-vector-store': { ...one, method: 'DELETE', handle: handle.remove },
    'search-vector-store': {
      ...one,
      ...post,
      path: `${one.path}/search`,
      handle: handle.search,
    },
    'add-embeddings': {
      ...one,
      ...post,
      path: `${one.path}/embeddings`,
      handle: handle.add,
      hasNumbers: true,
    },
    'get-embedding': { ...item, method: 'GET', handle: handle.getItem },
    'delete-embedding': { ...item, method: 'DELETE', handle: handle.removeItem },
  } satisfies Record<string, RouteEntry>;
}
