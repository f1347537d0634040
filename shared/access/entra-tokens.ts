import type { JWTPayload, JWTVerifyOptions } from 'jose';
import type { Background } from '../base/background.ts';
import { HttpError } from '../base/errors.ts';
import { ForbiddenError, type Identity, isName } from './caller.ts';
import { createEntraKeys } from './entra-keys.ts';
import type { EntraAccess } from './entra-settings.ts';

/**
 * Finds out who sent an access token. Throws a 401 for an invalid one, a 403 for one without a role,
 * and a 503 when the tenant's keys cannot be fetched.
 */
export type VerifyToken = (token: string) => Promise<Identity>;

/** In characters. A token with all the groups that Entra ID puts into one has about 10 KB. */
const MAX_TOKEN_LENGTH = 16_384;

/** How far the clocks of the router and Entra ID may differ. */
const CLOCK_TOLERANCE_SECONDS = 60;

/** Returns true for three parts of base64url, the first of which is JSON. Keys do not look like this. */
export function looksLikeToken(credential: string): boolean {
  return /^eyJ[\w-]*\.[\w-]*\.[\w-]*$/.test(credential);
}

type TokenOptions = {
  readonly background: Background;
  readonly fetchTimeoutMs?: number;
  /** The time of day, in which tokens begin and end. */
  readonly now?: () => number;
  /** A clock that nobody sets, as `performance.now`. */
  readonly elapsedMs?: () => number;
};

/** Creates a check of access tokens, of both versions, of one tenant of Microsoft Entra ID. */
export function createVerifyToken(
  access: EntraAccess,
  { background, fetchTimeoutMs = 5_000, ...clock }: TokenOptions,
): VerifyToken {
  const { tenantId, authority } = access;
  const { now = Date.now, elapsedMs = () => performance.now() } = clock;
  const findKey = createEntraKeys({
    url: `${authority}/${tenantId}/discovery/v2.0/keys`,
    fetchTimeoutMs,
    now: elapsedMs,
    background,
  });
  const expected: JWTVerifyOptions = {
    // Entra ID signs with no other algorithm, and a token must not choose how it is checked.
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

/** All clouds except China's share one issuer. */
function issuerOfVersion1(authority: string): string {
  return authority.endsWith('.cn') ? 'https://sts.chinacloudapi.cn' : 'https://sts.windows.net';
}

function identify(payload: JWTPayload, access: EntraAccess): Identity {
  if (payload['tid'] !== access.tenantId) throw new InvalidTokenError('is of another tenant');
  // The client is in `azp` (version 2) or `appid` (version 1). Identity tokens, which tell a client
  // who its user is and do not grant access, have neither.
  const client = payload['azp'] ?? payload['appid'];
  if (typeof client !== 'string') throw new InvalidTokenError('is not an access token');
  // An e-mail address or a name is never used: those change hands.
  const name = payload['oid'] ?? client;
  if (typeof name !== 'string' || !isName(name)) throw new InvalidTokenError('has no subject');
  const isFrontDoor = access.frontDoors.includes(name.toLowerCase());
  const roles: readonly unknown[] = Array.isArray(payload['roles']) ? payload['roles'] : [];
  // Only a role counts, because an administrator assigns it: a scope is what a client may do for anybody.
  const isAdmin = access.adminRole !== undefined && roles.includes(access.adminRole);
  if (!isFrontDoor && !isAdmin) checkRoles([...roles, ...scopesOf(payload)], access.roles);
  return { caller: { name, role: isAdmin ? 'admin' : 'user' }, isFrontDoor };
}

function scopesOf({ scp }: JWTPayload): readonly string[] {
  return typeof scp === 'string' ? scp.split(' ').filter((scope) => scope !== '') : [];
}

/**
 * Throws a 403 unless the token holds a wanted role or scope, or any at all if none is configured.
 * Every application of a tenant can get a token for every audience: only a role or a scope, which
 * somebody granted, shows that the application is meant to call.
 */
function checkRoles(held: readonly unknown[], wanted: readonly string[]): void {
  const isAdmitted =
    wanted.length === 0 ? held.length > 0 : wanted.some((role) => held.includes(role));
  if (isAdmitted) return;
  throw new ForbiddenError(
    'The access token has no role or scope that allows calls: have one granted, one of ENTRA_ROLES if that is set.',
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

/** Says what is wrong in the router's own words: the library's message may quote the token. */
function whatIsWrong(error: unknown): string {
  const { code, claim } = error as { readonly code?: unknown; readonly claim?: unknown };
  if (code === 'ERR_JWT_EXPIRED') return 'has expired';
  if (code === 'ERR_JWT_CLAIM_VALIDATION_FAILED') return `has a claim ${claim} that does not fit`;
  if (code === 'ERR_JWKS_NO_MATCHING_KEY') return 'was signed with an unknown key';
  return 'is not valid';
}
