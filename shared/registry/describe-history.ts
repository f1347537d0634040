import type { Version } from './version.ts';

/** A version in the history; the first one of a deployment of the settings has no time. */
type Described = Omit<Version, 'at' | 'name'> & { readonly at?: string };

/**
 * Returns the history of an entry as JSON, the newest version first. `ofSettings` is the definition of a
 * deployment of the settings: its first version, which is in force again after a deletion.
 */
export function describeHistory(
  versions: readonly Version[],
  ofSettings: Version['definition'] | undefined,
): readonly Record<string, unknown>[] {
  const isFirst = versions.at(-1)?.version === 1;
  const first: Described[] =
    ofSettings === undefined || isFirst
      ? []
      : [
          {
            kind: 'deployment',
            version: 1,
            action: 'create',
            by: 'settings',
            definition: ofSettings,
          },
        ];
  const all: readonly Described[] = [...versions, ...first];
  return all.map((version, index) => {
    const { kind, definition, at, ...rest } = version;
    const before = all[index + 1];
    return {
      object: `${kind}.version`,
      version: rest.version,
      action: rest.action,
      ...(at !== undefined && { at }),
      by: rest.by,
      definition: definition ?? null,
      changed: changedFields(
        (before && (before.definition ?? ofSettings)) ?? {},
        definition ?? ofSettings ?? {},
      ),
    };
  });
}

/** Returns the fields that differ, those of objects by their full paths. */
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
