import { setTimeout as delay } from 'node:timers/promises';
import { errorKind, type Log } from '../base/log.ts';
import type { RegistryStore, Snapshot } from './registry-store.ts';

/** What `GET /ready` says of the registry. */
export type RegistryState = {
  /** `unreachable`: what was last read holds, or the settings while nothing was. */
  readonly state: 'ok' | 'unreachable' | 'not-used';
  /** Since it was last read, in ms; absent: it never was. */
  readonly age_ms?: number;
  /** Entries that cannot be read, or called as they are defined, and why: what held before does. */
  readonly problems: readonly string[];
};

type WatchOptions = {
  readonly store: Pick<RegistryStore, 'load'>;
  /** Between two looks. */
  readonly refreshMs: number;
  /** How long the start waits for the first look. */
  readonly startMs: number;
  /** Puts what was read in force, and gives the entries that cannot be. */
  readonly apply: (snapshot: Snapshot) => Promise<readonly string[]>;
  readonly log: Log;
  readonly now?: () => number;
};

export type RegistryWatcher = {
  /** Reads the registry for the first time, and goes on doing so. Never throws. */
  start(): Promise<void>;
  /** Puts in force what is there now: a look that began after this call. Never throws. */
  refresh(): Promise<void>;
  state(): RegistryState;
};

/** Instances look at different moments, and none later than it should. */
const JITTER = 0.1;

/** Secrets change without a change of the registry; those of a failed look are asked for at each. */
const REAPPLY_MS = 5 * 60_000;

/**
 * Keeps this instance at what the registry says. While that cannot be reached, what was read last
 * stays in force.
 */
export function watchRegistry(options: WatchOptions): RegistryWatcher {
  const { store, refreshMs, apply, log, now = Date.now } = options;
  let applied: { readonly revision: string; readonly at: number } | undefined;
  let problems: readonly string[] = [];
  let state: RegistryState['state'] | undefined;
  let reachedAt: number | undefined;
  let looking: Promise<void> = Promise.resolve();

  /** What need not be put in force again; undefined when all is to be. */
  function knownRevision(): string | undefined {
    const isFresh = applied !== undefined && now() - applied.at < REAPPLY_MS;
    return isFresh && problems.length === 0 ? applied?.revision : undefined;
  }

  function note(next: 'ok' | 'unreachable', error?: unknown): void {
    if (next === 'unreachable' && state !== next) {
      log('warning', 'registry-unreachable', { error: errorKind(error) });
    } else if (next === 'ok' && state === 'unreachable') {
      log('info', 'registry-reached');
    }
    state = next;
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
      note('ok');
    } catch (error) {
      note('unreachable', error);
    }
  }

  /** One after another: each look sees all that was written before it began. */
  function refresh(): Promise<void> {
    looking = looking.then(look);
    return looking;
  }

  async function goOn(): Promise<void> {
    for (;;) {
      await delay(refreshMs * (1 - JITTER * Math.random()), undefined, { ref: false });
      await refresh();
    }
  }

  return {
    start: async () => {
      await Promise.race([refresh(), delay(options.startMs, undefined, { ref: false })]);
      void goOn();
    },
    refresh,
    state: () => ({
      state: state ?? 'unreachable',
      ...(reachedAt !== undefined && { age_ms: now() - reachedAt }),
      problems,
    }),
  };
}
