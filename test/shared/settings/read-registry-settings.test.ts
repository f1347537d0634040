import { describe, expect, test } from 'vitest';
import { type Environment, SettingsReader } from '../../../shared/base/settings-reader.ts';
import { readRegistrySettings } from '../../../shared/settings/read-registry-settings.ts';

function read(env: Environment) {
  const reader = new SettingsReader(env);
  const settings = readRegistrySettings(reader);
  return { settings, problems: reader.problems };
}

describe('the settings of the registry', () => {
  test('have defaults', () => {
    expect(read({})).toEqual({
      settings: {
        table: 'registry',
        unread: 'refuse',
        refreshMs: 2_000,
        retentionDays: 90,
        spendingTable: 'spending',
        purgeSchedule: '0 30 3 * * *',
        prices: {},
        upstreamKeys: new Map(),
      },
      problems: [],
    });
  });

  test('are read', () => {
    const { settings, problems } = read({
      STRONG_PRICE: '4/20',
      WEAK_PRICE: '0.2/1.25',
      UPSTREAM_KEY_A: 'one',
      UPSTREAM_KEY_B: 'two',
      UPSTREAM_KEY_EMPTY: '',
      ROUTER_KEY_VAULT: 'https://kv-1.vault.azure.net/',
      ROUTER_KEY_VAULT_SECRETS: 'partner, other-one',
      REGISTRY_TABLE: 'models',
      REGISTRY_REFRESH_MS: '500',
      PURGE_SCHEDULE: '0 0 * * * *',
    });
    expect(problems).toEqual([]);
    expect(settings).toMatchObject({
      prices: { strong: { input: 4, output: 20 }, weak: { input: 0.2, output: 1.25 } },
      keyVault: { url: 'https://kv-1.vault.azure.net', secrets: ['partner', 'other-one'] },
      table: 'models',
      refreshMs: 500,
      purgeSchedule: '0 0 * * * *',
    });
    expect([...settings.upstreamKeys]).toEqual([
      ['UPSTREAM_KEY_A', 'one'],
      ['UPSTREAM_KEY_B', 'two'],
    ]);
  });

  test.each([
    ['STRONG_PRICE', '4'],
    ['STRONG_PRICE', '-1/2'],
    ['WEAK_PRICE', '1/2/3/4'],
    // The registry takes none that is so high: its API could not take back what it gave.
    ['WEAK_PRICE', '1/1000001'],
    ['REGISTRY_TABLE', 'my-table'],
    ['REGISTRY_REFRESH_MS', '9001'],
    ['REGISTRY_RETENTION_DAYS', '0'],
    ['PURGE_SCHEDULE', 'daily'],
    ['ROUTER_KEY_VAULT', 'https://evil.example.com'],
    ['ROUTER_KEY_VAULT', 'http://kv-1.vault.azure.net'],
    ['ROUTER_KEY_VAULT', 'https://kv-1.vault.azure.net.evil.com'],
    ['ROUTER_KEY_VAULT_SECRETS', 'a b'],
  ])('%s is not %s', (name, value) => {
    const { problems } = read({ [name]: value });
    expect(problems.join()).toContain(name);
  });

  test('never show a key that is none', () => {
    const { problems } = read({ UPSTREAM_KEY_A: 'the secret\nvalue' });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain('UPSTREAM_KEY_A');
    expect(problems[0]).not.toContain('secret');
  });

  test('name no secrets without their vault, and no vault without its secrets', () => {
    expect(read({ ROUTER_KEY_VAULT_SECRETS: 'a' }).problems).toEqual([
      expect.stringContaining('ROUTER_KEY_VAULT is missing'),
    ]);
    expect(read({ ROUTER_KEY_VAULT: 'https://kv-1.vault.azure.net' }).problems).toEqual([
      expect.stringContaining('ROUTER_KEY_VAULT_SECRETS is missing'),
    ]);
  });
});
