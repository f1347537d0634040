import * as z from 'zod';
import { InvalidRequestError } from '../base/errors.ts';
import type { Row } from '../storage/row.ts';
import { deploymentSchema, type Kind, useCaseSchema } from './definitions.ts';
import type { Version } from './version.ts';

/** All of it: one transaction changes an entry, adds to its history and announces the change. */
export const PARTITION = 'registry';

/** The row that says whether anything has changed: what every instance reads every few seconds. */
export const HEAD = 'head';

/** A property of a table holds 64 KiB, of two bytes a character. */
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

/** Of all versions of an entry, in the order of which they are kept. */
export function historyPrefix(kind: Kind, name: string): string {
  return `history|${kind}|${name}`;
}

/** The row of a version in the history. Throws when its definition is too large to be kept. */
export function toRow({ definition, ...version }: Version): Row {
  const json = definition && JSON.stringify(definition);
  if (json !== undefined && json.length > MAX_DEFINITION_LENGTH) {
    throw new InvalidRequestError(
      `The definition has ${json.length} characters, and can have ${MAX_DEFINITION_LENGTH}.`,
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

/** A row that this version of the app cannot read, as far as its key tells: like a deleted entry. */
export function toUnreadable({ rowKey, version }: Row): Version {
  const [, kind, name = ''] = rowKey.split('|');
  return {
    kind: kind === 'use_case' ? kind : 'deployment',
    name,
    version: Number.isSafeInteger(version) ? Number(version) : 1,
    action: 'delete',
    at: '',
    by: '',
  };
}

/** Undefined for what this version of the app cannot read. */
export function toVersion(row: Row): Version | undefined {
  const parsed = versionSchema.safeParse(row);
  if (!parsed.success) return undefined;
  const { definition: json, ...version } = parsed.data;
  if (json === undefined) return version;
  const schema = version.kind === 'deployment' ? deploymentSchema : useCaseSchema;
  const definition = schema.safeParse(parseJson(json));
  return definition.success ? { ...version, definition: definition.data } : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * The rows that need no longer be kept: versions that ceased to hold before that moment, and entries
 * that were deleted before it, with their whole history.
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
