import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EntraAccess } from '../../../shared/access/entra-settings.ts';
import {
  createVerifyToken,
  looksLikeToken,
  type VerifyToken,
} from '../../../shared/access/entra-tokens.ts';
import { createBackground } from '../../../shared/base/background.ts';
import { HttpError } from '../../../shared/base/errors.ts';
import {
  AUDIENCE,
  CALLER_ID,
  type FakeEntra,
  startFakeEntra,
  TENANT,
} from '../../fakes/fake-entra.ts';

const OTHER = '99999999-2222-3333-4444-555555555555';
const HOUR_MS = 3_600_000;

let entra: FakeEntra;
let clockMs: number;
let verify: VerifyToken;
beforeEach(async () => {
  entra = await startFakeEntra();
  clockMs = 0;
  verify = create();
});
afterEach(() => entra.close());

function create(access: Partial<EntraAccess> = {}, fetchTimeoutMs = 5_000): VerifyToken {
  const options = {
    background: createBackground(() => undefined),
    fetchTimeoutMs,
    now: () => Date.now() + clockMs,
    elapsedMs: () => performance.now() + clockMs,
  };
  return createVerifyToken(
    {
      tenantId: TENANT,
      authority: entra.url,
      audiences: [AUDIENCE, 'the-client-id'],
      roles: [],
      frontDoors: [],
      ...access,
    },
    options,
  );
}

async function refusalOf(token: string, check = verify): Promise<HttpError> {
  const error: unknown = await check(token).then(
    () => new Error('The token was taken.'),
    (caught: unknown) => caught,
  );
  if (error instanceof HttpError) return error;
  throw error;
}

const statusOf = async (token: string) => (await refusalOf(token)).status;
const secondsFromNow = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

describe('a valid token', () => {
  test('names its caller by the object id', async () => {
    const token = await entra.sign({ preferred_username: 'ann@example.com', name: 'Ann' });
    expect(await verify(token)).toEqual({
      caller: { name: CALLER_ID, role: 'user' },
      isFrontDoor: false,
    });
  });

  test('names it by the client where there is no object id', async () => {
    const token = await entra.sign({ oid: undefined, azp: 'the-client' });
    expect((await verify(token)).caller.name).toBe('the-client');
  });

  test('may be of version 1', async () => {
    const claims = { iss: `https://sts.windows.net/${TENANT}/`, azp: undefined, appid: 'x' };
    expect((await verify(await entra.sign(claims))).caller.name).toBe(CALLER_ID);
  });

  test('may be for each of the audiences', async () => {
    expect(await verify(await entra.sign({ aud: 'the-client-id' }))).toBeDefined();
  });

  test("may be a user's, with a scope instead of a role", async () => {
    const token = await entra.sign({ roles: undefined, scp: 'access_as_user' });
    expect(await verify(token)).toBeDefined();
  });

  test('may be a minute early or late, as clocks are', async () => {
    expect(await verify(await entra.sign({ exp: secondsFromNow(-30) }))).toBeDefined();
    expect(await verify(await entra.sign({ nbf: secondsFromNow(30) }))).toBeDefined();
  });

  test('costs one request for keys, however many come concurrently', async () => {
    const token = await entra.sign();
    await Promise.all(Array.from({ length: 20 }, () => verify(token)));
    expect(entra.fetches).toBe(1);
  });
});

describe('a token is refused with a 401', () => {
  const claim = 'ERR_JWT_CLAIM_VALIDATION_FAILED';
  const key = 'ERR_JWKS_NO_MATCHING_KEY';
  const signature = 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED';
  const algorithm = 'ERR_JOSE_ALG_NOT_ALLOWED';

  test.each<[string, string, () => Promise<string> | string]>([
    ['for another audience', claim, () => entra.sign({ aud: 'api://other' })],
    ['without an audience', claim, () => entra.sign({ aud: undefined })],
    ['of another issuer', claim, () => entra.sign({ iss: 'https://login.example.com/v2.0' })],
    ["of another tenant's issuer", claim, () => entra.sign({ iss: `${entra.url}/${OTHER}/v2.0` })],
    ['without an issuer', claim, () => entra.sign({ iss: undefined })],
    ['of another tenant', 'is of another tenant', () => entra.sign({ tid: OTHER })],
    ['without a tenant', claim, () => entra.sign({ tid: undefined })],
    ['that has expired', 'ERR_JWT_EXPIRED', () => entra.sign({ exp: secondsFromNow(-120) })],
    ['that never expires', claim, () => entra.sign({ exp: undefined })],
    ['that is not valid yet', claim, () => entra.sign({ nbf: secondsFromNow(120) })],
    ['that was signed by somebody else', signature, () => entra.forge()],
    ['that brings its own key', signature, () => forgeWithKey()],
    ['of an unknown key', key, () => entra.sign({}, { kid: 'unknown' })],
    ['that was changed', signature, async () => withClaims(await entra.sign(), { oid: OTHER })],
    ['without a signature', signature, async () => (await entra.sign()).replace(/[^.]*$/, '')],
    ['of the algorithm none', algorithm, () => withHeader({ alg: 'none' })],
    ['of the algorithm None', algorithm, () => withHeader({ alg: 'None' })],
    ['signed with the public key as a secret', algorithm, () => signedWithPublicKey()],
    ['with a critical header', 'ERR_JOSE_NOT_SUPPORTED', () => withHeader({ crit: ['x'], x: 1 })],
    ['that tells who a user is', 'is not an access token', () => entra.sign({ azp: undefined })],
    ['without a subject that is a name', 'has no subject', () => entra.sign({ oid: 'ann <b>' })],
    ['that is too long', 'is too long', () => entra.sign({ groups: Array(1_000).fill(OTHER) })],
    ['that is not JSON', 'ERR_JWS_INVALID', () => 'eyJub.eyJub.eyJub'],
    ['that is empty', 'ERR_JWS_INVALID', () => 'eyJ..'],
  ])('%s', async (_what, why, createToken) => {
    const token = await createToken();
    const error = await refusalOf(token);
    expect(error).toMatchObject({ status: 401, code: 'invalid_token' });
    expect(String(Reflect.get(Object(error.cause), 'code') ?? error.message)).toContain(why);
    expect(error.headers['www-authenticate']).toBe('Bearer error="invalid_token"');
    for (const part of token.split('.')) {
      if (part.length > 5) expect(error.message).not.toContain(part);
    }
    expect(entra.fetches).toBeLessThan(2);
  });

  test('that says what is wrong with it', async () => {
    const expired = await refusalOf(await entra.sign({ exp: secondsFromNow(-120) }));
    expect(expired.message).toContain('has expired');
    const other = await refusalOf(await entra.sign({ aud: 'api://other' }));
    expect(other.message).toContain('aud');
    expect(other.message).not.toContain('api://other');
  });
});

describe('what a token may do', () => {
  test('is nothing without a role or a scope', async () => {
    for (const claims of [{ roles: [] }, { roles: undefined }, { roles: undefined, scp: ' ' }]) {
      const error = await refusalOf(await entra.sign(claims));
      expect(error).toMatchObject({ status: 403, code: 'role_required' });
      expect(error.headers['www-authenticate']).toContain('insufficient_scope');
    }
  });

  test('takes one of the roles or scopes that are wanted', async () => {
    const check = create({ roles: ['Router.Call', 'chat'] });
    expect(await check(await entra.sign())).toBeDefined();
    expect(await check(await entra.sign({ roles: undefined, scp: 'other chat' }))).toBeDefined();
    const other = await entra.sign({ roles: ['Router.Calls', 'router.call'], scp: 'chatting' });
    expect((await refusalOf(other, check)).status).toBe(403);
  });

  test("is an administrator's with the role for it, and not with a scope of that name", async () => {
    const check = create({ roles: ['Router.Call'], adminRole: 'Router.Admin' });
    const role = await check(await entra.sign({ roles: ['Router.Admin'] }));
    expect(role.caller.role).toBe('admin');
    const scope = await check(await entra.sign({ scp: 'Router.Admin' }));
    expect(scope.caller.role).toBe('user');
  });

  test("is the front door's for the identities that are named, without a role", async () => {
    const check = create({ frontDoors: [CALLER_ID], roles: ['Router.Call'] });
    expect(await check(await entra.sign({ roles: undefined }))).toMatchObject({
      isFrontDoor: true,
    });
    expect(await check(await entra.sign({ oid: OTHER }))).toMatchObject({ isFrontDoor: false });
  });
});

describe('the keys of the tenant', () => {
  test('are fetched again for a new key, but not for every token that names one', async () => {
    await verify(await entra.sign());
    await entra.rotate();
    const token = await entra.sign();
    expect(await statusOf(token)).toBe(401);
    expect(entra.fetches).toBe(1);
    clockMs += 31_000;
    expect(await verify(token)).toBeDefined();
    expect(entra.fetches).toBe(2);
    for (const kid of ['a', 'b', 'c']) await refusalOf(await entra.sign({}, { kid }));
    expect(entra.fetches).toBe(2);
  });

  test('are not accepted any more once they are withdrawn', async () => {
    const old = await entra.sign({ exp: secondsFromNow(2 * 3_600) });
    await verify(old);
    await entra.rotate();
    clockMs += HOUR_MS + 1;
    // The keys are fetched while this call goes on with the old ones.
    expect(await verify(old)).toBeDefined();
    await expect.poll(() => statusOf(old)).toBe(401);
    expect(entra.fetches).toBe(2);
  });

  test.each(['refusing', 'failing', 'nonsense', 'redirecting', 'silent'] as const)(
    'that cannot be fetched (%s) are a 503 immediately, and soon another try',
    async (fault) => {
      entra.fail(fault);
      verify = create({}, 1_000);
      const token = await entra.sign();
      const errors = await Promise.all([refusalOf(token), refusalOf(token)]);
      for (const error of errors) {
        expect(error).toMatchObject({ status: 503, code: 'auth_unavailable' });
        expect(error.headers['retry-after']).toBe('5');
      }
      const { fetches } = entra;
      expect(await statusOf(token)).toBe(503);
      expect(entra.fetches).toBe(fetches);
      entra.fail(undefined);
      clockMs += 5_001;
      expect(await verify(token)).toBeDefined();
    },
  );

  test('are used for up to a day while they cannot be fetched again', async () => {
    const token = await entra.sign({ exp: secondsFromNow(30 * 3_600) });
    await verify(token);
    entra.fail('failing');
    clockMs += 2 * HOUR_MS;
    expect(await verify(token)).toBeDefined();
    // Nobody can know whether this key was added since.
    expect(await statusOf(await entra.sign({}, { kid: 'new' }))).toBe(503);
    clockMs += 23 * HOUR_MS;
    expect(await statusOf(token)).toBe(503);
  });
});

describe('looksLikeToken', () => {
  test('tells tokens from keys', async () => {
    expect(looksLikeToken(await entra.sign())).toBe(true);
    for (const key of [
      '',
      'a-key',
      'a.b.c',
      'eyJhbGciOiJ',
      'sk-proj-1.2.3',
      `eyJ${'.'.repeat(9)}`,
    ]) {
      expect(looksLikeToken(key)).toBe(false);
    }
  });
});

function encode(json: unknown): string {
  return Buffer.from(JSON.stringify(json)).toString('base64url');
}

function decode(part = ''): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Record<string, unknown>;
}

function withClaims(token: string, claims: Record<string, unknown>): string {
  const [header, payload, signature] = token.split('.');
  return `${header}.${encode({ ...decode(payload), ...claims })}.${signature}`;
}

/** Signs with a key that the token itself says where to find. */
function forgeWithKey(): Promise<string> {
  return entra.forge({}, { jku: `${entra.url}/mine`, x5u: `${entra.url}/mine`, kid: undefined });
}

async function signedWithPublicKey(): Promise<string> {
  const [header, payload] = (await entra.sign()).split('.');
  const head = encode({ ...decode(header), alg: 'HS256' });
  const hmac = createHmac('sha256', await entra.publicKey()).update(`${head}.${payload}`);
  return `${head}.${payload}.${hmac.digest('base64url')}`;
}

/** Replaces the header and keeps the signature. */
async function withHeader(header: Record<string, unknown>): Promise<string> {
  const [old, payload, signature] = (await entra.sign()).split('.');
  return `${encode({ ...decode(old), ...header })}.${payload}.${signature}`;
}
