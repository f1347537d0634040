import type { Definitions, Kind } from './definitions.ts';

/** One version of an entry: its definition, its author and its time. */
export type Version<K extends Kind = Kind> = {
  readonly kind: K;
  readonly name: string;
  /** The number of the change, from 1; a deletion does not reset it. */
  readonly version: number;
  readonly action: 'create' | 'update' | 'delete' | 'rollback';
  /** ISO 8601. */
  readonly at: string;
  /** The name of the caller. */
  readonly by: string;
  /** Absent if the entry is deleted; its definition in the settings is then in force, if it has one. */
  readonly definition?: Definitions[K];
};

/** Another request has changed the entry in the meantime. */
export class VersionConflictError extends Error {
  constructor(kind: Kind, name: string) {
    super(`The ${kind} ${name} has been changed in the meantime.`);
    this.name = 'VersionConflictError';
  }
}
