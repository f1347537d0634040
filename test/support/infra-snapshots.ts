import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { findReadSettings } from '../../tools/infra/app-settings.ts';
import { checkSnapshot, type Expectations } from '../../tools/infra/checks.ts';
import { operationsOf, parseSnapshot, type Snapshot } from '../../tools/infra/snapshot.ts';

export type Json = { [name: string]: unknown };

export const SITE = 'Microsoft.Web/sites';
export const SETTINGS = `${SITE}/config`;
export const STORAGE = 'Microsoft.Storage/storageAccounts';
export const AI = 'Microsoft.CognitiveServices/accounts';
export const GATEWAY = 'Microsoft.ApiManagement/service';
export const ENDPOINT = 'Microsoft.Network/privateEndpoints';
const POLICY = `${GATEWAY}/apis/policies`;

/** A change to an evaluated parameter set, and the problem that must be reported. */
export type Case = [
  what: string,
  set: string,
  change: (snapshot: Snapshot) => Snapshot,
  said: RegExp,
];

export async function readExpectations(): Promise<Expectations> {
  const document: unknown = JSON.parse(await readFile('docs/openapi.json', 'utf8'));
  const readByApp = await findReadSettings('models');
  return { readByApp, documented: operationsOf(document), modelsFolder: 'models' };
}

/** Tests that each case's problem is reported for the changed snapshot, and not for the committed one. */
export function describeChanges(cases: readonly Case[]): void {
  describe('what would be created', () => {
    let expectations: Expectations;

    beforeAll(async () => {
      expectations = await readExpectations();
    });

    test.each(cases)('must not be %s', async (_what, name, change, said) => {
      const snapshot = await read(name);
      const before = await checkSnapshot(name, snapshot, expectations);

      const after = await checkSnapshot(name, change(snapshot), expectations);

      expect(before.join('\n')).not.toMatch(said);
      expect(after.join('\n')).toMatch(said);
    });
  });
}

export async function read(name: string): Promise<Snapshot> {
  return parseSnapshot(await readFile(`infra/snapshots/${name}.json`, 'utf8'));
}

export function first(
  { resources }: Snapshot,
  type: string,
  ending = '',
): Snapshot['resources'][number] {
  const found = resources.find((one) => one.type === type && one.name.endsWith(ending));
  if (found === undefined) throw new Error(`There is no ${type} ${ending}.`);
  return found;
}

/** A type, with the end of the resource's name where there are several resources of the type. */
type Place = string | readonly [type: string, ending: string];

/** Replaces a value of the first resource of a type; undefined removes the property. */
export function changed(place: Place, path: string, value: unknown) {
  const [type, ending] = typeof place === 'string' ? [place] : place;
  return (snapshot: Snapshot): Snapshot => {
    const original = first(snapshot, type, ending);
    const copy = structuredClone(original) as Json & typeof original;
    const keys = path.split('.');
    const last = keys.pop() ?? '';
    let at: Json = copy;
    for (const key of keys) at = at[key] as Json;
    if (value === undefined) delete at[last];
    else at[last] = value;
    const resources = snapshot.resources.map((one) => (one === original ? copy : one));
    return { ...snapshot, resources };
  };
}

export function set(name: string, value: string | undefined) {
  return changed(SETTINGS, `properties.${name}`, value);
}

export function policy(change: (text: string) => string, ending = '/llm/policy') {
  return (snapshot: Snapshot): Snapshot => {
    const { value } = first(snapshot, POLICY, ending)['properties'] as { value: string[] };
    const text = change(value.join('\n'));
    expect(text).not.toBe(value.join('\n'));
    return changed([POLICY, ending], 'properties.value', text.split('\n'))(snapshot);
  };
}

export function operations(change: (all: readonly string[]) => readonly string[]) {
  return (snapshot: Snapshot): Snapshot => {
    const { value } = first(snapshot, `${GATEWAY}/apis`, '/llm')['properties'] as {
      value: { operations: string[] };
    };
    const wanted = change(value.operations);
    return changed([`${GATEWAY}/apis`, '/llm'], 'properties.value.operations', wanted)(snapshot);
  };
}

export function add(snapshot: Snapshot, resource: Snapshot['resources'][number]): Snapshot {
  return { ...snapshot, resources: [...snapshot.resources, resource] };
}

export function drop(snapshot: Snapshot, resource: Snapshot['resources'][number]): Snapshot {
  return { ...snapshot, resources: snapshot.resources.filter((one) => one !== resource) };
}

export function without(type: string) {
  return (snapshot: Snapshot): Snapshot => ({
    ...snapshot,
    resources: snapshot.resources.filter((one) => one.type !== type),
  });
}
