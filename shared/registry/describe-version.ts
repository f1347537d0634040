import type { Version } from './store.ts';

/** A version of an entry as its history has it; `before` is the one before it, if that is known. */
export function describeVersion(
  version: Version,
  before: Version | undefined,
): Record<string, unknown> {
  const { kind, definition, action, at, by } = version;
  return {
    object: `${kind}.version`,
    version: version.version,
    action,
    at,
    by,
    definition: definition ?? null,
    changed: changedFields(before?.definition ?? {}, definition ?? {}),
  };
}

/** The fields that differ, those of objects by their whole path. */
function changedFields(before: object, after: object): readonly string[] {
  const [flatBefore, flatAfter] = [flatten(before), flatten(after)];
  const fields = new Set([...flatBefore.keys(), ...flatAfter.keys()]);
  return [...fields].filter((field) => flatBefore.get(field) !== flatAfter.get(field));
}

function flatten(value: object, prefix = ''): Map<string, string> {
  return new Map(
    Object.entries(value).flatMap(([key, one]): [string, string][] =>
      typeof one === 'object' && one !== null && !Array.isArray(one)
        ? [...flatten(one, `${prefix}${key}.`)]
        : [[`${prefix}${key}`, JSON.stringify(one)]],
    ),
  );
}
