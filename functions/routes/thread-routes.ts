import type { ThreadRoutes } from '../../shared/handlers/thread-handlers.ts';
import type { RouteEntry } from './entry-routes.ts';

/** The routes of conversations that are kept. */
export function threadRoutes(handle: ThreadRoutes) {
  const folder = 'llm/threads';
  const access = { access: 'key' } as const;
  const one = { ...access, param: 'id', path: `${folder}/{id}` } as const;
  const messages = { ...one, path: `${one.path}/messages` } as const;
  return {
    'create-thread': {
      ...access,
      path: folder,
      method: 'POST',
      hasBody: true,
      handle: handle.create,
    },
    'list-threads': { ...access, path: folder, method: 'GET', handle: handle.list },
    'get-thread': { ...one, method: 'GET', handle: handle.get },
    'delete-thread': { ...one, method: 'DELETE', handle: handle.remove },
    'list-messages': { ...messages, method: 'GET', handle: handle.messages },
    'add-message': { ...messages, method: 'POST', hasBody: true, handle: handle.append },
  } satisfies Record<string, RouteEntry>;
}
