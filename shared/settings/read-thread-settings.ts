import type { SettingsReader } from '../base/settings-reader.ts';
import { AFFINITIES, type SessionPolicy } from '../policy/session.ts';
import { TABLE_NAME } from './read-registry-settings.ts';

/** The storage of threads. */
export type ThreadSettings = {
  readonly table: string;
  readonly container: string;
  /** Absent: threads are not kept at all. */
  readonly blobs?: { readonly endpoint?: string; readonly connectionString?: string };
  /** The time that a thread is kept after its last message. */
  readonly ttlMs: number;
};

const DAY_MS = 86_400_000;

/** With TABLES_CONNECTION_STRING the blobs are in the same account, such as the local emulator. */
export function readThreadSettings(read: SettingsReader): ThreadSettings {
  const endpoint = read.url('BLOBS_ENDPOINT')?.href;
  const connectionString = read.text('TABLES_CONNECTION_STRING');
  if (endpoint?.startsWith('http:')) {
    read.problem('BLOBS_ENDPOINT must be an https address: a token is sent there.');
  }
  const blobs = endpoint === undefined ? connectionString && { connectionString } : { endpoint };
  return {
    table: read.matching('THREADS_TABLE', TABLE_NAME) ?? 'threads',
    container: read.matching('THREADS_CONTAINER', /^[a-z0-9](-?[a-z0-9]){2,62}$/) ?? 'threads',
    ...(blobs && { blobs }),
    ttlMs: (read.number('THREAD_TTL_DAYS', { min: 0.001, max: 3_650 }) ?? 30) * DAY_MS,
  };
}

/** Reads how conversations stay with their models. */
export function readSessionPolicy(read: SettingsReader): SessionPolicy {
  return {
    affinity: read.choice('ROUTER_SESSION_AFFINITY', AFFINITIES) ?? 'adaptive',
    switchMargin: read.number('ROUTER_SWITCH_MARGIN', { min: 0, max: 1 }) ?? 0.05,
  };
}
