import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose';

export const TENANT = '11111111-2222-3333-4444-555555555555';
export const AUDIENCE = 'api://smart-router';
export const CALLER_ID = 'aaaaaaaa-0000-0000-0000-000000000001';

/** The way in which it fails to return its keys. */
type Fault = 'refusing' | 'failing' | 'silent' | 'nonsense' | 'redirecting';

type Claims = Readonly<Record<string, unknown>>;

export type FakeEntra = {
  /** The URL of the authority. */
  readonly url: string;
  /** The issuer of version 2 tokens. */
  readonly issuer: string;
  /** The number of requests for its keys. */
  readonly fetches: number;
  /** Signs a valid access token of version 2 with the given claims and header changed; undefined removes one. */
  sign(claims?: Claims, header?: Claims): Promise<string>;
  /** Signs with an unpublished key under the id of the current key. */
  forge(claims?: Claims, header?: Claims): Promise<string>;
  /** Returns the current public key as PEM. */
  publicKey(): Promise<string>;
  /** Signs with a new key from now on, and withdraws the previous one. */
  rotate(): Promise<void>;
  fail(fault: Fault | undefined): void;
  close(): Promise<void>;
};

type KeyPair = {
  readonly kid: string;
  readonly publicKey: CryptoKey;
  readonly privateKey: CryptoKey;
};

/** Serves the keys of a tenant of Microsoft Entra ID on a real port, and signs tokens with them. */
export async function startFakeEntra(): Promise<FakeEntra> {
  let pair = await findPair('key-1');
  const nobodys = await findPair('nobodys');
  let keyNumber = 1;
  let fetches = 0;
  let fault: Fault | undefined;
  const server = createServer(async (request, response) => {
    fetches += 1;
    if (request.url !== `/${TENANT}/discovery/v2.0/keys`) response.writeHead(404).end();
    else if (fault === undefined) response.end(JSON.stringify({ keys: [await toJwk(pair)] }));
    else failWith(fault, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer = `${url}/${TENANT}/v2.0`;

  function signWith(key: KeyPair, claims: Claims = {}, header = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const payload = {
      iss: issuer,
      aud: AUDIENCE,
      tid: TENANT,
      oid: CALLER_ID,
      azp: 'bbbbbbbb-0000-0000-0000-000000000001',
      roles: ['Router.Call'],
      iat: now,
      nbf: now,
      exp: now + 3_600,
      ver: '2.0',
      ...claims,
    };
    return new SignJWT(payload)
      .setProtectedHeader({ typ: 'JWT', alg: 'RS256', kid: key.kid, ...header })
      .sign(key.privateKey);
  }

  return {
    url,
    issuer,
    get fetches() {
      return fetches;
    },
    sign: (claims, header) => signWith(pair, claims, header),
    forge: (claims, header) => signWith({ ...nobodys, kid: pair.kid }, claims, header),
    publicKey: () => exportSPKI(pair.publicKey),
    rotate: async () => {
      keyNumber += 1;
      pair = await findPair(`key-${keyNumber}`);
    },
    fail: (how) => {
      fault = how;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Returns the settings with which a router accepts its tokens. */
export function entraSettings({ url }: FakeEntra): Readonly<Record<string, string>> {
  return { ENTRA_TENANT_ID: TENANT, ENTRA_AUDIENCE: AUDIENCE, ENTRA_AUTHORITY: url };
}

/** Key pairs are reused, since generating one takes a while. */
const pairs = new Map<string, Promise<KeyPair>>();

function findPair(kid: string): Promise<KeyPair> {
  const pair = pairs.get(kid) ?? generateKeyPair('RS256').then((keys) => ({ ...keys, kid }));
  pairs.set(kid, pair);
  return pair;
}

async function toJwk({ kid, publicKey }: KeyPair) {
  // Entra ID returns keys without `alg`.
  return { ...(await exportJWK(publicKey)), kid, use: 'sig' };
}

function failWith(fault: Fault, response: ServerResponse): void {
  switch (fault) {
    case 'refusing':
      response.destroy();
      break;
    case 'failing':
      response.writeHead(503).end('{"keys":[]}');
      break;
    case 'silent':
      // It sends a head without a body: a time limit on the head only would not help.
      response.writeHead(200).flushHeaders();
      break;
    case 'nonsense':
      response.end('<html></html>');
      break;
    case 'redirecting':
      response.writeHead(302, { location: '/elsewhere' }).end();
      break;
  }
}
