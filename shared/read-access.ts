import { type ApiKey, parseApiKeys } from './api-keys.ts';
import type { SettingsReader } from './settings-reader.ts';

/** Set by the platform, never by core tools or the local host. */
const AZURE_SIGNS = ['WEBSITE_INSTANCE_ID', 'WEBSITE_SITE_NAME', 'WEBSITE_POD_NAME'];

/** Who may call. */
export type Access = {
  /** Absent: the router asks nobody for a key. Empty: nobody may call. */
  readonly apiKeys?: readonly ApiKey[];
  /**
   * True: the host lets in only who has its function key, which is how the front door shows that a
   * request came through it (`FRONT_DOOR=function-key`).
   */
  readonly hostChecksKey: boolean;
};

/** Reads the settings that open and close the router's door. */
export function readAccess(read: SettingsReader): Access {
  const isOpen = read.choice('ROUTER_AUTH', ['none', 'keys'] as const) === 'none';
  const hostChecksKey = read.choice('FRONT_DOOR', ['function-key'] as const) !== undefined;
  const text = read.text('ROUTER_API_KEYS');
  if (isOpen && text !== undefined) {
    read.problem('ROUTER_AUTH=none and ROUTER_API_KEYS contradict each other: remove one of them.');
  }
  if (hostChecksKey && text !== undefined) {
    read.problem(
      'FRONT_DOOR and ROUTER_API_KEYS contradict each other: callers show the front door their keys. Remove one of them.',
    );
  }
  if (isOpen && hostChecksKey) {
    read.problem('ROUTER_AUTH=none and FRONT_DOOR contradict each other: remove one of them.');
  }
  if (isOpen && AZURE_SIGNS.some((name) => read.text(name) !== undefined)) {
    read.problem(
      'ROUTER_AUTH=none opens the router to everybody and is refused in Azure: set ROUTER_API_KEYS.',
    );
  }
  if (isOpen || hostChecksKey) return { hostChecksKey };
  const { keys, problems } = parseApiKeys(text ?? '');
  for (const problem of problems) read.problem(problem);
  return { apiKeys: keys, hostChecksKey };
}
