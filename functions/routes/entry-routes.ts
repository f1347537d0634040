import type { HttpMethod } from '@azure/functions';
import type { EntryRoutes } from '../../shared/handlers/entry-handlers.ts';
import type { Route } from '../http/respond.ts';

export type RouteEntry = Route & { readonly path: string; readonly method: HttpMethod };

/** The names of the routes of one kind of entries. */
type EntryRouteName<One extends string> =
  | `list-${One}s`
  | `${'get' | 'put' | 'patch' | 'delete' | 'rollback'}-${One}`
  | `${One}-history`;

/** The routes of the registry's entries of one kind, below a folder: for admins. */
export function entryRoutes<One extends string>(
  one: One,
  folder: string,
  handle: EntryRoutes,
): Record<EntryRouteName<One>, RouteEntry> {
  const access = { access: 'admin' } as const;
  const named = { ...access, param: 'name', path: `${folder}/{name}` } as const;
  const routes: Record<string, RouteEntry> = {
    [`list-${one}s`]: { ...access, path: folder, method: 'GET', handle: handle.list },
    [`get-${one}`]: { ...named, method: 'GET', handle: handle.get },
    [`put-${one}`]: { ...named, method: 'PUT', hasBody: true, handle: handle.put },
    [`patch-${one}`]: { ...named, method: 'PATCH', hasBody: true, handle: handle.patch },
    [`delete-${one}`]: { ...named, method: 'DELETE', handle: handle.remove },
    [`${one}-history`]: {
      ...named,
      path: `${named.path}/history`,
      method: 'GET',
      handle: handle.history,
    },
    [`rollback-${one}`]: {
      ...named,
      path: `${named.path}/rollback`,
      method: 'POST',
      hasBody: true,
      handle: handle.rollback,
    },
  };
  return routes as Record<EntryRouteName<One>, RouteEntry>;
}
