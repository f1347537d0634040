import { describe, expect, test } from 'vitest';
import { type Access, readAccess } from '../../../shared/access/read-access.ts';
import { SettingsReader } from '../../../shared/base/settings-reader.ts';

const TENANT = '11111111-2222-3333-4444-55555555AAAA';
const entra = { ENTRA_TENANT_ID: TENANT, ENTRA_AUDIENCE: 'api://router, client-id' };
const keys = { ROUTER_API_KEYS: `ann=${'0'.repeat(64)}` };

function read(settings: Readonly<Record<string, string>>): {
  readonly access: Access;
  readonly problems: readonly string[];
} {
  const reader = new SettingsReader(settings);
  return { access: readAccess(reader), problems: reader.problems };
}

describe('access tokens of Entra ID', () => {
  test('are taken with a tenant and an audience', () => {
    const { access, problems } = read(entra);
    expect(problems).toEqual([]);
    expect(access).toEqual({
      apiKeys: [],
      hostChecksKey: false,
      entra: {
        tenantId: TENANT.toLowerCase(),
        authority: 'https://login.microsoftonline.com',
        audiences: ['api://router', 'client-id'],
        roles: [],
        frontDoors: [],
      },
    });
  });

  test('are taken beside keys, with all there is to say of them', () => {
    const { access, problems } = read({
      ...entra,
      ...keys,
      ENTRA_ROLES: 'Router.Call,chat',
      ENTRA_ADMIN_ROLE: 'Router.Admin',
      ENTRA_AUTHORITY: 'https://login.microsoftonline.us/',
      ENTRA_FRONT_DOOR: TENANT,
    });
    expect(problems).toEqual([]);
    expect(access.apiKeys).toHaveLength(1);
    expect(access.entra).toMatchObject({
      authority: 'https://login.microsoftonline.us',
      roles: ['Router.Call', 'chat'],
      adminRole: 'Router.Admin',
      frontDoors: [TENANT.toLowerCase()],
    });
  });

  test.each(['http://127.0.0.1:8080', 'http://localhost', 'http://[::1]:1'])(
    'may come unencrypted from this machine: %s',
    (authority) => {
      expect(read({ ...entra, ENTRA_AUTHORITY: authority }).problems).toEqual([]);
    },
  );

  test.each<[string, Record<string, string>]>([
    ['ENTRA_TENANT_ID', { ...entra, ENTRA_TENANT_ID: 'common' }],
    ['ENTRA_TENANT_ID', { ...entra, ENTRA_TENANT_ID: 'contoso.onmicrosoft.com' }],
    ['ENTRA_TENANT_ID is missing', { ENTRA_AUDIENCE: 'api://router' }],
    ['ENTRA_TENANT_ID is missing', { ENTRA_ROLES: 'a' }],
    ['ENTRA_TENANT_ID is missing', { ENTRA_ADMIN_ROLE: 'a' }],
    ['ENTRA_TENANT_ID is missing', { ENTRA_FRONT_DOOR: TENANT }],
    ['ENTRA_AUDIENCE is missing', { ENTRA_TENANT_ID: TENANT }],
    ['ENTRA_AUDIENCE is missing', { ENTRA_TENANT_ID: TENANT, ENTRA_AUDIENCE: ' , ' }],
    ['ENTRA_FRONT_DOOR', { ...entra, ENTRA_FRONT_DOOR: 'api-management' }],
    ['ENTRA_ADMIN_ROLE', { ...entra, ENTRA_ADMIN_ROLE: 'a b' }],
    ['ENTRA_AUTHORITY', { ...entra, ENTRA_AUTHORITY: 'http://login.example.com' }],
    ['ENTRA_AUTHORITY', { ...entra, ENTRA_AUTHORITY: 'http://127.0.0.1.example.com' }],
    ['ENTRA_AUTHORITY', { ...entra, ENTRA_AUTHORITY: 'https://login.example.com/tenant' }],
    ['ENTRA_AUTHORITY', { ...entra, ENTRA_AUTHORITY: 'login.example.com' }],
  ])('need %s: %j', (said, settings) => {
    const { problems } = read(settings);
    expect(problems).toEqual([expect.stringContaining(said)]);
  });
});

describe('what contradicts', () => {
  test.each<[string, Record<string, string>]>([
    ['ROUTER_AUTH=none and ENTRA_TENANT_ID', { ...entra, ROUTER_AUTH: 'none' }],
    ['ROUTER_AUTH=none and ROUTER_API_KEYS', { ...keys, ROUTER_AUTH: 'none' }],
    ['ROUTER_AUTH=none and FRONT_DOOR', { ROUTER_AUTH: 'none', FRONT_DOOR: 'function-key' }],
    ['FRONT_DOOR and ENTRA_TENANT_ID', { ...entra, FRONT_DOOR: 'function-key' }],
    ['FRONT_DOOR and ROUTER_API_KEYS', { ...keys, FRONT_DOOR: 'function-key' }],
  ])('%s', (said, settings) => {
    expect(read(settings).problems).toEqual([expect.stringContaining(said)]);
  });
});

test('opens nothing where nothing is set', () => {
  expect(read({})).toEqual({ access: { apiKeys: [], hostChecksKey: false }, problems: [] });
});
