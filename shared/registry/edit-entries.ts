import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { InvalidRequestError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { createQueue } from '../storage/queue.ts';
import type { Definitions, Kind } from './definitions.ts';
import { isEntryName } from './parse-definition.ts';
import {
  EntryConflictError,
  EntryNotFoundError,
  PreconditionError,
  RegistryNotConfiguredError,
  toRegistryError,
} from './registry-errors.ts';
import type { RegistryStore } from './registry-store.ts';
import { type Version, VersionConflictError } from './version.ts';

/** The current version of an entry; without a definition, it is deleted. */
export type Entry<K extends Kind> = {
  readonly name: string;
  readonly source: 'settings' | 'registry';
  readonly version: number;
  readonly definition?: Definitions[K];
  readonly at?: string;
  readonly by?: string;
};

/** The versions that a change applies to, from `If-Match` and `If-None-Match`. */
export type Condition = {
  /** A version such as `"7"`, or `*` for any existing entry. */
  readonly match: string | null;
  /** `*` if the entry must not exist. */
  readonly noneMatch: string | null;
};

/** Returns the new definition of an entry, or undefined to delete it. Throws if that is not allowed. */
export type Edit<K extends Kind> = (
  before: Entry<K> | undefined,
) => Promise<Definitions[K] | undefined>;

type EditorOptions<K extends Kind> = {
  readonly kind: K;
  /** Absent if no tables are configured. */
  readonly store?: RegistryStore | undefined;
  /** The first versions, by name. */
  readonly settings: ReadonlyMap<string, Definitions[K]>;
  /** Puts a change in force in this instance. */
  readonly onWritten: () => Promise<void>;
  readonly log: Log;
};

/** Reads and changes the entries of one kind. Every operation throws HttpErrors. */
export type Editor<K extends Kind> = {
  /** Returns all entries, sorted by name. */
  list(): Promise<readonly Entry<K>[]>;
  /** Throws an EntryNotFoundError if the entry does not exist. */
  get(name: string): Promise<Entry<K>>;
  /** Returns the versions of an entry, the newest first. */
  history(name: string): Promise<readonly Version[]>;
  /** Changes an entry and returns it; writes nothing if nothing changes. Throws a PreconditionError. */
  edit(name: string, edit: Edit<K>, change: Change): Promise<Entry<K>>;
};

export type Change = {
  readonly action: 'update' | 'delete' | 'rollback';
  readonly by: string;
  readonly condition: Condition;
  /** True to write nothing. */
  readonly isDryRun: boolean;
};

/** Attempts while other instances change the entry: those of one instance take turns. */
const MAX_TRIES = 15;
const RETRY_MS = 40;

export function createEditor<K extends Kind>(options: EditorOptions<K>): Editor<K> {
  const { kind, store, settings } = options;
  const queue = createQueue();

  async function get(name: string): Promise<Entry<K>> {
    const entry = await find(options, name);
    if (entry?.definition === undefined) throw new EntryNotFoundError(kind);
    return entry;
  }

  return {
    get,
    list: async () => {
      const { entries } = (await reach(store, (one) => one.load())) ?? { entries: [] };
      const own = entries.filter((one) => one.kind === kind);
      const versions = new Map(own.map((one) => [one.name, one]));
      const names = new Set([...settings.keys(), ...versions.keys()]);
      return [...names].toSorted().flatMap((name) => {
        const entry = toEntry(settings, name, versions.get(name));
        return entry?.definition === undefined ? [] : [entry];
      });
    },
    history: async (name) => {
      const versions =
        (await reach(storeOf(options, name), (one) => one.history(kind, name))) ?? [];
      if (versions.length === 0 && !settings.has(name)) throw new EntryNotFoundError(kind);
      return versions;
    },
    edit: async (name, edit, change) => {
      const edited = await queue(name, () => tryOften(options, name, { edit, change }));
      if (edited.isWritten) await options.onWritten();
      return edited.entry;
    },
  };
}

type Edited<K extends Kind> = { readonly entry: Entry<K>; readonly isWritten: boolean };

async function tryOften<K extends Kind>(
  options: EditorOptions<K>,
  name: string,
  wanted: { readonly edit: Edit<K>; readonly change: Change },
): Promise<Edited<K>> {
  for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
    const edited = await tryOnce(options, name, wanted);
    if (edited !== 'conflict') return edited;
    // A caller that named a version learns that it has changed; others change the new version.
    if (wanted.change.condition.match !== null) {
      throw new PreconditionError((await find(options, name))?.version);
    }
    await delay(RETRY_MS * tries * Math.random());
  }
  throw new EntryConflictError();
}

async function find<K extends Kind>(
  options: EditorOptions<K>,
  name: string,
): Promise<Entry<K> | undefined> {
  const kept = await reach(storeOf(options, name), (one) => one.read(options.kind, name));
  return toEntry(options.settings, name, kept);
}

/** Returns the store, or undefined for a name that no entry can have. */
function storeOf<K extends Kind>({ kind, store }: EditorOptions<K>, name: string) {
  return isEntryName(kind, name) ? store : undefined;
}

/** Does work on the store; returns undefined without one. */
async function reach<T>(
  store: RegistryStore | undefined,
  work: (store: RegistryStore) => Promise<T>,
): Promise<T | undefined> {
  try {
    return store && (await work(store));
  } catch (error) {
    throw error instanceof VersionConflictError ? error : toRegistryError(error);
  }
}

/** Returns undefined for an entry that has never existed. */
function toEntry<K extends Kind>(
  settings: ReadonlyMap<string, Definitions[K]>,
  name: string,
  kept: Version | undefined,
): Entry<K> | undefined {
  const version = kept?.version ?? 1;
  if (kept?.definition !== undefined) {
    const { at, by } = kept;
    const definition = kept.definition as Definitions[K];
    return { name, version, source: 'registry', definition, at, by };
  }
  const definition = settings.get(name);
  if (definition !== undefined) return { name, version, source: 'settings', definition };
  return kept && { name, version, source: 'registry' };
}

async function tryOnce<K extends Kind>(
  options: EditorOptions<K>,
  name: string,
  { edit, change }: { readonly edit: Edit<K>; readonly change: Change },
): Promise<Edited<K> | 'conflict'> {
  const before = await find(options, name);
  checkCondition(before, change.condition);
  const definition = await edit(before);
  // Deleting a changed entry always goes back to the settings, even if nothing changes by it.
  const mayStay = change.action !== 'delete' && before !== undefined;
  if (mayStay && isDeepStrictEqual(before.definition, definition)) {
    return { entry: before, isWritten: false };
  }
  const version: Version = {
    kind: options.kind,
    name,
    version: (before?.version ?? 0) + 1,
    action: before?.definition === undefined ? 'create' : change.action,
    at: new Date().toISOString(),
    by: change.by,
    ...(definition && { definition }),
  };
  if (!change.isDryRun && !(await write(options, version))) return 'conflict';
  const { settings } = options;
  const entry = toEntry(settings, name, version);
  return {
    entry: entry ?? { name, source: 'registry', version: version.version },
    isWritten: !change.isDryRun,
  };
}

/** Returns false if another request was first. */
async function write<K extends Kind>(
  { store, log }: EditorOptions<K>,
  version: Version,
): Promise<boolean> {
  if (store === undefined) throw new RegistryNotConfiguredError();
  try {
    await reach(store, (one) => one.write(version));
  } catch (error) {
    if (error instanceof VersionConflictError) return false;
    throw error;
  }
  const { kind, name, action, by: caller } = version;
  log('info', 'registry-changed', { kind, name, version: version.version, action, caller });
  return true;
}

export function etagOf({ version }: { readonly version: number }): string {
  return `"${version}"`;
}

function checkCondition(
  entry: { readonly version: number; readonly definition?: unknown } | undefined,
  { match, noneMatch }: Condition,
): void {
  const isThere = entry?.definition !== undefined;
  if (match !== null) {
    const isMatch = match.split(',').some((one) => {
      const tag = one.trim().replace(/^W\//, '');
      return tag === '*' || (entry !== undefined && tag === etagOf(entry));
    });
    if (!isThere || !isMatch) throw new PreconditionError(entry?.version);
  }
  if (noneMatch === null) return;
  if (noneMatch.trim() !== '*') {
    throw new InvalidRequestError('If-None-Match must be *, which makes a PUT create only.', {
      param: 'If-None-Match',
    });
  }
  if (isThere) throw new PreconditionError(entry.version);
}
