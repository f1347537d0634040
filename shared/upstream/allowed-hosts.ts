import { InvalidRequestError } from '../base/errors.ts';
import type { SettingsReader } from '../base/settings-reader.ts';

/** Azure OpenAI and Foundry in Azure's public cloud. */
const PUBLIC_CLOUD = [
  '.openai.azure.com',
  '.services.ai.azure.com',
  '.cognitiveservices.azure.com',
];

/** The same in Azure Government. Azure in China has no such service under a name of its own. */
const GOVERNMENT_CLOUD = [
  '.openai.azure.us',
  '.services.ai.azure.us',
  '.cognitiveservices.azure.us',
];

/** Names of this machine and its network, which no pattern is meant to let in. */
const INTERNAL_NAME = /^localhost$|\.(localhost|local|internal|localdomain|home|lan|arpa)$/;

/** Throws an InvalidRequestError for an address that is not to be called. */
export type CheckEndpoint = (endpoint: string) => void;

type AllowedHostsOptions = {
  /** Those of the settings, which are always allowed as they are. */
  readonly endpoints: readonly string[];
  /** `ROUTER_ALLOWED_HOSTS`. */
  readonly allowed: readonly string[];
};

/** True where a token of this app's identity may be sent: it is valid in the public cloud only. */
export function takesTokens(endpoint: URL): boolean {
  return endpoint.protocol === 'https:' && PUBLIC_CLOUD.some((one) => hasSuffix(endpoint, one));
}

/**
 * What the router may call: the configured endpoints, Azure OpenAI and Foundry, and the hosts that
 * the operator allows, those over https and at its usual port. Anything else that somebody
 * registers could be a way into the network that this app runs in. What a name resolves to is not
 * looked at: Azure's own names resolve to private addresses behind private endpoints.
 */
export function createAllowedHosts({ endpoints, allowed }: AllowedHostsOptions): CheckEndpoint {
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
    // `host` has the port, unless it is https's own.
    if (exact.has(url.host) || suffixes.some((one) => hasSuffix(url, one))) return;
    throw notAllowed(
      'has a host that is none of the configured endpoints, Azure OpenAI, Foundry and ROUTER_ALLOWED_HOSTS',
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

/** At https's own port, and by a name: `URL` has made every other way to write an address one. */
function hasSuffix({ hostname, port }: URL, suffix: string): boolean {
  return (
    port === '' && hostname.endsWith(suffix) && isName(hostname) && !INTERNAL_NAME.test(hostname)
  );
}

/** At least two labels without a dot at the end, and no IP address, whose last label is a number. */
function isName(hostname: string): boolean {
  return /^([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)+[a-z][a-z0-9-]*$/.test(hostname);
}

function notAllowed(what: string): InvalidRequestError {
  return new InvalidRequestError(
    `The endpoint ${what}. An administrator of the router can allow its host in ROUTER_ALLOWED_HOSTS.`,
    { param: 'endpoint', code: 'endpoint_not_allowed' },
  );
}
