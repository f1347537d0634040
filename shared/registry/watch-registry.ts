import { setTimeout as delay } from 'node:timers/promises';
import type { Background } from '../base/background.ts';
import type { Log } from '../base/log.ts';
import type { RegistryStore, Snapshot } from './registry-store.ts';

/** The state of the registry in the answer to `GET /ready`. */
export type RegistryState = {
  /** `unreachable`: the last entries read stay in force; `unread`: none has been read since the start. */
  readonly state: 'ok' | 'unreachable' | 'unread' | 'not-used';
  /** The time since the last read, in ms; absent before the first one. */
  readonly age_ms?: number;
  /** Entries that cannot be read or called, with the reasons; their previous version stays in force. */
  readonly problems: readonly string[];
};

type WatchOptions = {
  readonly store: Pick<RegistryStore, 'load'>;
  /** The interval between reads. */
  readonly refreshMs: number;
  /** The longest time that the start waits for the first read. */
  readonly startMs: number;
  /** Puts a snapshot in force, and returns the entries that cannot be, with the reasons. */
  readonly apply: (snapshot: Snapshot) => Promise<readonly string[]>;
  readonly background: Background;
  readonly log: Log;
  readonly now?: () => number;
};

export type RegistryWatcher = {
  /** Reads the registry now, and then at every interval. Never throws. */
  start(): Promise<void>;
  /** Reads the registry, beginning after this call, and puts it in force. Never throws. */
  refresh(): Promise<void>;
  state(): RegistryState;
};

/** Shortens intervals at random, so that instances read at different times. */
const JITTER = 0.1;

/** Entries are applied again after this time for changed secrets; those with problems, at every read. */
const REAPPLY_MS = 5 * 60_000;

/**
 * Keeps the registry's entries in force in this instance. While the registry cannot be reached, the last
 * entries read stay in force.
 */
export function watchRegistry(options: WatchOptions): RegistryWatcher {
  const { store, refreshMs, apply, background, log, now = () => performance.now() } = options;
  let applied: { readonly revision: string; readonly at: number } | undefined;
  let problems: readonly string[] = [];
  let state: RegistryState['state'] = 'unread';
  let reachedAt: number | undefined;
  let looking: Promise<unknown> = Promise.resolve();

  /** Returns the revision that need not be applied again; undefined to apply everything. */
  function knownRevision(): string | undefined {
    const isFresh = applied !== undefined && now() - applied.at < REAPPLY_MS;
    return isFresh && problems.length === 0 ? applied?.revision : undefined;
  }

  function tell(found: readonly string[]): void {
    const list = found.toSorted().join(', ');
    if (list !== '' && list !== problems.join(', ')) log('warning', 'registry-problems', { list });
    problems = found.toSorted();
  }

  async function look(): Promise<void> {
    try {
      const snapshot = await store.load(knownRevision());
      if (snapshot !== undefined) {
        tell(await apply(snapshot));
        applied = { revision: snapshot.revision, at: now() };
      }
      reachedAt = now();
      state = 'ok';
    } catch (error) {
      state = reachedAt === undefined ? 'unread' : 'unreachable';
      throw error;
    }
  }

  /** Reads one at a time: each read sees everything written before it began. */
  async function refresh(): Promise<void> {
    looking = looking.then(() => background.run('registry', look));
    await looking;
  }

  return {
    start: async () => {
      await Promise.race([refresh(), delay(options.startMs, undefined, { ref: false })]);
      background.repeat(refresh, () => refreshMs * (1 - JITTER * Math.random()));
    },
    refresh,
    state: () => ({
      state,
      ...(reachedAt !== undefined && { age_ms: Math.round(now() - reachedAt) }),
      problems,
    }),
  };
}
