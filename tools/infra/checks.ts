import { checkConfiguration, settingsOf } from './app-settings.ts';
import { checkDeployments, checkTables } from './check-deployments.ts';
import { checkFrontDoor } from './check-front-door.ts';
import { checkIdentity } from './check-identity.ts';
import { checkNetwork } from './check-network.ts';
import { checkOperations } from './check-operations.ts';
import { checkPolicies, checkPolicySteps } from './check-policies.ts';
import { checkRoles } from './check-roles.ts';
import { checkNames, checkServices } from './check-services.ts';
import { checkSecrets, checkSettings } from './check-settings.ts';
import { ofType, type Snapshot } from './snapshot.ts';

export type Expectations = {
  /** The settings that the app's configuration reads. */
  readonly readByApp: ReadonlySet<string>;
  /** The operations of `docs/openapi.json`. */
  readonly documented: readonly string[];
  /** The folder of the registry of scorers. */
  readonly modelsFolder: string;
};

const ALWAYS = [
  'Microsoft.Web/sites',
  'Microsoft.Web/sites/config',
  'Microsoft.Storage/storageAccounts',
  'Microsoft.CognitiveServices/accounts',
  'Microsoft.Insights/components',
  'Microsoft.Insights/workbooks',
];

/** The resource types that each of the project's parameter sets demonstrates. */
const PURPOSES: Readonly<Record<string, readonly string[]>> = {
  minimal: ALWAYS,
  production: [
    ...ALWAYS,
    'Microsoft.ApiManagement/service',
    'Microsoft.KeyVault/vaults',
    'Microsoft.Insights/scheduledQueryRules',
    'Microsoft.Insights/actionGroups',
  ],
  'private-network': [...ALWAYS, 'Microsoft.Network/privateEndpoints'],
  'api-management': [...ALWAYS, 'Microsoft.ApiManagement/service'],
  'weak-elsewhere': [...ALWAYS, 'Microsoft.KeyVault/vaults'],
};

export const PARAMETER_SETS: readonly string[] = Object.keys(PURPOSES);

/** Runs every check on an evaluated parameter set; resolves to the problems. */
export async function checkSnapshot(
  set: string,
  snapshot: Snapshot,
  { readByApp, documented, modelsFolder }: Expectations,
): Promise<readonly string[]> {
  return [
    ...checkPurpose(set, snapshot),
    ...checkServices(snapshot),
    ...checkNames(snapshot),
    ...checkNetwork(snapshot),
    ...checkIdentity(snapshot),
    ...checkRoles(snapshot),
    ...checkDeployments(snapshot),
    ...checkTables(snapshot),
    ...checkSettings(snapshot, readByApp),
    ...checkSecrets(snapshot),
    ...checkFrontDoor(snapshot),
    ...checkPolicies(snapshot),
    ...checkPolicySteps(snapshot),
    ...checkOperations(snapshot, documented),
    ...(await checkConfiguration(snapshot, modelsFolder)),
  ];
}

/** Checks that a set has the resources it is named for; without them it would pass everything else. */
export function checkPurpose(set: string, snapshot: Snapshot): readonly string[] {
  const missing = (PURPOSES[set] ?? [])
    .filter((type) => ofType(snapshot, type).length === 0)
    .map((type) => `There is no ${type}, which this set must contain.`);
  const isElsewhere = settingsOf(snapshot)?.['WEAK_ENDPOINT'];
  return set === 'weak-elsewhere' && !isElsewhere
    ? [...missing, 'WEAK_ENDPOINT is not set, but this set must set it.']
    : missing;
}
