import { settingsOf } from './app-settings.ts';
import { ofType, type Snapshot, valueAt } from './snapshot.ts';

const DEPLOYMENT = 'Microsoft.CognitiveServices/accounts/deployments';
const TABLE = 'Microsoft.Storage/storageAccounts/tableServices/tables';

/** Checks that the AI account has exactly the deployments that the settings call there. */
export function checkDeployments(snapshot: Snapshot): readonly string[] {
  const settings = settingsOf(snapshot);
  if (settings === undefined) return [];
  const called = ['STRONG', 'WEAK', 'EMBEDDING']
    // A model with its own endpoint is outside the account.
    .filter((prefix) => !settings[`${prefix}_ENDPOINT`])
    .map((prefix) => settings[`${prefix}_DEPLOYMENT`] ?? '');
  const made = ofType(snapshot, DEPLOYMENT).map(({ name }) => name.split('/').at(-1) ?? '');
  return compareNames('deployment', called, made);
}

/** Checks that exactly the tables that the settings name exist. */
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
 * Checks that one loop creates all model deployments one after another. Deployments of one account
 * that are created concurrently fail. A snapshot no longer shows the loop, so this reads the
 * compiled template.
 */
export function checkSerialDeployments(template: unknown): readonly string[] {
  const made = resourcesIn(template).filter((resource) => valueAt(resource, 'type') === DEPLOYMENT);
  if (made.length !== 1) {
    return [`One loop must create all model deployments, but ${made.length} resources do.`];
  }
  const copy = valueAt(made[0], 'copy');
  const isSerial = valueAt(copy, 'mode') === 'serial' && valueAt(copy, 'batchSize') === 1;
  return isSerial
    ? []
    : ['The model deployments must be created one after another, by a loop with @batchSize(1).'];
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
      .map((name) => `The settings name the ${kind} "${name}", which is not created.`),
    ...made
      .filter((name) => !called.includes(name))
      .map((name) => `The ${kind} "${name}" is created, but no setting names it.`),
    ...twice.map((name) => `The ${kind} "${name}" is created twice.`),
  ];
}

/** Lists the resources of a compiled template and of all templates nested in it. */
function resourcesIn(template: unknown): readonly unknown[] {
  const resources = valueAt(template, 'resources');
  if (typeof resources !== 'object' || resources === null) return [];
  return Object.values(resources).flatMap((resource: unknown) => [
    resource,
    ...resourcesIn(resource),
    ...resourcesIn(valueAt(resource, 'properties.template')),
  ]);
}
