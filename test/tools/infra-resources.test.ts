import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { findReadSettings } from '../../tools/infra/app-settings.ts';
import { checkSerialDeployments } from '../../tools/infra/check-deployments.ts';
import { checkSnapshot, type Expectations, PARAMETER_SETS } from '../../tools/infra/checks.ts';
import { operationsOf, parseSnapshot, type Snapshot } from '../../tools/infra/snapshot.ts';

type Json = { [name: string]: unknown };

const SITE = 'Microsoft.Web/sites';
const SETTINGS = `${SITE}/config`;
const STORAGE = 'Microsoft.Storage/storageAccounts';
const AI = 'Microsoft.CognitiveServices/accounts';
const GATEWAY = 'Microsoft.ApiManagement/service';
const ROLE = 'Microsoft.Authorization/roleAssignments';

let expectations: Expectations;

beforeAll(async () => {
  const document: unknown = JSON.parse(await readFile('docs/openapi.json', 'utf8'));
  const readByApp = await findReadSettings('models');
  expectations = { readByApp, documented: operationsOf(document), modelsFolder: 'models' };
});

describe('the committed snapshots', () => {
  it.each(PARAMETER_SETS)('of %s keep to everything that is asked of them', async (set) => {
    expect(await checkSnapshot(set, await read(set), expectations)).toEqual([]);
  });
});

/** A change to an evaluated set, and what must be said of it. */
type Case = [what: string, set: string, change: (snapshot: Snapshot) => Snapshot, said: RegExp];

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
    /nothing switches passwords of scm off/,
  ],
  [
    'a name over its limit',
    'minimal',
    changed(STORAGE, 'name', 'a'.repeat(25)),
    /must have 3 to 24 characters/,
  ],
  ['a resource twice', 'minimal', (one) => add(one, first(one, STORAGE)), /is there twice/],
  ['a set without what it is for', 'api-management', without(GATEWAY), /this set is to show/],
];

const role: Case[] = [
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
    /deployment "weak" is made, and no setting names it/,
  ],
  [
    'a deployment that is not there',
    'minimal',
    set('WEAK_DEPLOYMENT', 'other'),
    /the deployment "other", which is not made/,
  ],
  [
    'a table that is not there',
    'minimal',
    set('EMBEDDING_CACHE_TABLE', 'other'),
    /the table "other", which is not made/,
  ],
  [
    'no tables',
    'minimal',
    without(`${STORAGE}/tableServices/tables`),
    /the table "embeddings", which is not made/,
  ],
];

const setting: Case[] = [
  ['a setting that nobody reads', 'minimal', set('ROUTER_TRESHOLD', '1'), /is read by nobody/],
  ['a missing setting', 'minimal', set('LOG_LEVEL', undefined), /LOG_LEVEL is missing: shared\/c/],
  ['an open door', 'minimal', set('ROUTER_AUTH', 'none'), /ROUTER_AUTH opens the door/],
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
    /The setting WEAK_API_KEY holds a secret/,
  ],
  [
    'a key that is looked up into a setting',
    'minimal',
    set('LOG_LEVEL', "[listKeys('x', '2025-06-01').keys[0].value]"),
    /The setting LOG_LEVEL holds a secret/,
  ],
  [
    'a key in an output',
    'minimal',
    (one) => ({ ...one, outputs: { ...one.outputs, X: "[listKeys('x').key1]" } }),
    /The output X holds a secret/,
  ],
  [
    'a named value that shows its key',
    'api-management',
    changed(`${GATEWAY}/namedValues`, 'properties.secret', false, '/router-function-key'),
    /router-function-key shows a secret/,
  ],
];

const POLICY = `${GATEWAY}/apis/policies`;
const frontDoor: Case[] = [
  [
    'a policy that is no XML',
    'api-management',
    policy((text) => text.replace('</policies>', '')),
    /is not well-formed XML/,
  ],
  [
    'an expression with a quotation mark of its own',
    'api-management',
    policy((text) => text.replace('(&quot;X-USE_CASE', '("X-USE_CASE')),
    /is not well-formed XML/,
  ],
  [
    'a backend that is not there',
    'api-management',
    policy((text) => text.replace('backend-id="smart-router"', 'backend-id="other"')),
    /there is no backend "other"/,
  ],
  [
    'a named value that is not there',
    'api-management',
    policy((text) => text.replace('<base />', '<base /><!-- {{other}} -->')),
    /there is no named value "other"/,
  ],
  [
    "a backend's named value that is not there",
    'api-management',
    changed(`${GATEWAY}/namedValues`, 'properties.displayName', 'other', '/router-function-key'),
    /backends .*: there is no named value "router-function-key"/,
  ],
  [
    'a buffered answer',
    'api-management',
    policy((text) => text.replace(' buffer-response="false"', '')),
    /forward-request must have buffer-response="false"/,
  ],
  [
    'an operation that is not documented',
    'api-management',
    operations((all) => [...all, 'GET /other']),
    /An API offers GET \/other, which/,
  ],
  [
    'an operation that is not offered',
    'api-management',
    operations((all) => all.filter((one) => one !== 'GET /ready')),
    /No API offers GET \/ready/,
  ],
  [
    'an operation twice',
    'api-management',
    operations((all) => [...all, 'GET /health']),
    /Two APIs offer GET \/health/,
  ],
  [
    'an API without keys',
    'api-management',
    changed(`${GATEWAY}/apis`, 'properties.subscriptionRequired', false, '/llm'),
    /An API without keys offers POST/,
  ],
  [
    'a health check with a key',
    'api-management',
    changed(`${GATEWAY}/apis`, 'properties.subscriptionRequired', true, '/health'),
    /GET \/health must be offered without a key/,
  ],
  [
    'a health check that asks for another path',
    'api-management',
    policy((text) => text.replace('template="/health"', 'template="/"'), '/health/policy'),
    /its policy must have rewrite-uri to \/health/,
  ],
];

const ENDPOINT = 'Microsoft.Network/privateEndpoints';
const network: Case[] = [
  [
    'public storage beside private endpoints',
    'private-network',
    changed(STORAGE, 'properties.publicNetworkAccess', 'Enabled'),
    /storageAccounts .*: publicNetworkAccess must be Disabled/,
  ],
  [
    'public models beside private endpoints',
    'private-network',
    changed(AI, 'properties.publicNetworkAccess', 'Enabled'),
    /accounts .*: publicNetworkAccess must be Disabled/,
  ],
  [
    'a private endpoint without DNS',
    'private-network',
    (one) => drop(one, first(one, `${ENDPOINT}/privateDnsZoneGroups`)),
    /has no DNS zone group/,
  ],
  [
    'a private network without endpoints',
    'private-network',
    without(ENDPOINT),
    /There is no Microsoft\.Network\/privateEndpoints, which this set is to show/,
  ],
  [
    'a service without an endpoint',
    'private-network',
    changed(ENDPOINT, 'properties.privateLinkServiceConnections', []),
    /No private endpoint leads to/,
  ],
];

describe('what would be created', () => {
  it.each([...service, ...role, ...model, ...setting, ...frontDoor, ...network])(
    'must not be %s',
    async (_what, name, change, said) => {
      const snapshot = await read(name);
      const before = await checkSnapshot(name, snapshot, expectations);

      const after = await checkSnapshot(name, change(snapshot), expectations);

      expect(before.join('\n')).not.toMatch(said);
      expect(after.join('\n')).toMatch(said);
    },
  );
});

describe('the model deployments', () => {
  const loop = { type: `${AI}/deployments`, copy: { mode: 'serial', batchSize: 1 } };
  const nested = (...resources: Json[]): unknown => ({
    resources: {
      ai: { type: 'Microsoft.Resources/deployments', properties: { template: { resources } } },
    },
  });

  it('are made by one serial loop', () => {
    expect(checkSerialDeployments(nested(loop))).toEqual([]);
  });

  it.each([
    ['two loops', nested(loop, loop)],
    ['no loop', nested({ type: loop.type })],
    ['a parallel loop', nested({ ...loop, copy: { mode: 'parallel' } })],
    ['two at a time', nested({ ...loop, copy: { mode: 'serial', batchSize: 2 } })],
    ['nothing', nested()],
  ])('must not be made by %s', (_what, template) => {
    expect(checkSerialDeployments(template)).toHaveLength(1);
  });
});

async function read(name: string): Promise<Snapshot> {
  return parseSnapshot(await readFile(`infra/snapshots/${name}.json`, 'utf8'));
}

function first({ resources }: Snapshot, type: string, ending = ''): Snapshot['resources'][number] {
  const found = resources.find((one) => one.type === type && one.name.endsWith(ending));
  if (found === undefined) throw new Error(`There is no ${type} ${ending}.`);
  return found;
}

/** The first resource of a type with another value; undefined takes the property away. */
function changed(type: string, path: string, value: unknown, ending = '') {
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

function set(name: string, value: string | undefined) {
  return changed(SETTINGS, `properties.${name}`, value);
}

function policy(change: (text: string) => string, ending = '/llm/policy') {
  return (snapshot: Snapshot): Snapshot => {
    const { value } = first(snapshot, POLICY, ending)['properties'] as { value: string[] };
    const text = change(value.join('\n'));
    expect(text).not.toBe(value.join('\n'));
    return changed(POLICY, 'properties.value', text.split('\n'), ending)(snapshot);
  };
}

function operations(change: (all: readonly string[]) => readonly string[]) {
  return (snapshot: Snapshot): Snapshot => {
    const { value } = first(snapshot, `${GATEWAY}/apis`, '/llm')['properties'] as {
      value: { operations: string[] };
    };
    const wanted = change(value.operations);
    return changed(`${GATEWAY}/apis`, 'properties.value.operations', wanted, '/llm')(snapshot);
  };
}

function add(snapshot: Snapshot, resource: Snapshot['resources'][number]): Snapshot {
  return { ...snapshot, resources: [...snapshot.resources, resource] };
}

function drop(snapshot: Snapshot, resource: Snapshot['resources'][number]): Snapshot {
  return { ...snapshot, resources: snapshot.resources.filter((one) => one !== resource) };
}

function without(type: string) {
  return (snapshot: Snapshot): Snapshot => ({
    ...snapshot,
    resources: snapshot.resources.filter((one) => one.type !== type),
  });
}
