import type { SettingsReader } from '../base/settings-reader.ts';
import type { Price } from '../spending/price.ts';

/** The vault whose secrets a definition may name, and the names that are allowed. */
type KeyVault = { readonly url: string; readonly secrets: readonly string[] };

/** The settings of the registry of deployments and use cases. */
export type RegistrySettings = {
  readonly table: string;
  /** The time between two reads of the registry by an instance, in ms. */
  readonly refreshMs: number;
  /** How a request that names a use case is answered until the registry has been read once. */
  readonly unread: 'refuse' | 'settings';
  /** The days that versions are kept after they are no longer in force. */
  readonly retentionDays: number;
  readonly spendingTable: string;
  /** The times at which expired data is removed: NCRONTAB, in UTC. */
  readonly purgeSchedule: string;
  /** The prices of the deployments in the settings. */
  readonly prices: { readonly strong?: Price; readonly weak?: Price };
  /** The keys that a definition may name, by the name of the setting. */
  readonly upstreamKeys: ReadonlyMap<string, string>;
  readonly keyVault?: KeyVault;
};

export const TABLE_NAME = /^[A-Za-z][A-Za-z0-9]{2,62}$/;

const KEY_PREFIX = 'UPSTREAM_KEY_';

/** The hosts of vaults in all clouds: the identity's token goes there. */
const VAULT_HOST = /^[a-z0-9-]{3,24}\.vault\.(azure\.net|usgovcloudapi\.net|azure\.cn)$/;

export function readRegistrySettings(read: SettingsReader): RegistrySettings {
  const [strong, weak] = [readPrice(read, 'STRONG_PRICE'), readPrice(read, 'WEAK_PRICE')];
  const keyVault = readKeyVault(read);
  return {
    table: read.matching('REGISTRY_TABLE', TABLE_NAME) ?? 'registry',
    refreshMs: read.integer('REGISTRY_REFRESH_MS', { min: 100, max: 9_000 }) ?? 2_000,
    unread: read.choice('REGISTRY_UNREAD', ['refuse', 'settings'] as const) ?? 'refuse',
    retentionDays: read.integer('REGISTRY_RETENTION_DAYS', { min: 1, max: 3_650 }) ?? 90,
    spendingTable: read.matching('SPENDING_TABLE', TABLE_NAME) ?? 'spending',
    purgeSchedule: read.matching('PURGE_SCHEDULE', /^(\S+ ){4,5}\S+$/) ?? '0 30 3 * * *',
    prices: { ...(strong && { strong }), ...(weak && { weak }) },
    upstreamKeys: readUpstreamKeys(read),
    ...(keyVault && { keyVault }),
  };
}

/**
 * Reads `4/20` or `4/20/0.4`: USD per million tokens of input, of output and of cached input, each below
 * the million that the registry accepts.
 */
function readPrice(read: SettingsReader, name: string): Price | undefined {
  const text = read.matching(name, /^\d{1,6}(\.\d+)?(\/\d{1,6}(\.\d+)?){1,2}$/);
  const [input, output, cachedInput] = text?.split('/').map(Number) ?? [];
  if (input === undefined || output === undefined) return undefined;
  return { input, output, ...(cachedInput !== undefined && { cached_input: cachedInput }) };
}

function readUpstreamKeys(read: SettingsReader): ReadonlyMap<string, string> {
  const keys = new Map<string, string>();
  for (const name of read.namesFrom(KEY_PREFIX)) {
    const key = read.secret(name);
    if (key !== undefined) keys.set(name, key);
  }
  return keys;
}

function readKeyVault(read: SettingsReader): KeyVault | undefined {
  const url = read.url('ROUTER_KEY_VAULT');
  const list = read.text('ROUTER_KEY_VAULT_SECRETS');
  const secrets = list?.split(',').map((name) => name.trim()) ?? [];
  if (!secrets.every((name) => /^[0-9A-Za-z-]{1,127}$/.test(name))) {
    read.problem(
      'ROUTER_KEY_VAULT_SECRETS must be a comma-separated list of names of secrets, of letters, digits and -.',
    );
  }
  if (url === undefined) {
    if (list !== undefined && !read.isBad('ROUTER_KEY_VAULT')) {
      read.problem('ROUTER_KEY_VAULT is missing: set it to the vault of ROUTER_KEY_VAULT_SECRETS.');
    }
    return undefined;
  }
  if (url.protocol !== 'https:' || url.port !== '' || !VAULT_HOST.test(url.hostname)) {
    read.problem('ROUTER_KEY_VAULT must be the address of a vault: https://NAME.vault.azure.net.');
    return undefined;
  }
  if (list === undefined && !read.isBad('ROUTER_KEY_VAULT_SECRETS')) {
    read.problem(
      'ROUTER_KEY_VAULT_SECRETS is missing: set it to the secrets of ROUTER_KEY_VAULT that a deployment may name.',
    );
  }
  return { url: url.origin, secrets };
}
