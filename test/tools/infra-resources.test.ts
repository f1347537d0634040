import { beforeAll, describe, expect, test } from 'vitest';
import { checkSnapshot, type Expectations, PARAMETER_SETS } from '../../tools/infra/checks.ts';
import {
  AI,
  add,
  type Case,
  changed,
  describeChanges,
  drop,
  first,
  GATEWAY,
  read,
  readExpectations,
  SITE,
  STORAGE,
  set,
  without,
} from '../support/infra-snapshots.ts';

const ROLE = 'Microsoft.Authorization/roleAssignments';
const VAULT = 'Microsoft.KeyVault/vaults';

describe('the committed snapshots', () => {
  let expectations: Expectations;

  beforeAll(async () => {
    expectations = await readExpectations();
  });

  test.each(PARAMETER_SETS)('of %s keep to everything that is asked of them', async (set) => {
    expect(await checkSnapshot(set, await read(set), expectations)).toEqual([]);
  });
});

const service: Case[] = [
  [
    'storage that takes its keys',
    'minimal',
    changed(STORAGE, 'properties.allowSharedKeyAccess', true),
    /allowSharedKeyAccess must be false, is true/,
  ],
  [
    'storage with public blobs',
    'minimal',
    changed(STORAGE, 'properties.allowBlobPublicAccess', undefined),
    /allowBlobPublicAccess must be false, is not set/,
  ],
  [
    'storage with an old TLS',
    'minimal',
    changed(STORAGE, 'properties.minimumTlsVersion', 'TLS1_0'),
    /minimumTlsVersion must be "TLS1_2"/,
  ],
  [
    'an AI account that takes keys',
    'minimal',
    changed(AI, 'properties.disableLocalAuth', false),
    /disableLocalAuth must be true/,
  ],
  [
    'an AI account without a host name',
    'minimal',
    changed(AI, 'properties.customSubDomainName', ''),
    /customSubDomainName/,
  ],
  [
    'telemetry that takes keys',
    'minimal',
    changed('Microsoft.Insights/components', 'properties.DisableLocalAuth', false),
    /DisableLocalAuth must be true/,
  ],
  [
    'an app over http',
    'minimal',
    changed(SITE, 'properties.httpsOnly', false),
    /httpsOnly must be/,
  ],
  [
    'an app of another identity',
    'minimal',
    changed(SITE, 'identity.type', 'SystemAssigned'),
    /identity\.type must be "UserAssigned"/,
  ],
  [
    'an app on another Node',
    'minimal',
    changed(SITE, 'properties.functionAppConfig.runtime.version', '20'),
    /runtime\.version must be "24", is "20"/,
  ],
  [
    'another plan',
    'minimal',
    changed('Microsoft.Web/serverfarms', 'sku.name', 'Y1'),
    /sku\.name must be "FC1"/,
  ],
  [
    'passwords for publishing',
    'minimal',
    changed(`${SITE}/basicPublishingCredentialsPolicies`, 'properties.allow', true),
    /properties\.allow must be false/,
  ],
  [
    'nothing that switches passwords off',
    'minimal',
    without(`${SITE}/basicPublishingCredentialsPolicies`),
    /passwords of scm are not switched off/,
  ],
  [
    'a name over its limit',
    'minimal',
    changed(STORAGE, 'name', 'a'.repeat(25)),
    /must have 3 to 24 characters/,
  ],
  [
    'logs that take keys',
    'minimal',
    changed('Microsoft.OperationalInsights/workspaces', 'properties.features', {}),
    /workspaces .*: properties\.features\.disableLocalAuth must be true/,
  ],
  ['a resource twice', 'minimal', (one) => add(one, first(one, STORAGE)), /occurs twice/],
  ['a set without what it is for', 'api-management', without(GATEWAY), /this set must contain/],
];

const identity: Case[] = [
  [
    'an app without the identity',
    'minimal',
    changed(SITE, 'identity.userAssignedIdentities', {}),
    /userAssignedIdentities must have the identity/,
  ],
  [
    'an app with the identity of something else',
    'minimal',
    changed(SITE, 'identity.userAssignedIdentities', { '/other': {} }),
    /userAssignedIdentities must have the identity/,
  ],
  [
    'a package that is read as somebody else',
    'minimal',
    changed(
      SITE,
      'properties.functionAppConfig.deployment.storage.authentication.userAssignedIdentityResourceId',
      '/other',
    ),
    /storage\.authentication\.userAssignedIdentityResourceId must be the identity/,
  ],
  [
    'a vault that is read as somebody else',
    'weak-elsewhere',
    changed(SITE, 'properties.keyVaultReferenceIdentity', undefined),
    /keyVaultReferenceIdentity must be the identity/,
  ],
  [
    'a vault with access policies',
    'weak-elsewhere',
    changed(VAULT, 'properties.enableRbacAuthorization', false),
    /enableRbacAuthorization must be true/,
  ],
  [
    'a vault that can be purged',
    'weak-elsewhere',
    changed(VAULT, 'properties.enablePurgeProtection', undefined),
    /enablePurgeProtection must be true/,
  ],
];

const role: Case[] = [
  [
    'a model of another publisher without its role',
    'minimal',
    changed(`${AI}/deployments`, 'properties.model.format', 'Mistral AI'),
    /app, ai: Cognitive Services User" is missing/,
  ],
  [
    'a role too many',
    'minimal',
    changed(ROLE, 'properties.roleDefinitionId', '/roles/8e3af657-a8ff-443c-a75c-2fe8c4bcb635'),
    /app, \w+: 8e3af657-a8ff-443c-a75c-2fe8c4bcb635" is not in the table/,
  ],
  [
    'a role too few',
    'minimal',
    (one) => drop(one, first(one, ROLE)),
    /role assignment ".+" is missing/,
  ],
  [
    'a role for somebody else',
    'minimal',
    changed(ROLE, 'properties.principalType', 'Group'),
    /a principal of the type Group, .* is not in the table/,
  ],
  [
    'a role on the whole resource group',
    'minimal',
    changed(ROLE, 'id', `/subscriptions/0/resourceGroups/rg/providers/${ROLE}/x`),
    /app, \/subscriptions\/0\/resourceGroups\/rg: .* is not in the table/,
  ],
  [
    'a role on a part of a resource',
    'minimal',
    changed(
      ROLE,
      'id',
      `/subscriptions/0/resourceGroups/rg/providers/${STORAGE}/st/blobServices/default/providers/${ROLE}/x`,
    ),
    /app, \/subscriptions\/.*blobServices\/default: .* is not in the table/,
  ],
  [
    'a vault that the app may not read',
    'weak-elsewhere',
    (one) => without(ROLE)(one),
    /app, vault: Key Vault Secrets User" is missing/,
  ],
];

const model: Case[] = [
  [
    'a deployment that nobody calls',
    'minimal',
    set('WEAK_DEPLOYMENT', 'other'),
    /deployment "weak" is created, but no setting names it/,
  ],
  [
    'a deployment that is not there',
    'minimal',
    set('WEAK_DEPLOYMENT', 'other'),
    /the deployment "other", which is not created/,
  ],
  [
    'a table that is not there',
    'minimal',
    set('EMBEDDING_CACHE_TABLE', 'other'),
    /the table "other", which is not created/,
  ],
  [
    'no tables',
    'minimal',
    without(`${STORAGE}/tableServices/tables`),
    /the table "embeddings", which is not created/,
  ],
];

const setting: Case[] = [
  ['a setting that nobody reads', 'minimal', set('ROUTER_TRESHOLD', '1'), /is not read/],
  ['a missing setting', 'minimal', set('LOG_LEVEL', undefined), /LOG_LEVEL is missing: shared\/s/],
  ['an open door', 'minimal', set('ROUTER_AUTH', 'none'), /ROUTER_AUTH disables authentication/],
  [
    'a setting that Flex Consumption refuses',
    'minimal',
    set('FUNCTIONS_WORKER_RUNTIME', 'node'),
    /FUNCTIONS_WORKER_RUNTIME is refused by Flex/,
  ],
  [
    'no room for long headers',
    'minimal',
    set('languageWorkers__node__arguments', '--max-http-header-size=1'),
    /languageWorkers__node__arguments must be/,
  ],
  [
    'no identity for the libraries',
    'minimal',
    set('AZURE_CLIENT_ID', undefined),
    /AZURE_CLIENT_ID is missing: the platform/,
  ],
  [
    'telemetry that sends without signing in',
    'minimal',
    set('APPLICATIONINSIGHTS_AUTHENTICATION_STRING', 'ClientId=x'),
    /AUTHENTICATION_STRING must have Authorization=AAD/,
  ],
  [
    'telemetry of no identity',
    'minimal',
    set('APPLICATIONINSIGHTS_AUTHENTICATION_STRING', 'Authorization=AAD'),
    /AUTHENTICATION_STRING must have ClientId=/,
  ],
  [
    'telemetry with an empty setting',
    'minimal',
    set('APPLICATIONINSIGHTS_AUTHENTICATION_STRING', ''),
    /AUTHENTICATION_STRING is empty/,
  ],
  [
    'a setting that the app refuses',
    'minimal',
    set('ROUTER_THRESHOLD', '7'),
    /The app would not start: ROUTER_THRESHOLD must be a number between 0 and 1/,
  ],
  [
    'a stand-in that the scorer does not know',
    'minimal',
    set('STRONG_SCORER_MODEL', 'no-such-model'),
    /The app would not start: .*no-such-model/,
  ],
  [
    'a scorer that is not there',
    'minimal',
    set('ROUTER_SCORER', 'other'),
    /The app would not start: ROUTER_SCORER names "other"/,
  ],
  [
    'a key in a setting',
    'weak-elsewhere',
    set('WEAK_API_KEY', 'abc'),
    /The setting WEAK_API_KEY contains a secret/,
  ],
  [
    'a key that is looked up into a setting',
    'minimal',
    set('LOG_LEVEL', "[listKeys('x', '2025-06-01').keys[0].value]"),
    /The setting LOG_LEVEL contains a secret/,
  ],
  [
    'a key in an output',
    'minimal',
    (one) => ({ ...one, outputs: { ...one.outputs, X: "[listKeys('x').key1]" } }),
    /The output X contains a secret/,
  ],
  [
    'a named value that shows its key',
    'api-management',
    changed([`${GATEWAY}/namedValues`, '/router-key'], 'properties.secret', false),
    /router-key shows a secret/,
  ],
];

describeChanges([...service, ...identity, ...role, ...model, ...setting]);
