import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { UNKNOWN_MODEL } from '../../../shared/capabilities/capabilities.ts';
import { createCredentials } from '../../../shared/registry/credentials.ts';
import type { Auth, DeploymentDefinition } from '../../../shared/registry/definitions.ts';
import { createReadSecret } from '../../../shared/registry/key-vault-secrets.ts';
import type { Deployment } from '../../../shared/upstream/deployment.ts';

const own: Deployment = {
  name: 'strong',
  modelName: 'big',
  endpoint: 'https://own.openai.azure.com',
  apiStyle: 'azure',
  apiVersion: '1',
  apiKey: 'own-key',
  capabilities: UNKNOWN_MODEL,
};

type Setup = {
  readonly readSecret?: (name: string) => Promise<string>;
  readonly now?: () => number;
};

function start({ readSecret = async (name) => `secret of ${name}`, now }: Setup = {}) {
  return createCredentials({
    upstreamKeys: new Map([['UPSTREAM_KEY_A', 'key-a']]),
    settings: new Map([['strong', own]]),
    secrets: ['partner'],
    readSecret,
    ...(now && { now }),
  });
}

function withAuth(auth: Auth, endpoint = 'https://own.openai.azure.com/'): DeploymentDefinition {
  return { endpoint, auth };
}

describe('the credential of a deployment', () => {
  test('is the one that its definition names', async () => {
    const credentials = start();
    const resolve = (auth: Auth, name = 'strong') => credentials.resolve(name, withAuth(auth));
    expect(await resolve({ type: 'app_setting', name: 'UPSTREAM_KEY_A' })).toBe('key-a');
    expect(await resolve({ type: 'key_vault_secret', name: 'partner' })).toBe('secret of partner');
    expect(await resolve({ type: 'settings' })).toBe('own-key');
    expect(await resolve({ type: 'managed_identity' })).toBeUndefined();
    expect(await resolve({ type: 'none' })).toBeUndefined();
  });

  test.each([
    [
      'a setting that does not exist',
      { type: 'app_setting', name: 'UPSTREAM_KEY_B' },
      /UPSTREAM_KEY_A/,
    ],
    [
      'a setting of another kind',
      { type: 'app_setting', name: 'CACHE_KEY_SECRET' },
      /UPSTREAM_KEY_/,
    ],
    ['a secret that is not listed', { type: 'key_vault_secret', name: 'cache-key' }, /partner/],
  ] as const)('is never %s', async (_, auth, message) => {
    const credentials = start();
    expect(() => credentials.check('strong', withAuth(auth))).toThrow(message);
    await expect(credentials.resolve('strong', withAuth(auth))).rejects.toThrow(message);
  });

  test.each([
    ['of another name', 'middle', 'https://own.openai.azure.com'],
    ['at another host', 'strong', 'https://other.openai.azure.com'],
    ['at another port', 'strong', 'https://own.openai.azure.com:8443'],
    ['over plain http', 'strong', 'http://own.openai.azure.com'],
    ['at no address', 'strong', 'nonsense'],
  ])('of the settings is not sent to a deployment %s', async (_, name, endpoint) => {
    const definition = withAuth({ type: 'settings' }, endpoint);
    await expect(start().resolve(name, definition)).rejects.toMatchObject({
      status: 400,
      param: 'auth',
    });
  });

  test('that cannot be read is reported by its name only', async () => {
    const credentials = start({ readSecret: () => Promise.reject(new Error('the value')) });
    const definition = withAuth({ type: 'key_vault_secret', name: 'partner' });
    const error: unknown = await credentials.resolve('strong', definition).catch((one) => one);
    expect(error).toMatchObject({ status: 503, code: 'secret_unavailable' });
    expect(String(error)).toMatch(/partner/);
    expect(String(error)).not.toMatch(/the value/);
  });

  test('stays in use while the vault cannot be reached', async () => {
    let now = 0;
    const answers = ['first', undefined, 'second'];
    const credentials = start({
      readSecret: async () => {
        const answer = answers.shift();
        if (answer === undefined) throw new Error('down');
        return answer;
      },
      now: () => now,
    });
    const definition = withAuth({ type: 'key_vault_secret', name: 'partner' });
    const resolved: unknown[] = [];
    for (let look = 0; look < 3; look += 1) {
      resolved.push(await credentials.resolve('strong', definition));
      now += 5 * 60_000;
    }
    expect(resolved).toEqual(['first', 'first', 'second']);
  });

  test('is read from the vault once in some minutes', async () => {
    let reads = 0;
    const credentials = start({
      readSecret: async () => {
        reads += 1;
        return 'value';
      },
    });
    const definition = withAuth({ type: 'key_vault_secret', name: 'partner' });
    await credentials.resolve('strong', definition);
    await credentials.resolve('strong', definition);
    expect(reads).toBe(1);
  });
});

describe('a secret of a key vault', () => {
  /** Starts a server with the vault's REST API: first a challenge, then the secret for a token. */
  async function startVault(value: unknown) {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.url} ${request.headers.authorization ?? 'nobody'}`);
      if (request.headers.authorization === undefined) {
        const challenge =
          'Bearer authorization="https://login.microsoftonline.com/tenant", resource="https://vault.azure.net"';
        response.writeHead(401, { 'www-authenticate': challenge }).end();
        return;
      }
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ value, id: 'https://x.vault.azure.net/secrets/partner/1' }));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.close();
      server.closeAllConnections();
    });
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
  }

  const scopes: unknown[] = [];
  const loadCredential = async () => ({
    getToken: async (scope: unknown) => {
      scopes.push(scope);
      return { token: 'a-token', expiresOnTimestamp: Date.now() + 3_600_000 };
    },
  });
  // For a vault on this machine, without https and without a host name of the cloud.
  const local = { allowInsecureConnection: true, disableChallengeResourceVerification: true };

  test("is read with the identity's token for vaults", async () => {
    const vault = await startVault('partner-key');
    const readSecret = createReadSecret(vault.url, loadCredential, local);
    expect(await readSecret('partner')).toBe('partner-key');
    expect(vault.asked.at(-1)).toMatch(
      /^\/secrets\/partner\/?\?api(-|%2D)version=\S+ Bearer a-token$/,
    );
    expect(JSON.stringify(scopes)).toContain('https://vault.azure.net/.default');
  });

  test.each([['two\nlines'], [''], [undefined]])(
    'is refused as a key when it is %j',
    async (value) => {
      const vault = await startVault(value);
      const readSecret = createReadSecret(vault.url, loadCredential, local);
      await expect(readSecret('partner')).rejects.toThrow('printable ASCII');
    },
  );
});
