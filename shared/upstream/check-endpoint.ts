import { InvalidRequestError } from '../base/errors.ts';
import type { SettingsReader } from '../base/settings-reader.ts';

/** Azure OpenAI and Foundry in Azure's public cloud. */
const PUBLIC_CLOUD = [
  '.openai.azure.com',
  '.services.ai.azure.com',
  '.cognitiveservices.azure.com',
];

/** The same services in Azure Government. Azure in China has none under its own name. */
const GOVERNMENT_CLOUD = [
  '.openai.azure.us',
  '.services.ai.azure.us',
  '.cognitiveservices.azure.us',
];

/** Names of this machine and its network, which no pattern is meant to allow. */
const INTERNAL_NAME = /^localhost$|\.(localhost|local|internal|localdomain|home|lan|arpa)$/;

/** Throws an InvalidRequestError for an address that must not be called. */
export type CheckEndpoint = (endpoint: string) => void;

type CheckEndpointOptions = {
  /** The endpoints of the settings, which are always allowed. */
  readonly endpoints: readonly string[];
  /** The entries of `ROUTER_ALLOWED_HOSTS`. */
  readonly allowed: readonly string[];
};

/** Returns true if a token of this app's identity may be sent there: only the public cloud takes it. */
export function takesTokens(endpoint: URL): boolean {
  return endpoint.protocol === 'https:' && PUBLIC_CLOUD.some((one) => hasSuffix(endpoint, one));
}

/** Returns true for the hosts of Azure OpenAI and Foundry, in each of its clouds. */
export function isAzureHost(endpoint: URL): boolean {
  const isAzure = [...PUBLIC_CLOUD, ...GOVERNMENT_CLOUD].some((one) => hasSuffix(endpoint, one));
  return endpoint.protocol === 'https:' && isAzure;
}

/**
 * Creates the check that a deployment's endpoint may be called: the configured endpoints are
 * allowed, and, over https and at its usual port, Azure OpenAI, Foundry and the hosts that the
 * operator allows. Any other registered address could be a way into the network that this app runs
 * in. The addresses that a name resolves to are not checked: with private endpoints, Azure's own
 * names resolve to private addresses.
 */
export function createCheckEndpoint({ endpoints, allowed }: CheckEndpointOptions): CheckEndpoint {
  const origins = new Set(endpoints.map((one) => new URL(one).origin));
  const exact = new Set(allowed.filter((one) => !one.startsWith('*')));
  const suffixes = [
    ...PUBLIC_CLOUD,
    ...GOVERNMENT_CLOUD,
    ...allowed.filter((one) => one.startsWith('*')).map((one) => one.slice(1)),
  ];
  return (endpoint) => {
    const url = parseEndpoint(endpoint);
    if (origins.has(url.origin) || exact.has(url.origin)) return;
    if (url.protocol !== 'https:') throw notAllowed('is not https');
    // `host` includes the port, unless it is the default of https.
    if (exact.has(url.host) || suffixes.some((one) => hasSuffix(url, one))) return;
    throw notAllowed(
      'has a host that is not among the configured endpoints, Azure OpenAI, Foundry and ROUTER_ALLOWED_HOSTS',
    );
  };
}

/** Reads `ROUTER_ALLOWED_HOSTS`: comma separated `host[:port]`, `*.suffix` or `http://host:port`. */
export function readAllowedHosts(read: SettingsReader): readonly string[] {
  const hosts: string[] = [];
  for (const [index, part] of read.text('ROUTER_ALLOWED_HOSTS')?.split(',').entries() ?? []) {
    const host = parseAllowed(part.trim());
    if (host !== undefined) hosts.push(host);
    // The value is left out: a mistyped address may hold a key.
    else {
      read.problem(
        `ROUTER_ALLOWED_HOSTS: entry ${index + 1} must be a host, host:port, *.suffix of at least two labels, or http://host:port.`,
      );
    }
  }
  return hosts;
}

function parseAllowed(entry: string): string | undefined {
  const isPattern = entry.startsWith('*.');
  const hasScheme = /^https?:\/\//i.test(entry);
  const text = hasScheme ? entry : `https://${isPattern ? entry.slice(2) : entry}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isBare = url !== undefined && url.href === `${url.origin}/` && !/[/\\]$/.test(entry);
  if (url === undefined || !isBare || url.hostname.includes('*')) return undefined;
  if (!isPattern) return hasScheme ? url.origin : url.host;
  return isName(url.hostname) && url.port === '' ? `*.${url.hostname}` : undefined;
}

function parseEndpoint(endpoint: string): URL {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw notAllowed('is not an http or https address');
  }
  if (`${url.username}${url.password}${url.search}${url.hash}` !== '') {
    throw notAllowed('has a user name, a query or a fragment');
  }
  return url;
}

/** Matches only names at the default port of https: `URL` has normalized other spellings of addresses. */
function hasSuffix({ hostname, port }: URL, suffix: string): boolean {
  return (
    port === '' && hostname.endsWith(suffix) && isName(hostname) && !INTERNAL_NAME.test(hostname)
  );
}

/** Returns true for at least two labels without a final dot. An IP address ends in a number, so it fails. */
function isName(hostname: string): boolean {
  return /^([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)+[a-z][a-z0-9-]*$/.test(hostname);
}

function notAllowed(what: string): InvalidRequestError {
  return new InvalidRequestError(
    `The endpoint ${what}. An administrator of the router can allow its host in ROUTER_ALLOWED_HOSTS.`,
    { param: 'endpoint', code: 'endpoint_not_allowed' },
  );
}
