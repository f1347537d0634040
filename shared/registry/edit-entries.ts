import { isDeepStrictEqual } from 'node:util';
import { InvalidRequestError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Definitions, Kind } from './definitions.ts';
import { isEntryName } from './parse-definition.ts';
import {
  EntryNotFoundError,
  PreconditionError,
  RegistryNotConfiguredError,
  toRegistryError,
} from './registry-errors.ts';
import type { RegistryStore } from './registry-store.ts';
import { type Version, VersionConflictError } from './version.ts';

/** What holds under a name, and since when; the definition is absent once it is deleted. */
export type Entry<K extends Kind> = {
  readonly name: string;
  readonly source: 'settings' | 'registry';
  readonly version: number;
  readonly definition?: Definitions[K];
  readonly at?: string;
  readonly by?: string;
};

/** Which versions a change is meant for, by `If-Match` and `If-None-Match`. */
export type Condition = {
  /** `"7"`, or `*` for any that there is. */
  readonly match: string | null;
  /** `*`: there must be none. */
  readonly noneMatch: string | null;
};

/** What an entry is to become; undefined: deleted. Throws when it cannot. */
export type Edit<K extends Kind> = (
  before: Entry<K> | undefined,
) => Promise<Definitions[K] | undefined>;

type EditorOptions<K extends Kind> = {
  readonly kind: K;
  /** Absent: no tables are configured. */
  readonly store?: RegistryStore | undefined;
  /** The first version of these names. */
  readonly settings: ReadonlyMap<string, Definitions[K]>;
  /** Makes a change effective in this instance. */
  readonly onWritten: () => Promise<void>;
  readonly log: Log;
};

/** Reads and changes the entries of one kind. Every operation throws HttpErrors. */
export type Editor<K extends Kind> = {
  /** All that there is, in the order of the names. */
  list(): Promise<readonly Entry<K>[]>;
  /** Throws a 404 for what is not there. */
  get(name: string): Promise<Entry<K>>;
  /** The newest first. */
  history(name: string): Promise<readonly Version[]>;
  /** Throws a 412 where the condition does not hold. Gives the entry as it is then, and writes nothing when that is nothing new. */
  edit(name: string, edit: Edit<K>, change: Change): Promise<Entry<K>>;
};

export type Change = {
  readonly action: 'update' | 'delete' | 'rollback';
  readonly by: string;
  readonly condition: Condition;
  /** True: nothing is written. */
  readonly isDryRun: boolean;
};

/** So often another writer may come between. */
const MAX_TRIES = 5;

export function createEditor<K extends Kind>(options: EditorOptions<K>): Editor<K> {
  const { kind, store, settings } = options;

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
      for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
        const entry = await tryOnce(options, name, { edit, change });
        if (entry !== 'conflict') return entry;
        // Who named a version is told that it is no more; others change what there is now.
        if (change.condition.match !== null) break;
      }
      throw new PreconditionError((await find(options, name))?.version);
    },
  };
}

async function find<K extends Kind>(
  options: EditorOptions<K>,
  name: string,
): Promise<Entry<K> | undefined> {
  const kept = await reach(storeOf(options, name), (one) => one.read(options.kind, name));
  return toEntry(options.settings, name, kept);
}

/** Where an entry of this name would be kept; nowhere, when it can have no entry. */
function storeOf<K extends Kind>({ kind, store }: EditorOptions<K>, name: string) {
  return isEntryName(kind, name) ? store : undefined;
}

/** Undefined without a store. */
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

/** Undefined for what is not there and never was. */
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
): Promise<Entry<K> | 'conflict'> {
  const before = await find(options, name);
  checkCondition(before, change.condition);
  const definition = await edit(before);
  // To delete what was changed is to go back to the settings, whatever they say.
  const mayStay = change.action !== 'delete' && before !== undefined;
  if (mayStay && isDeepStrictEqual(before.definition, definition)) return before;
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
  return toEntry(settings, name, version) ?? { name, source: 'registry', version: version.version };
}

/** False when somebody else was first. */
async function write<K extends Kind>(
  { store, onWritten, log }: EditorOptions<K>,
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
  await onWritten();
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
    throw new InvalidRequestError('If-None-Match must be *: it makes a PUT create only.', {
      param: 'If-None-Match',
    });
  }
  if (isThere) throw new PreconditionError(entry.version);
}
