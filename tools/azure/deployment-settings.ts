import { parseApiKeys } from '../../shared/access/api-keys.ts';
import { API_STYLES } from '../../shared/capabilities/capabilities.ts';
import { weakElsewhereProblems } from './weak-elsewhere.ts';

/** The templates' values for settings that are not set. */
export const DEPLOYMENT_DEFAULTS = {
  STRONG_MODEL: 'gpt-5.6-sol',
  STRONG_MODEL_VERSION: '2026-07-09',
  STRONG_CAPACITY: '50',
  WEAK_MODEL: 'gpt-5.6-luna',
  WEAK_MODEL_VERSION: '2026-07-09',
  WEAK_CAPACITY: '100',
  WEAK_API_STYLE: 'openai',
  WEAK_HAS_KEY: 'true',
  EMBEDDING_MODEL: 'text-embedding-3-small',
  EMBEDDING_MODEL_VERSION: '1',
  EMBEDDING_CAPACITY: '100',
  DEPLOYMENT_SKU: 'GlobalStandard',
  API_MANAGEMENT_SKU: 'BasicV2',
  USE_API_MANAGEMENT: 'false',
  PRIVATE_NETWORK: 'false',
} as const;

/** The templates' own default; prepackage replaces it before they read it. */
export const SCORER_DEFAULT = 'routellm';

/** Types of a developer's identity; azd sets its id. */
const PRINCIPAL_TYPES = ['User', 'Group', 'ServicePrincipal'];

const ALL_DEFAULTS = {
  ...DEPLOYMENT_DEFAULTS,
  ROUTER_SCORER: SCORER_DEFAULT,
  AZURE_PRINCIPAL_TYPE: 'User',
} as const;

type Setting = keyof typeof ALL_DEFAULTS;

/** Settings that may be set, without secrets. */
export const DEPLOYMENT_SETTINGS: readonly string[] = [
  ...Object.keys(DEPLOYMENT_DEFAULTS),
  'ROUTER_API_KEYS',
  'ROUTER_SCORER',
  'ROUTER_STRONG_SHARE',
  'ROUTER_THRESHOLD',
  'WEAK_ENDPOINT',
  'PUBLISHER_EMAIL',
  'ALERT_EMAILS',
];

/** Other values that the templates read. */
const OTHER_VALUES = [
  'AZURE_ENV_NAME',
  'AZURE_LOCATION',
  'AZURE_PRINCIPAL_ID',
  'AZURE_PRINCIPAL_TYPE',
  'WEAK_API_KEY',
  'FRONT_DOOR_KEY',
];

type Values = Readonly<Record<string, string | undefined>>;

/** A model deployment that should be created. */
export type ModelWish = {
  readonly prefix: 'STRONG' | 'WEAK' | 'EMBEDDING';
  readonly model: string;
  readonly version: string;
  /** Capacity in thousands of tokens a minute. */
  readonly capacity: number;
};

export type DeploymentSettings = {
  readonly environmentName: string;
  readonly location: string;
  readonly subscriptionId: string | undefined;
  /** Resource group of an earlier deployment; undefined before the first one. */
  readonly resourceGroup: string | undefined;
  readonly sku: string;
  readonly models: readonly ModelWish[];
  readonly usesApiManagement: boolean;
  readonly isPrivate: boolean;
  readonly keepsWeakKey: boolean;
};

const SKUS = ['GlobalStandard', 'DataZoneStandard', 'Standard'];
const API_MANAGEMENT_SKUS = ['BasicV2', 'StandardV2'];

/** Reads the values of an azd environment, and finds every problem that can be seen in them. */
export function readDeploymentSettings(values: Values): {
  readonly settings: DeploymentSettings;
  readonly problems: readonly string[];
} {
  const problems: string[] = [];
  const given = (name: string): string => values[name]?.trim() ?? '';

  function choice(name: Setting, choices: readonly string[]): string {
    const value = given(name) || ALL_DEFAULTS[name];
    if (choices.includes(value)) return value;
    problems.push(`${name} must be ${choices.join(' or ')}, got "${value}". ${fix(name, choices)}`);
    return ALL_DEFAULTS[name];
  }

  const isWeakElsewhere = given('WEAK_ENDPOINT') !== '';
  const usesWeakKey = choice('WEAK_HAS_KEY', ['true', 'false']) === 'true';
  choice('AZURE_PRINCIPAL_TYPE', PRINCIPAL_TYPES);
  const settings: DeploymentSettings = {
    environmentName: given('AZURE_ENV_NAME'),
    location: given('AZURE_LOCATION'),
    subscriptionId: given('AZURE_SUBSCRIPTION_ID') || undefined,
    resourceGroup: given('AZURE_RESOURCE_GROUP') || undefined,
    sku: choice('DEPLOYMENT_SKU', SKUS),
    models: (['STRONG', ...(isWeakElsewhere ? [] : ['WEAK' as const]), 'EMBEDDING'] as const).map(
      (prefix) => readWish(prefix, given),
    ),
    usesApiManagement: choice('USE_API_MANAGEMENT', ['true', 'false']) === 'true',
    isPrivate: choice('PRIVATE_NETWORK', ['true', 'false']) === 'true',
    keepsWeakKey: isWeakElsewhere && usesWeakKey,
  };
  problems.push(
    ...emptyProblems(values),
    ...blankProblems(values),
    ...nameProblems(settings),
    ...settings.models.flatMap(({ prefix }) => capacityProblems(prefix, given)),
    ...modelProblems(settings),
    ...shareProblems(given('ROUTER_STRONG_SHARE'), given('ROUTER_THRESHOLD')),
    ...weakElsewhereProblems({
      endpoint: given('WEAK_ENDPOINT'),
      model: given('WEAK_MODEL'),
      apiStyle: choice('WEAK_API_STYLE', API_STYLES),
      usesKey: usesWeakKey,
      key: given('WEAK_API_KEY'),
      keyVault: given('KEY_VAULT_NAME'),
    }),
    ...(settings.usesApiManagement
      ? apiManagementProblems(
          choice('API_MANAGEMENT_SKU', API_MANAGEMENT_SKUS),
          given('PUBLISHER_EMAIL'),
          settings.isPrivate,
        )
      : []),
    ...parseApiKeys(given('ROUTER_API_KEYS')).problems,
  );
  return { settings, problems };
}

function readWish(prefix: ModelWish['prefix'], given: (name: Setting) => string): ModelWish {
  const read = (name: Setting): string => given(name) || ALL_DEFAULTS[name];
  return {
    prefix,
    model: read(`${prefix}_MODEL`),
    version: read(`${prefix}_MODEL_VERSION`),
    capacity: Number(read(`${prefix}_CAPACITY`)),
  };
}

/** Finds empty values, which the templates would use instead of their defaults. */
function emptyProblems(values: Values): string[] {
  return Object.entries(ALL_DEFAULTS)
    .filter(([name]) => values[name] === '')
    .map(([name, value]) => `${name} is empty. ${fix(name, [value])}`);
}

/**
 * Finds values with surrounding blanks. The templates compare them unchanged: `'true '` would be
 * neither true nor false.
 */
function blankProblems(values: Values): string[] {
  return [...DEPLOYMENT_SETTINGS, ...OTHER_VALUES]
    .filter((name) => values[name] !== values[name]?.trim())
    .map((name) => `${name} has a blank before or after its value: remove the blank.`);
}

/** Checks the values as the app itself does at its start. */
function shareProblems(strongShare: string, threshold: string): string[] {
  const problems = Object.entries({ ROUTER_STRONG_SHARE: strongShare, ROUTER_THRESHOLD: threshold })
    .filter(([, value]) => value !== '' && !(Number(value) >= 0 && Number(value) <= 1))
    .map(([name, value]) => `${name} must be a number from 0 to 1, got "${value}".`);
  if (strongShare !== '' && threshold !== '') {
    problems.push('ROUTER_STRONG_SHARE and ROUTER_THRESHOLD exclude each other: set one of them.');
  }
  return problems;
}

function nameProblems({ environmentName, location }: DeploymentSettings): string[] {
  const problems: string[] = [];
  if (!/^[a-z0-9-]{1,32}$/.test(environmentName)) {
    problems.push(
      `The environment's name must have 1 to 32 of a-z, 0-9 and "-", since resources are named after it, got "${environmentName}". Make another one: azd env new <name>`,
    );
  }
  if (!/^[a-z0-9]+$/.test(location)) {
    problems.push(
      `AZURE_LOCATION must be a region's short name, such as swedencentral, got "${location}". ${fix('AZURE_LOCATION', ['swedencentral'])}`,
    );
  }
  return problems;
}

function capacityProblems(prefix: ModelWish['prefix'], given: (name: string) => string): string[] {
  const capacity = given(`${prefix}_CAPACITY`);
  if (capacity === '' || /^[1-9]\d{0,6}$/.test(capacity)) return [];
  return [
    `${prefix}_CAPACITY must be a whole number of thousands of tokens a minute from 1, got "${capacity}".`,
  ];
}

function modelProblems({ models }: DeploymentSettings): string[] {
  const [strong, weak] = models;
  if (weak?.prefix !== 'WEAK' || strong?.model !== weak.model) return [];
  return [
    `STRONG_MODEL and WEAK_MODEL are both ${weak.model}: with one model there is nothing to route. Set another WEAK_MODEL, or WEAK_ENDPOINT for one elsewhere.`,
  ];
}

function apiManagementProblems(sku: string, publisherEmail: string, isPrivate: boolean): string[] {
  const problems: string[] = [];
  if (!/^[^\s@]+@[^\s@]+\.[^\s@.]+$/.test(publisherEmail)) {
    problems.push(
      `API Management needs PUBLISHER_EMAIL, an address that it writes to, got "${publisherEmail}". ${fix('PUBLISHER_EMAIL', ['you@example.com'])}`,
    );
  }
  if (isPrivate && sku === 'BasicV2') {
    problems.push(
      `API Management BasicV2 has no virtual network, which PRIVATE_NETWORK=true needs. ${fix('API_MANAGEMENT_SKU', ['StandardV2'])}`,
    );
  }
  return problems;
}

function fix(name: string, [value]: readonly string[]): string {
  return `Set it: azd env set ${name} ${value}`;
}
