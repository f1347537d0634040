import type { SettingsReader } from '../base/settings-reader.ts';
import { API_STYLES, type ApiStyle } from '../capabilities/capabilities.ts';
import { readCapabilities } from '../capabilities/read-capabilities.ts';
import { takesTokens } from './check-endpoint.ts';
import type { Deployment } from './deployment.ts';

/** Names of the router itself, which no deployment may have. */
const RESERVED_NAME = /^(smart-router$|router-mf-)/;

/** Printable ASCII: names stand in headers, and in paths, where `.` and `..` would lead elsewhere. */
const NAME = /^(?!\.{1,2}$)[\x21-\x7e]{1,128}$/;

/** Reads one deployment's settings; undefined if one is wrong, which is reported. */
export function readDeployment(
  read: SettingsReader,
  prefix: 'STRONG' | 'WEAK' | 'EMBEDDING',
): Deployment | undefined {
  const name = readName(read, `${prefix}_DEPLOYMENT`);
  const modelName = read.matching(`${prefix}_MODEL`, NAME) ?? name;
  const ownEndpoint = read.url(`${prefix}_ENDPOINT`);
  const endpoint = ownEndpoint ?? read.url('AZURE_OPENAI_ENDPOINT');
  // The shared key belongs to the shared endpoint: it is never sent to another one.
  const apiKey =
    read.secret(`${prefix}_API_KEY`) ??
    (ownEndpoint ? undefined : read.secret('AZURE_OPENAI_API_KEY'));
  const apiStyle =
    read.choice(`${prefix}_API_STYLE`, API_STYLES) ??
    read.choice('AZURE_OPENAI_API_STYLE', API_STYLES) ??
    'azure';
  if (endpoint === undefined) {
    if (read.isBad(`${prefix}_ENDPOINT`, 'AZURE_OPENAI_ENDPOINT')) return undefined;
    read.problem(
      `AZURE_OPENAI_ENDPOINT (or ${prefix}_ENDPOINT) is missing: the address to call, such as https://NAME.openai.azure.com.`,
    );
    return undefined;
  }
  checkCredential(read, prefix, { endpoint, apiStyle, apiKey });
  if (name === undefined || modelName === undefined) return undefined;
  return {
    name,
    modelName,
    endpoint: endpoint.href.replace(/(?<!\/)\/+$/, ''),
    apiStyle,
    apiVersion: read.text('AZURE_OPENAI_API_VERSION') ?? '2024-10-21',
    ...(apiKey !== undefined && { apiKey }),
    capabilities: readCapabilities(read, prefix, { modelName, apiStyle }),
  };
}

function readName(read: SettingsReader, setting: string): string | undefined {
  if (read.required(setting, 'the name of the deployment to call') === undefined) return undefined;
  const name = read.matching(setting, NAME);
  if (name !== undefined && RESERVED_NAME.test(name)) {
    read.problem(`${setting} must not be "${name}": the router itself answers to that name.`);
  }
  return name;
}

function checkCredential(
  read: SettingsReader,
  prefix: string,
  call: {
    readonly endpoint: URL;
    readonly apiStyle: ApiStyle;
    readonly apiKey: string | undefined;
  },
): void {
  const { endpoint, apiStyle, apiKey } = call;
  if (apiKey !== undefined || apiStyle === 'openai' || takesTokens(endpoint)) return;
  read.problem(
    `${prefix}_API_KEY is missing: without a key the router signs in with Microsoft Entra ID, and such a token is sent only to Azure hosts over https, not to ${endpoint.origin}.`,
  );
}
