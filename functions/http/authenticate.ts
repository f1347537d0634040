import { type ApiKey, findApiKey } from '../../shared/access/api-keys.ts';
import { type Caller, type Identity, isName } from '../../shared/access/caller.ts';
import {
  createVerifyToken,
  looksLikeToken,
  type VerifyToken,
} from '../../shared/access/entra-tokens.ts';
import type { Access } from '../../shared/access/read-access.ts';
import type { Background } from '../../shared/base/background.ts';
import { HttpError, InvalidRequestError } from '../../shared/base/errors.ts';

type Header = (name: string) => string | null;

/** Returns the caller; undefined if the router is open to everybody. */
export type Authenticate = (header: Header) => Promise<Caller | undefined>;

/** The header that names the caller of the front door. Its policy overwrites any value that a client sent. */
const FRONT_DOOR_CALLER = 'x-front-door-caller';

/**
 * Creates the function that identifies callers. It throws a 401 for a missing or an unknown credential, a
 * 403 for a token without a role, and a 503 if a token cannot be checked.
 */
export function createAuthenticate(
  { apiKeys, entra, hostChecksKey }: Access,
  background: Background,
): Authenticate {
  if (hostChecksKey) {
    return async (header) => callerThrough({ name: 'front-door', role: 'user' }, header);
  }
  if (apiKeys === undefined) return async () => undefined;
  const identify = createIdentify(apiKeys, entra && createVerifyToken(entra, { background }));
  return async (header) => {
    const { caller, isFrontDoor } = await identify(header);
    return isFrontDoor ? callerThrough(caller, header) : caller;
  };
}

function createIdentify(
  keys: readonly ApiKey[],
  verifyToken: VerifyToken | undefined,
): (header: Header) => Promise<Identity> {
  const ways = [
    ...(keys.length === 0
      ? []
      : ['one of the keys in ROUTER_API_KEYS as api-key or as Authorization: Bearer']),
    ...(verifyToken
      ? ['an access token of Microsoft Entra ID for this router as Authorization: Bearer']
      : []),
  ];
  const message =
    ways.length === 0
      ? 'No credentials are configured yet: set ROUTER_API_KEYS or ENTRA_TENANT_ID.'
      : `Access denied: send ${ways.join(', or ')}.`;
  return async (header) => {
    const bearer = /^Bearer +(\S+)$/i.exec(header('authorization') ?? '')?.[1];
    // Either is enough: some clients send a placeholder as one and the real key as the other.
    for (const presented of [header('api-key'), bearer]) {
      const key = presented == null ? undefined : findApiKey(keys, presented);
      if (key !== undefined) return key;
    }
    if (verifyToken && bearer !== undefined && looksLikeToken(bearer)) return verifyToken(bearer);
    throw new HttpError(message, {
      status: 401,
      type: 'authentication_error',
      code: 'invalid_api_key',
      headers: { 'www-authenticate': 'Bearer' },
    });
  };
}

/**
 * The caller that the front door names, with the front door's rights. The header is trusted only after the
 * front door has proven itself. An invalid name is refused: such callers would otherwise share one name.
 */
function callerThrough(frontDoor: Caller, header: Header): Caller {
  const name = header(FRONT_DOOR_CALLER);
  if (name === null) return { ...frontDoor, name: 'front-door', role: 'user' };
  if (isName(name)) return { ...frontDoor, name, role: 'user' };
  throw new InvalidRequestError(
    `${FRONT_DOOR_CALLER} must be a name of letters, digits and _ . : -, up to 64. The front door's policy sets it.`,
    { param: FRONT_DOOR_CALLER },
  );
}
