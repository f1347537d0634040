import { ofType, type Resource, type Snapshot, valueAt } from './snapshot.ts';

type Demand = {
  readonly type: string;
  /** Limits the demand to resources with this last part of their names. */
  readonly name?: string;
  readonly path: string;
  readonly value: string | number | boolean;
};

const STORAGE = 'Microsoft.Storage/storageAccounts';
const AI = 'Microsoft.CognitiveServices/accounts';
const SITE = 'Microsoft.Web/sites';
const PUBLISHING = 'Microsoft.Web/sites/basicPublishingCredentialsPolicies';

/** Demands for services without local keys, and for the app on its intended runtime. */
const DEMANDS: readonly Demand[] = [
  { type: STORAGE, path: 'properties.allowSharedKeyAccess', value: false },
  { type: STORAGE, path: 'properties.allowBlobPublicAccess', value: false },
  { type: STORAGE, path: 'properties.minimumTlsVersion', value: 'TLS1_2' },
  { type: STORAGE, path: 'properties.supportsHttpsTrafficOnly', value: true },
  { type: AI, path: 'properties.disableLocalAuth', value: true },
  { type: 'Microsoft.Insights/components', path: 'properties.DisableLocalAuth', value: true },
  {
    type: 'Microsoft.OperationalInsights/workspaces',
    path: 'properties.features.disableLocalAuth',
    value: true,
  },
  { type: 'Microsoft.KeyVault/vaults', path: 'properties.enableRbacAuthorization', value: true },
  { type: 'Microsoft.KeyVault/vaults', path: 'properties.enablePurgeProtection', value: true },
  { type: 'Microsoft.Web/serverfarms', path: 'sku.name', value: 'FC1' },
  { type: SITE, path: 'properties.httpsOnly', value: true },
  { type: SITE, path: 'identity.type', value: 'UserAssigned' },
  { type: SITE, path: 'properties.functionAppConfig.runtime.name', value: 'node' },
  { type: SITE, path: 'properties.functionAppConfig.runtime.version', value: '24' },
  {
    type: SITE,
    path: 'properties.functionAppConfig.deployment.storage.authentication.type',
    value: 'UserAssignedIdentity',
  },
  { type: PUBLISHING, name: 'scm', path: 'properties.allow', value: false },
  { type: PUBLISHING, name: 'ftp', path: 'properties.allow', value: false },
];

/** Checks that the services fulfil the demands above, and that the AI account has its own host name. */
export function checkServices(snapshot: Snapshot): readonly string[] {
  const demanded = DEMANDS.flatMap(({ type, name, path, value }) =>
    ofType(snapshot, type)
      .filter((resource) => name === undefined || lastPart(resource) === name)
      .filter((resource) => valueAt(resource, path) !== value)
      .map(
        (one) => `${label(one)}: ${path} must be ${show(value)}, is ${show(valueAt(one, path))}.`,
      ),
  );
  const unnamed = ofType(snapshot, AI)
    .filter((account) => !valueAt(account, 'properties.customSubDomainName'))
    .map(
      (account) =>
        `${label(account)}: without customSubDomainName nobody can sign in with Microsoft Entra ID.`,
    );
  return [...demanded, ...unnamed, ...checkPasswords(snapshot)];
}

function checkPasswords(snapshot: Snapshot): readonly string[] {
  const policies = ofType(snapshot, PUBLISHING).map(({ name }) => name);
  return ofType(snapshot, SITE).flatMap((site) =>
    ['scm', 'ftp']
      .filter((kind) => !policies.includes(`${site.name}/${kind}`))
      .map((kind) => `${label(site)}: passwords of ${kind} are not switched off.`),
  );
}

type Names = { readonly min: number; readonly max: number; readonly pattern: RegExp };

/** Azure's rules for the part after the last slash. */
const NAMES: Readonly<Record<string, Names>> = {
  'Microsoft.Resources/resourceGroups': { min: 1, max: 90, pattern: /^[\w.()-]*[\w()-]$/ },
  [STORAGE]: { min: 3, max: 24, pattern: /^[a-z0-9]+$/ },
  'Microsoft.Storage/storageAccounts/tableServices/tables': {
    min: 3,
    max: 63,
    pattern: /^[A-Za-z][A-Za-z0-9]*$/,
  },
  'Microsoft.Storage/storageAccounts/blobServices/containers': {
    min: 3,
    max: 63,
    pattern: /^[a-z0-9](-?[a-z0-9])*$/,
  },
  [AI]: { min: 2, max: 64, pattern: /^[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]$/ },
  'Microsoft.CognitiveServices/accounts/deployments': { min: 2, max: 64, pattern: /^[\w.-]+$/ },
  'Microsoft.OperationalInsights/workspaces': { min: 4, max: 63, pattern: /^[A-Za-z0-9-]+$/ },
  'Microsoft.Insights/components': { min: 1, max: 255, pattern: /^[\w.()-]+$/ },
  'Microsoft.ManagedIdentity/userAssignedIdentities': { min: 3, max: 128, pattern: /^[\w-]+$/ },
  'Microsoft.Web/serverfarms': { min: 1, max: 60, pattern: /^[A-Za-z0-9-]+$/ },
  // Azure cuts the host of a longer name, and then the storage locks of two apps may collide.
  [SITE]: { min: 2, max: 60, pattern: /^[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]$/ },
  'Microsoft.KeyVault/vaults': { min: 3, max: 24, pattern: /^[A-Za-z](-?[A-Za-z0-9])*$/ },
  'Microsoft.ApiManagement/service': { min: 1, max: 50, pattern: /^[A-Za-z](-?[A-Za-z0-9])*$/ },
  'Microsoft.Network/virtualNetworks': { min: 2, max: 64, pattern: /^[\w.-]+$/ },
  'Microsoft.Network/privateEndpoints': { min: 2, max: 64, pattern: /^[\w.-]+$/ },
};

/** Checks that every name follows its service's rules, and that no resource occurs twice. */
export function checkNames(snapshot: Snapshot): readonly string[] {
  const misnamed = Object.entries(NAMES).flatMap(([type, { min, max, pattern }]) =>
    ofType(snapshot, type)
      .map((resource) => ({ resource, name: lastPart(resource) }))
      .filter(({ name }) => name.length < min || name.length > max || !pattern.test(name))
      .map(
        ({ resource, name }) =>
          `${label(resource)}: the name "${name}" must have ${min} to ${max} characters and match ${pattern.source}.`,
      ),
  );
  const ids = snapshot.resources.map(({ id }) => id.toLowerCase());
  const twice = ids.filter((id, index) => ids.indexOf(id) !== index);
  return [...misnamed, ...new Set(twice.map((id) => `${id} occurs twice.`))];
}

export function label({ type, name }: Resource): string {
  return `${type.split('/').slice(1).join('/')} ${name}`;
}

function lastPart({ name }: Resource): string {
  return name.split('/').at(-1) ?? name;
}

function show(value: unknown): string {
  return value === undefined ? 'not set' : JSON.stringify(value);
}
