import type { ApiStyle } from '../capabilities/capabilities.ts';
import { isAzureHost } from './check-endpoint.ts';

/** The version of the classic paths where none is configured: the newest that is generally available. */
export const DEFAULT_API_VERSION = '2024-10-21';

/** An address of a deployment, with what is configured about the way to call it. */
type Address = {
  readonly endpoint: URL;
  readonly apiStyle?: ApiStyle | undefined;
  readonly apiVersion?: string | undefined;
};

/**
 * The style in which an address is called. Where none is configured, a version stands for the classic paths, and
 * Azure OpenAI and Foundry are called at their paths without a version: newer models refuse older versions.
 */
export function apiStyleOf({ endpoint, apiStyle, apiVersion }: Address): ApiStyle {
  if (apiStyle !== undefined) return apiStyle;
  return apiVersion === undefined && isAzureHost(endpoint) ? 'azure-v1' : 'azure';
}

/** The address without the slashes at its end, and without the path that the style adds to it. */
export function baseOf(endpoint: string, apiStyle: ApiStyle): string {
  const base = endpoint.replace(/(?<!\/)\/+$/, '');
  return apiStyle === 'azure-v1' ? base.replace(/\/openai\/v1$/i, '') : base;
}

/** The path of an operation, which the router adds itself. */
const OPERATION =
  /\/(?:openai\/deployments(?:\/.*)?|chat\/completions|completions|embeddings|responses|models)$/i;

/**
 * Says what is wrong with the path of an address, such as that of a single operation, and what to do; undefined
 * where nothing is. `names` are those of the address and of its style, as the reader knows them.
 */
export function pathProblem(
  address: Address,
  names: { readonly endpoint: string; readonly apiStyle: string },
): string | undefined {
  const { pathname } = address.endpoint;
  const path = pathname.replace(/(?<!\/)\/+$/, '');
  const apiStyle = apiStyleOf(address);
  const [operation] = OPERATION.exec(path) ?? [];
  if (operation !== undefined) {
    return `${names.endpoint} must end before ${operation.slice(0, 64)}: the router adds the path of each operation.`;
  }
  if (apiStyle === 'azure' && /\/openai\/v1$/i.test(path)) {
    return `${names.endpoint} ends in /openai/v1, which the style azure does not call: set ${names.apiStyle} to azure-v1, or to openai for a server that is not Azure's.`;
  }
  if (apiStyle !== 'openai' && /\/openai$/i.test(path)) {
    return `${names.endpoint} must end before /openai: the style ${apiStyle} adds it.`;
  }
  if (address.apiStyle === undefined && /\/v1$/i.test(baseOf(path, apiStyle))) {
    return `${names.endpoint} ends in /v1, which the style ${apiStyle} does not call: set ${names.apiStyle} to openai. Where it is the path of a gateway, set it to ${apiStyle}.`;
  }
  return undefined;
}
