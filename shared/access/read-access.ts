import type { SettingsReader } from '../base/settings-reader.ts';
import { type ApiKey, parseApiKeys } from './api-keys.ts';
import { type EntraAccess, readEntra } from './entra-settings.ts';

/** Settings of the platform, which neither the Core Tools nor the local host have. */
const AZURE_SIGNS = ['WEBSITE_INSTANCE_ID', 'WEBSITE_SITE_NAME', 'WEBSITE_POD_NAME'];

/** The accepted credentials. */
export type Access = {
  /** Absent: the router asks for no key. Empty: no key is accepted. */
  readonly apiKeys?: readonly ApiKey[];
  /** The access tokens that are accepted as well as keys. */
  readonly entra?: EntraAccess;
  /**
   * True: the host accepts only requests with its function key, by which the front door proves that a
   * request came through it (`FRONT_DOOR=function-key`).
   */
  readonly hostChecksKey: boolean;
};

/** Reads the settings of authentication. */
export function readAccess(read: SettingsReader): Access {
  const isOpen = read.choice('ROUTER_AUTH', ['none', 'keys'] as const) === 'none';
  const hostChecksKey = read.choice('FRONT_DOOR', ['function-key'] as const) !== undefined;
  const apiKeys = readApiKeys(read);
  const entra = readEntra(read);
  const exclusive = isOpen ? 'ROUTER_AUTH=none' : hostChecksKey ? 'FRONT_DOOR' : undefined;
  if (exclusive === undefined) return { apiKeys, ...(entra && { entra }), hostChecksKey };
  // With a front door, callers authenticate there.
  const others = {
    FRONT_DOOR: isOpen && hostChecksKey,
    ROUTER_API_KEYS: read.text('ROUTER_API_KEYS') !== undefined,
    ENTRA_TENANT_ID: entra !== undefined,
  };
  for (const [name, isSet] of Object.entries(others)) {
    if (isSet) read.problem(`${exclusive} and ${name} contradict each other: remove one of them.`);
  }
  if (isOpen && AZURE_SIGNS.some((name) => read.text(name) !== undefined)) {
    read.problem(
      'ROUTER_AUTH=none opens the router to everybody and is refused in Azure: set ROUTER_API_KEYS or ENTRA_TENANT_ID.',
    );
  }
  return { hostChecksKey };
}

/** True if no credential is asked for. */
export function admitsAll({ apiKeys, entra, hostChecksKey }: Access): boolean {
  return apiKeys === undefined && entra === undefined && !hostChecksKey;
}

/** True if no credential is accepted. */
export function admitsNobody({ apiKeys, entra }: Access): boolean {
  return apiKeys?.length === 0 && entra === undefined;
}

/** True if every request comes from the same caller: with one key, or several of one name. */
export function hasOneCaller({ apiKeys = [], entra, hostChecksKey }: Access): boolean {
  const names = new Set(apiKeys.map(({ caller }) => caller.name));
  const hasFrontDoor = hostChecksKey || apiKeys.some(({ isFrontDoor }) => isFrontDoor);
  return entra === undefined && !hasFrontDoor && names.size <= 1;
}

function readApiKeys(read: SettingsReader): readonly ApiKey[] {
  const { keys, problems } = parseApiKeys(read.text('ROUTER_API_KEYS') ?? '');
  for (const problem of problems) read.problem(problem);
  return keys;
}
