import type { Definitions, Kind } from './definitions.ts';

/** One version of an entry: what it became, by whom and when. */
export type Version<K extends Kind = Kind> = {
  readonly kind: K;
  readonly name: string;
  /** Counts the changes of the entry, from 1; goes on after a deletion. */
  readonly version: number;
  readonly action: 'create' | 'update' | 'delete' | 'rollback';
  /** ISO 8601. */
  readonly at: string;
  /** The caller's name. */
  readonly by: string;
  /** Absent: deleted, so that what the settings say holds, if they say anything. */
  readonly definition?: Definitions[K];
};

/** All entries as they are, deleted ones included, at one moment. */
export type Snapshot = {
  readonly revision: string;
  readonly entries: readonly Version[];
  /** Those that cannot be read: what they last were holds. */
  readonly unreadable: readonly Pick<Version, 'kind' | 'name'>[];
};

/** Where the entries are kept. Every operation throws when that cannot be reached in time. */
export type Store = {
  /** Undefined when nothing has changed since the revision. */
  load(since?: string): Promise<Snapshot | undefined>;
  /** An entry that cannot be read is like a deleted one: it can be written anew. */
  read(kind: Kind, name: string): Promise<Version | undefined>;
  /** Throws a VersionConflictError unless the entry's version is the one before this (0: none). */
  write(version: Version): Promise<void>;
  /** The newest first. */
  history(kind: Kind, name: string): Promise<readonly Version[]>;
  /** Removes versions that ceased to hold before this moment, and entries deleted before it; gives how many. */
  purge(before: Date): Promise<number>;
};

/** Somebody else has changed the entry in the meantime. */
export class VersionConflictError extends Error {
  constructor(kind: Kind, name: string) {
    super(`The ${kind} ${name} has been changed in the meantime.`);
    this.name = 'VersionConflictError';
  }
}
