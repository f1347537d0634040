import { isVaultReference, type Settings, settingsOf } from './app-settings.ts';
import { ofType, type Snapshot, valueAt } from './snapshot.ts';

/** Settings of the platform and its libraries; a given value is mandatory. */
const PLATFORM: Readonly<Record<string, string | undefined>> = {
  // The host's storage, accessed without a key.
  AzureWebJobsStorage__blobServiceUri: undefined,
  AzureWebJobsStorage__clientId: undefined,
  AzureWebJobsStorage__credential: 'managedidentity',
  // Telemetry, which accepts only signed-in senders.
  APPLICATIONINSIGHTS_CONNECTION_STRING: undefined,
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: undefined,
  // The identity that the app's own credential uses.
  AZURE_CLIENT_ID: undefined,
  AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential',
  // Without this, a request with more than 16 KB of headers is never answered.
  languageWorkers__node__arguments: '--max-http-header-size=65536',
};

/** Settings that the app reads, but that must not be set in Azure, with the reason. */
const NOT_IN_AZURE: Readonly<Record<string, string>> = {
  ROUTER_AUTH: 'disables authentication, and is refused in Azure',
  TABLES_CONNECTION_STRING: 'is for the emulator: the app signs in',
  AI_SEARCH_API_KEY: 'is for a simulator: the app signs in',
  VECTOR_STORE_FILE: 'is for one machine: instances come and go with their disks',
  AZURE_OPENAI_API_KEY: 'the account takes no keys: the app signs in',
  STRONG_API_KEY: 'the strong model is in the account, which takes no keys',
  EMBEDDING_API_KEY: 'the embedding model is in the account, which takes no keys',
  DRAIN_MS: 'is for the server without a host',
  HOST: 'is for the server without a host',
  PORT: 'is for the server without a host',
  WEBSITE_INSTANCE_ID: 'is set by the platform itself',
  WEBSITE_POD_NAME: 'is set by the platform itself',
  WEBSITE_SITE_NAME: 'is set by the platform itself',
};

/** Settings that Flex Consumption refuses, or takes from `functionAppConfig`. */
const REFUSED =
  /^(FUNCTIONS_WORKER_RUNTIME|FUNCTIONS_WORKER_RUNTIME_VERSION|FUNCTIONS_EXTENSION_VERSION|WEBSITE_RUN_FROM_PACKAGE|WEBSITE_CONTENT.*|WEBSITE_NODE_DEFAULT_VERSION|WEBSITE_MAX_DYNAMIC_APPLICATION_SCALE_OUT|WEBSITE_VNET_ROUTE_ALL|AzureWebJobsStorage)$/i;

/** Checks that the settings are exactly those that the app reads in Azure and those of the platform. */
export function checkSettings(
  snapshot: Snapshot,
  readByApp: ReadonlySet<string>,
): readonly string[] {
  const settings = settingsOf(snapshot);
  if (settings === undefined) {
    const sites = ofType(snapshot, 'Microsoft.Web/sites');
    return sites.map(({ name }) => `The function app ${name} has no settings.`);
  }
  const ofApp = [...readByApp].filter((name) => !Object.hasOwn(NOT_IN_AZURE, name));
  const expected = new Set([...ofApp, ...Object.keys(PLATFORM)]);
  const names = Object.keys(settings);
  return [
    ...[...expected]
      .filter((name) => !names.includes(name))
      .map((name) => `The setting ${name} is missing: ${reasonOf(name)}.`),
    ...names
      .filter((name) => !expected.has(name))
      .map((name) => `The setting ${name} ${objectionTo(name)}.`),
    ...Object.entries(PLATFORM)
      .filter(([name, value]) => value !== undefined && names.includes(name))
      .filter(([name, value]) => settings[name] !== value)
      .map(([name, value]) => `The setting ${name} must be "${value}", is "${settings[name]}".`),
    ...Object.keys(PLATFORM)
      .filter((name) => settings[name] === '')
      .map((name) => `The setting ${name} is empty: ${reasonOf(name)}.`),
    ...checkTelemetry(settings),
  ];
}

/**
 * Checks the credential of Application Insights, which takes no keys; by default it would try
 * another identity than the app's.
 */
function checkTelemetry(settings: Settings): readonly string[] {
  const name = 'APPLICATIONINSIGHTS_AUTHENTICATION_STRING';
  return ['Authorization=AAD', 'ClientId=']
    .filter((part) => settings[name]?.includes(part) === false)
    .map((part) => `The setting ${name} must have ${part}.`);
}

function reasonOf(name: string): string {
  return Object.hasOwn(PLATFORM, name)
    ? 'the platform needs it'
    : 'shared/settings/config.ts reads it';
}

function objectionTo(name: string): string {
  if (REFUSED.test(name)) return 'is refused by Flex Consumption';
  return NOT_IN_AZURE[name] ?? 'is not read';
}

const SECRET_NAME = /(_API_KEY|_SECRET|_PASSWORD|_TOKEN|CONNECTION_STRING|_HEADERS|_SAS)$/i;
const SECRET_VALUE =
  /listKeys\(|listSecrets\(|listAccountSas\(|listServiceSas\(|AccountKey=|SharedAccessSignature=|[?&]sig=|InstrumentationKey=|-----BEGIN/i;
/** A connection string that is not a secret, since senders sign in. */
const NO_SECRET = new Set(['APPLICATIONINSIGHTS_CONNECTION_STRING']);

/** Checks that settings and outputs contain no secrets, and named values only as secrets. */
export function checkSecrets(snapshot: Snapshot): readonly string[] {
  const places = [
    ...Object.entries(settingsOf(snapshot) ?? {}).map((entry) => ['The setting', ...entry]),
    ...Object.entries(snapshot.outputs).map(([name, value]) => [
      'The output',
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  ];
  const shown = ofType(snapshot, 'Microsoft.ApiManagement/service/namedValues').filter((one) => {
    const value = String(valueAt(one, 'properties.value'));
    // A parameter that is still unresolved in a snapshot is a secure one.
    const isHidden = SECRET_VALUE.test(value) || value.startsWith('[parameters(');
    return isHidden && valueAt(one, 'properties.secret') !== true;
  });
  return [
    ...places
      .filter(([, name = '', value = '']) => isSecret(name, value))
      .map(([kind, name]) => `${kind} ${name} contains a secret: use a Key Vault reference.`),
    ...shown.map(({ name }) => `The named value ${name} shows a secret: set secret to true.`),
  ];
}

function isSecret(name: string, value: string): boolean {
  if (SECRET_VALUE.test(value)) return true;
  if (value === '' || isVaultReference(value)) return false;
  return SECRET_NAME.test(name) && !NO_SECRET.has(name);
}
