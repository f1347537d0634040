import type { JWTPayload, JWTVerifyOptions } from 'jose';
import { HttpError } from '../base/errors.ts';
import { ForbiddenError, type Identity, isName } from './caller.ts';
import { createEntraKeys } from './entra-keys.ts';
import type { EntraAccess } from './entra-settings.ts';

/** Who sent an access token. Throws a 401, a 403 without a role, or a 503 without the tenant's keys. */
export type VerifyToken = (token: string) => Promise<Identity>;

/** With all the groups that Entra ID puts into one, a token has about 10 KB. */
const MAX_TOKEN_LENGTH = 16_384;

/** By how much clocks may differ. */
const CLOCK_TOLERANCE_SECONDS = 60;

/** Three parts, of which the first is JSON in base64url. Keys do not look like this. */
export function looksLikeToken(credential: string): boolean {
  return /^eyJ[\w-]*\.[\w-]*\.[\w-]*$/.test(credential);
}

/** Checks access tokens of one tenant of Microsoft Entra ID, of both versions. */
export function createVerifyToken(
  access: EntraAccess,
  { fetchTimeoutMs = 5_000, now = Date.now } = {},
): VerifyToken {
  const { tenantId, authority } = access;
  const findKey = createEntraKeys({
    url: `${authority}/${tenantId}/discovery/v2.0/keys`,
    fetchTimeoutMs,
    now,
  });
  const expected: JWTVerifyOptions = {
    // The only one that Entra ID signs with. A token does not choose how it is checked.
    algorithms: ['RS256'],
    issuer: [`${authority}/${tenantId}/v2.0`, `${issuerOfVersion1(authority)}/${tenantId}/`],
    audience: [...access.audiences],
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    requiredClaims: ['exp', 'tid'],
  };

  return async (token) => {
    if (token.length > MAX_TOKEN_LENGTH) throw new InvalidTokenError('is too long');
    const { jwtVerify } = await import('jose');
    try {
      const options = { ...expected, currentDate: new Date(now()) };
      const { payload } = await jwtVerify(token, findKey, options);
      return identify(payload, access);
    } catch (error) {
      if (error instanceof HttpError) throw error;
      throw new InvalidTokenError(whatIsWrong(error), error);
    }
  };
}

/** All clouds but that of China share one. */
function issuerOfVersion1(authority: string): string {
  return authority.endsWith('.cn') ? 'https://sts.chinacloudapi.cn' : 'https://sts.windows.net';
}

function identify(payload: JWTPayload, access: EntraAccess): Identity {
  if (payload['tid'] !== access.tenantId) throw new InvalidTokenError('is of another tenant');
  // The client: version 2 has `azp`, version 1 `appid`. Identity tokens, which tell a client who
  // its user is and let nobody in, have neither.
  const client = payload['azp'] ?? payload['appid'];
  if (typeof client !== 'string') throw new InvalidTokenError('is no access token');
  // Never an e-mail address or a name: those change hands.
  const name = payload['oid'] ?? client;
  if (typeof name !== 'string' || !isName(name)) throw new InvalidTokenError('has no subject');
  const isFrontDoor = access.frontDoors.includes(name.toLowerCase());
  const roles: readonly unknown[] = Array.isArray(payload['roles']) ? payload['roles'] : [];
  // By a role alone, which an administrator assigns: a scope is what a client may do for anybody.
  const isAdmin = access.adminRole !== undefined && roles.includes(access.adminRole);
  if (!isFrontDoor && !isAdmin) checkRoles([...roles, ...scopesOf(payload)], access.roles);
  return { caller: { name, role: isAdmin ? 'admin' : 'user' }, isFrontDoor };
}

function scopesOf({ scp }: JWTPayload): readonly string[] {
  return typeof scp === 'string' ? scp.split(' ').filter((scope) => scope !== '') : [];
}

/**
 * Every application of a tenant gets a token for every audience: it takes a role or a scope, which
 * somebody granted, to tell who is meant to call.
 */
function checkRoles(held: readonly unknown[], wanted: readonly string[]): void {
  const isAdmitted =
    wanted.length === 0 ? held.length > 0 : wanted.some((role) => held.includes(role));
  if (isAdmitted) return;
  throw new ForbiddenError(
    'The access token has no role or scope that lets in: have one granted, of ENTRA_ROLES if that is set.',
    {
      code: 'role_required',
      headers: { 'www-authenticate': 'Bearer error="insufficient_scope"' },
    },
  );
}

class InvalidTokenError extends HttpError {
  constructor(what: string, cause?: unknown) {
    super(`The access token ${what}: get another one for this router.`, {
      status: 401,
      type: 'authentication_error',
      code: 'invalid_token',
      headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
      cause,
    });
  }
}

/** In words of our own: those of the library may quote the token. */
function whatIsWrong(error: unknown): string {
  const { code, claim } = error as { readonly code?: unknown; readonly claim?: unknown };
  if (code === 'ERR_JWT_EXPIRED') return 'has expired';
  if (code === 'ERR_JWT_CLAIM_VALIDATION_FAILED') return `has a claim ${claim} that does not fit`;
  if (code === 'ERR_JWKS_NO_MATCHING_KEY') return 'was signed with an unknown key';
  return 'is not valid';
}
