import { settingsOf } from './app-settings.ts';
import { ofType, type Snapshot, valueAt } from './snapshot.ts';

const DEPLOYMENT = 'Microsoft.CognitiveServices/accounts/deployments';
const TABLE = 'Microsoft.Storage/storageAccounts/tableServices/tables';

/** The AI account has the deployments that the settings call there, and no other. */
export function checkDeployments(snapshot: Snapshot): readonly string[] {
  const settings = settingsOf(snapshot);
  if (settings === undefined) return [];
  const called = ['STRONG', 'WEAK', 'EMBEDDING']
    // One with an address of its own is elsewhere.
    .filter((prefix) => !settings[`${prefix}_ENDPOINT`])
    .map((prefix) => settings[`${prefix}_DEPLOYMENT`] ?? '');
  const made = ofType(snapshot, DEPLOYMENT).map(({ name }) => name.split('/').at(-1) ?? '');
  return compareNames('deployment', called, made);
}

/** The tables that the settings name exist, and no other. */
export function checkTables(snapshot: Snapshot): readonly string[] {
  const settings = settingsOf(snapshot);
  if (settings === undefined) return [];
  const named = Object.entries(settings)
    .filter(([name]) => name.endsWith('_TABLE'))
    .map(([, value]) => value);
  const made = ofType(snapshot, TABLE).map(({ name }) => name.split('/').at(-1) ?? '');
  return compareNames('table', named, made);
}

/**
 * Deployments of one account that are made at the same time fail. What a snapshot no longer has
 * is in the compiled template: one loop, one at a time, makes them all.
 */
export function checkSerialDeployments(template: unknown): readonly string[] {
  const made = resourcesIn(template).filter((resource) => valueAt(resource, 'type') === DEPLOYMENT);
  if (made.length !== 1) {
    return [`One loop must make all model deployments, ${made.length} resources do.`];
  }
  const copy = valueAt(made[0], 'copy');
  const isSerial = valueAt(copy, 'mode') === 'serial' && valueAt(copy, 'batchSize') === 1;
  return isSerial
    ? []
    : ['The model deployments must be made one after another, by a loop with @batchSize(1).'];
}

function compareNames(
  kind: string,
  called: readonly string[],
  made: readonly string[],
): readonly string[] {
  const twice = made.filter((name, index) => made.indexOf(name) !== index);
  return [
    ...called
      .filter((name) => !made.includes(name))
      .map((name) => `The settings name the ${kind} "${name}", which is not made.`),
    ...made
      .filter((name) => !called.includes(name))
      .map((name) => `The ${kind} "${name}" is made, and no setting names it.`),
    ...twice.map((name) => `The ${kind} "${name}" is made twice.`),
  ];
}

/** Of a compiled template and of all templates in it. */
function resourcesIn(template: unknown): readonly unknown[] {
  const resources = valueAt(template, 'resources');
  if (typeof resources !== 'object' || resources === null) return [];
  return Object.values(resources).flatMap((resource: unknown) => [
    resource,
    ...resourcesIn(resource),
    ...resourcesIn(valueAt(resource, 'properties.template')),
  ]);
}
