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

/** Somebody else has changed the entry in the meantime. */
export class VersionConflictError extends Error {
  constructor(kind: Kind, name: string) {
    super(`The ${kind} ${name} has been changed in the meantime.`);
    this.name = 'VersionConflictError';
  }
}
