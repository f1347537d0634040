import { InvalidRequestError } from '../base/errors.ts';
import type { ApiStyle, Capabilities } from '../capabilities/capabilities.ts';
import { capabilitiesOf } from '../capabilities/known-models.ts';
import { CAPABILITY_NAMES, parseCapability } from '../capabilities/read-capabilities.ts';
import { apiStyleOf, baseOf, DEFAULT_API_VERSION, pathProblem } from '../upstream/api-style.ts';
import { takesTokens } from '../upstream/check-endpoint.ts';
import type { Deployment } from '../upstream/deployment.ts';
import type { Auth, DeploymentDefinition } from './definitions.ts';
import type { SettingsDeployment } from './fleet-keeper.ts';
import { nearestName } from './nearest-name.ts';

type Known = {
  /** The settings' deployment of the same name, whose model they may describe better than the table. */
  readonly ofSettings?: Deployment | undefined;
  readonly apiKey?: string | undefined;
};

/**
 * Returns the deployment that a definition describes. Throws an InvalidRequestError if it cannot be called;
 * the endpoint and the key are checked elsewhere (check-entries.ts, credentials.ts).
 */
export function toDeployment(
  name: string,
  definition: DeploymentDefinition,
  { ofSettings, apiKey }: Known = {},
): Deployment {
  const { deployment: upstreamName } = definition;
  checkAuth(definition, ofSettings);
  const apiStyle = readStyle(definition);
  const modelName = definition.model ?? upstreamName ?? name;
  const { api_version: apiVersion = ofSettings?.apiVersion ?? DEFAULT_API_VERSION } = definition;
  const isSame = ofSettings?.modelName === modelName && ofSettings.apiStyle === apiStyle;
  const known = isSame ? ofSettings.capabilities : capabilitiesOf(modelName, apiStyle);
  return {
    name,
    ...(upstreamName !== undefined && upstreamName !== name && { upstreamName }),
    modelName,
    endpoint: baseOf(definition.endpoint, apiStyle),
    apiStyle,
    apiVersion,
    ...(apiKey !== undefined && { apiKey }),
    capabilities: readCapabilities(definition, known),
  };
}

/** Returns the definition of a deployment of the settings, which is its first version. */
export function toDefinition({
  deployment,
  scoredAs,
  price,
}: SettingsDeployment): DeploymentDefinition {
  const { modelName, endpoint, apiStyle, apiVersion } = deployment;
  return {
    endpoint,
    model: modelName,
    api_style: apiStyle,
    ...(apiStyle === 'azure' && { api_version: apiVersion }),
    auth: { type: 'settings' },
    ...(price && { price }),
    scorer_model: scoredAs.model,
    enabled: true,
    weight: 1,
    tags: [],
  };
}

/** Returns the source of the credential, or its default. */
export function authOf({ auth, api_style: apiStyle }: DeploymentDefinition): Auth {
  return auth ?? { type: apiStyle === 'openai' ? 'none' : 'managed_identity' };
}

/** Throws for an endpoint whose path does not fit its style; one that is not an address is refused elsewhere. */
function readStyle(definition: DeploymentDefinition): ApiStyle {
  const { endpoint, api_style: apiStyle, api_version: apiVersion } = definition;
  if (!URL.canParse(endpoint)) return apiStyle ?? 'azure';
  const address = { endpoint: new URL(endpoint), apiStyle, apiVersion };
  const problem = pathProblem(address, { endpoint: 'endpoint', apiStyle: 'api_style' });
  if (problem !== undefined) throw new InvalidRequestError(problem, { param: 'endpoint' });
  return apiStyleOf(address);
}

function checkAuth(definition: DeploymentDefinition, ofSettings: Deployment | undefined): void {
  const { type } = authOf(definition);
  const { endpoint, api_style: apiStyle = 'azure' } = definition;
  const isOpenAi = apiStyle === 'openai';
  if (type === 'none' && !isOpenAi) {
    throw badAuth('auth.type none is only for api_style openai: Azure requires a credential.');
  }
  if (type === 'managed_identity' && isOpenAi) {
    throw badAuth(
      'auth.type managed_identity is only for the Azure styles: name an app_setting or none.',
    );
  }
  const hasNoKey = type === 'settings' && ofSettings?.apiKey === undefined && !isOpenAi;
  if (type !== 'managed_identity' && !hasNoKey) return;
  if (!URL.canParse(endpoint) || !takesTokens(new URL(endpoint))) {
    throw badAuth(
      "Without a key, the token of the router's identity is sent, which only Azure hosts get, over https: name an app_setting or a key_vault_secret in auth for this endpoint.",
    );
  }
}

function badAuth(message: string): InvalidRequestError {
  return new InvalidRequestError(message, { param: 'auth' });
}

function readCapabilities(
  { context_window: contextTokens, capabilities = {} }: DeploymentDefinition,
  known: Capabilities,
): Capabilities {
  let read: Capabilities = { ...known, ...(contextTokens !== undefined && { contextTokens }) };
  for (const [name, value] of Object.entries(capabilities)) {
    const said = parseCapability(name, toText(value), read);
    if (said === undefined) throw badCapability(name);
    read = { ...read, ...said };
  }
  return read;
}

/** Writes a value as the settings do. */
function toText(value: boolean | number | string | readonly string[]): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value !== 'object') return String(value);
  return value.length === 0 ? 'no' : value.join('|');
}

function badCapability(name: string): InvalidRequestError {
  const param = `capabilities.${name.slice(0, 64)}`;
  if (CAPABILITY_NAMES.includes(name)) {
    return new InvalidRequestError(
      `${param} does not have this value: docs/capabilities.md lists the values.`,
      {
        param,
      },
    );
  }
  const nearest = nearestName(name, CAPABILITY_NAMES);
  const hint = nearest
    ? `Did you mean ${nearest}?`
    : `The capabilities are ${CAPABILITY_NAMES.join(', ')}.`;
  return new InvalidRequestError(`${param} is not a capability. ${hint}`, { param });
}
