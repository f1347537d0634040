import type { SettingsReader } from '../base/settings-reader.ts';
import { API_STYLES, type ApiStyle } from '../capabilities/capabilities.ts';
import { readCapabilities } from '../capabilities/read-capabilities.ts';
import { apiStyleOf, baseOf, DEFAULT_API_VERSION, pathProblem } from './api-style.ts';
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
  const address = readAddress(read, prefix);
  if (address === undefined) return undefined;
  const { endpoint, apiStyle, apiVersion, isOwn } = address;
  // The shared key belongs to the shared endpoint: it is never sent to another one.
  const apiKey =
    read.secret(`${prefix}_API_KEY`) ?? (isOwn ? undefined : read.secret('AZURE_OPENAI_API_KEY'));
  checkCredential(read, prefix, { endpoint, apiStyle, apiKey });
  if (name === undefined || modelName === undefined) return undefined;
  return {
    name,
    modelName,
    endpoint: baseOf(endpoint.href, apiStyle),
    apiStyle,
    apiVersion: apiVersion ?? DEFAULT_API_VERSION,
    ...(apiKey !== undefined && { apiKey }),
    capabilities: readCapabilities(read, prefix, { modelName, apiStyle }),
  };
}

/** Reads where a deployment is called, and in which style. */
function readAddress(read: SettingsReader, prefix: string) {
  const own = read.url(`${prefix}_ENDPOINT`);
  const endpoint = own ?? read.url('AZURE_OPENAI_ENDPOINT');
  if (endpoint === undefined) {
    if (read.isBad(`${prefix}_ENDPOINT`, 'AZURE_OPENAI_ENDPOINT')) return undefined;
    read.problem(
      `AZURE_OPENAI_ENDPOINT (or ${prefix}_ENDPOINT) is missing: the address to call, such as https://NAME.openai.azure.com.`,
    );
    return undefined;
  }
  const style =
    read.choice(`${prefix}_API_STYLE`, API_STYLES) ??
    read.choice('AZURE_OPENAI_API_STYLE', API_STYLES);
  const apiVersion = read.text('AZURE_OPENAI_API_VERSION');
  const address = { endpoint, apiStyle: style, apiVersion };
  const wrongPath = pathProblem(address, {
    endpoint: own ? `${prefix}_ENDPOINT` : 'AZURE_OPENAI_ENDPOINT',
    apiStyle: `${prefix}_API_STYLE (or AZURE_OPENAI_API_STYLE)`,
  });
  if (wrongPath !== undefined) read.problem(wrongPath);
  return { endpoint, apiStyle: apiStyleOf(address), apiVersion, isOwn: own !== undefined };
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
