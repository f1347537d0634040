import { type ApiKey, findApiKey } from '../../shared/api-keys.ts';
import { HttpError } from '../../shared/errors.ts';

/**
 * The name of the caller's key; undefined when the router is open to all (`keys` undefined).
 * Throws a 401 for no key or an unknown one.
 */
export function authenticate(
  keys: readonly ApiKey[] | undefined,
  header: (name: string) => string | null,
): string | undefined {
  if (keys === undefined) return undefined;
  const bearer = /^Bearer +(\S+)$/i.exec(header('authorization') ?? '')?.[1];
  // Either will do: some clients send a placeholder as the one beside the real other.
  for (const presented of [header('api-key'), bearer]) {
    const key = presented == null ? undefined : findApiKey(keys, presented);
    if (key !== undefined) return key.name;
  }
  throw new HttpError(
    keys.length === 0
      ? 'Nobody may call yet: set ROUTER_API_KEYS.'
      : 'Access denied: send one of the keys in ROUTER_API_KEYS as api-key or as Authorization: Bearer.',
    { status: 401, type: 'authentication_error', code: 'invalid_api_key' },
  );
}
