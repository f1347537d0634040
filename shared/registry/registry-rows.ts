import * as z from 'zod';
import { InvalidRequestError } from '../base/errors.ts';
import { parseJson } from '../base/parse-json.ts';
import type { Row } from '../storage/row.ts';
import { deploymentSchema, type Kind, useCaseSchema } from './definitions.ts';
import type { Version } from './version.ts';

/** The only partition: one transaction changes an entry, adds to its history and announces the change. */
export const PARTITION = 'registry';

/** The row that tells whether anything has changed, which every instance reads every few seconds. */
export const HEAD = 'head';

/** A property of a table holds 64 KiB, at two bytes per character. */
const MAX_DEFINITION_LENGTH = 30_000;

const versionSchema = z.object({
  kind: z.enum(['deployment', 'use_case']),
  name: z.string(),
  version: z.int(),
  action: z.enum(['create', 'update', 'delete', 'rollback']),
  at: z.string(),
  by: z.string(),
  definition: z.string().optional(),
});

export function currentKey(kind: Kind, name: string): string {
  return `current|${kind}|${name}`;
}

/** The prefix of the keys of an entry's versions, which sort by version. */
export function historyPrefix(kind: Kind, name: string): string {
  return `history|${kind}|${name}`;
}

/** Returns the row of a version in the history. Throws if its definition is too large to be stored. */
export function toRow({ definition, ...version }: Version): Row {
  const json = definition && JSON.stringify(definition);
  if (json !== undefined && json.length > MAX_DEFINITION_LENGTH) {
    throw new InvalidRequestError(
      `The definition has ${json.length} characters, but may have at most ${MAX_DEFINITION_LENGTH}.`,
      { param: 'body' },
    );
  }
  return {
    partitionKey: PARTITION,
    rowKey: `${historyPrefix(version.kind, version.name)}|${String(version.version).padStart(10, '0')}`,
    ...version,
    ...(json !== undefined && { definition: json }),
  };
}

/** Returns an unreadable row as a deleted entry, as far as its key tells, with the version that is known of it. */
export function toUnreadable({ rowKey }: Row, version = 1): Version {
  const [, kind, name = ''] = rowKey.split('|');
  return {
    kind: kind === 'use_case' ? kind : 'deployment',
    name,
    version,
    action: 'delete',
    at: '',
    by: '',
  };
}

/** Returns undefined for a row that this version of the app cannot read. */
export function toVersion(row: Row): Version | undefined {
  const parsed = versionSchema.safeParse(row);
  if (!parsed.success) return undefined;
  const { definition: json, ...version } = parsed.data;
  if (json === undefined) return version;
  const schema = version.kind === 'deployment' ? deploymentSchema : useCaseSchema;
  const definition = schema.safeParse(parseJson(json));
  return definition.success ? { ...version, definition: definition.data } : undefined;
}

/**
 * Finds the rows to purge: versions that were replaced before a time, and entries that were deleted
 * before it, with their history.
 */
export function findPast(
  current: readonly Row[],
  history: readonly Row[],
  before: Date,
): { readonly current: readonly Row[]; readonly history: readonly Row[] } {
  const isBefore = ({ at }: Row) => Date.parse(String(at)) < before.getTime();
  const deleted = current.filter((row) => row['definition'] === undefined && isBefore(row));
  const gone = new Set(deleted.map(({ rowKey }) => rowKey));
  const past = history.filter((row, index) => {
    const entry = currentKey(row['kind'] as Kind, String(row['name']));
    const next = history[index + 1];
    const isNext = next?.['kind'] === row['kind'] && next?.['name'] === row['name'];
    return gone.has(entry) || (next !== undefined && isNext && isBefore(next));
  });
  return { current: deleted, history: past };
}
