import { ofType, type Resource, type Snapshot, valueAt } from './snapshot.ts';

const ROLE_NAMES: Readonly<Record<string, string>> = {
  '5e0bd9bd-7b93-4f28-af87-19fc36ad61bd': 'Cognitive Services OpenAI User',
  'a97b65f3-24c7-4388-baec-2e87135dc908': 'Cognitive Services User',
  '4633458b-17de-408a-b874-0445c86b69e6': 'Key Vault Secrets User',
  '3913510d-42f4-4e42-8a64-420c390055eb': 'Monitoring Metrics Publisher',
  'b7e6dc6d-f1e8-4753-8033-0f276bb0955b': 'Storage Blob Data Owner',
  '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3': 'Storage Table Data Contributor',
};

const SCOPES: Readonly<Record<string, string>> = {
  'microsoft.storage/storageaccounts': 'storage',
  'microsoft.cognitiveservices/accounts': 'ai',
  'microsoft.insights/components': 'insights',
  'microsoft.keyvault/vaults': 'vault',
};

/** All permitted role assignments, as principal, scope and role. */
const ALWAYS = [
  'app, storage: Storage Blob Data Owner',
  'app, storage: Storage Table Data Contributor',
  'app, ai: Cognitive Services OpenAI User',
  'app, insights: Monitoring Metrics Publisher',
];
/** Needed for models of publishers other than OpenAI. */
const WITH_OTHER_MODELS = ['app, ai: Cognitive Services User'];
const WITH_VAULT = ['app, vault: Key Vault Secrets User'];
const WITH_API_MANAGEMENT = ['apiManagement, insights: Monitoring Metrics Publisher'];
const WITH_DEVELOPER = [
  'developer, storage: Storage Table Data Contributor',
  'developer, ai: Cognitive Services OpenAI User',
];

/** Checks that the role assignments are exactly those of the table above. */
export function checkRoles(snapshot: Snapshot): readonly string[] {
  if (ofType(snapshot, 'Microsoft.Web/sites').length === 0) return [];
  const found = ofType(snapshot, 'Microsoft.Authorization/roleAssignments').map(describe);
  const hasDeveloper = found.some((one) => one.startsWith('developer,'));
  const hasOtherModels = ofType(snapshot, 'Microsoft.CognitiveServices/accounts/deployments').some(
    (deployment) => valueAt(deployment, 'properties.model.format') !== 'OpenAI',
  );
  const expected = [
    ...ALWAYS,
    ...(hasOtherModels ? WITH_OTHER_MODELS : []),
    ...(ofType(snapshot, 'Microsoft.KeyVault/vaults').length > 0 ? WITH_VAULT : []),
    ...(ofType(snapshot, 'Microsoft.ApiManagement/service').length > 0 ? WITH_API_MANAGEMENT : []),
    ...(hasDeveloper ? WITH_DEVELOPER : []),
  ];
  const twice = found.filter((one, index) => found.indexOf(one) !== index);
  return [
    ...expected
      .filter((one) => !found.includes(one))
      .map((one) => `The role assignment "${one}" is missing.`),
    ...found
      .filter((one) => !expected.includes(one))
      .map(
        (one) => `The role assignment "${one}" is not in the table of tools/infra/check-roles.ts.`,
      ),
    ...twice.map((one) => `The role assignment "${one}" occurs twice.`),
  ];
}

function describe(assignment: Resource): string {
  const definition = String(valueAt(assignment, 'properties.roleDefinitionId'));
  const guid = definition.slice(definition.lastIndexOf('/') + 1);
  return `${principalOf(assignment)}, ${scopeOf(assignment)}: ${ROLE_NAMES[guid] ?? guid}`;
}

/** Names the principal by the module whose output it is; a developer's id is a parameter. */
function principalOf(assignment: Resource): string {
  const id = String(valueAt(assignment, 'properties.principalId'));
  const type = valueAt(assignment, 'properties.principalType');
  if (/^[0-9a-f-]{36}$/.test(id)) return 'developer';
  if (type !== 'ServicePrincipal') return `a principal of the type ${String(type)}`;
  const module = /format\('(\w+)-\{0\}'/.exec(id)?.[1];
  if (module === 'identity' || id.includes('userAssignedIdentities')) return 'app';
  return module === 'frontDoor' ? 'apiManagement' : (module ?? id);
}

/** Finds the resource of the assignment, with which its id, or the expression of its id, begins. */
function scopeOf({ id }: Resource): string {
  const [path = ''] = /\/subscriptions\/[^']*/.exec(id) ?? [];
  const scope = path.replace(/\/providers\/Microsoft\.Authorization\/.*$/i, '');
  const [, type = '', rest = ''] = /\/providers\/([^/]+\/[^/]+)\/[^/]+(.*)$/.exec(scope) ?? [];
  const kind = SCOPES[type.toLowerCase()];
  return kind !== undefined && rest === '' ? kind : scope;
}
