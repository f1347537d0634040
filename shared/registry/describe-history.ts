import type { Version } from './version.ts';

/** A version of an entry as its history has it. */
type Described = Omit<Version, 'at' | 'name'> & { readonly at?: string };

/**
 * The history of an entry as JSON, the newest first. `ofSettings` is the first version of a deployment
 * of the settings, and what holds once it is deleted.
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
