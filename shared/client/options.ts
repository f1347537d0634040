import type { Fetch } from './transport.ts';

/** Above the 230 s after which Azure's load balancer gives up, so that the router's error arrives. */
export const DEFAULT_TIMEOUT_MS = 240_000;
export const DEFAULT_MAX_RETRIES = 2;

/** A secret, or a function that gives it and is asked before each attempt. */
export type Credential = string | (() => string | Promise<string>);

export type SmartRouterClientOptions = {
  /** Where the router or its front door is, such as `https://my-router.azurewebsites.net`. */
  readonly baseUrl: string;
  /** Sent as `api-key`. Give this or `bearerToken`. */
  readonly apiKey?: Credential | undefined;
  /** Sent as `Authorization: Bearer`: an Entra ID token, best as a function. */
  readonly bearerToken?: Credential | undefined;
  /** Sent as `X-USE_CASE`: the kind of work, by which policies and figures are kept. */
  readonly useCase?: string | undefined;
  /**
   * Default 240,000; `Infinity` is no limit. The time of a whole call, retries included. For a
   * stream, the time until it begins, and then the longest gap between bytes.
   */
  readonly timeoutMs?: number | undefined;
  /**
   * Default 2. Only when no answer came or its status is 408, 429 or 5xx, after the time that
   * `retry-after-ms` or `retry-after` asks for; never once an answer has begun.
   */
  readonly maxRetries?: number | undefined;
  /** Default: the platform's. */
  readonly fetch?: Fetch | undefined;
  /** Sent with each request, such as a subscription key of API Management. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
};

export type ChatCompletionOptions = Pick<
  SmartRouterClientOptions,
  'useCase' | 'timeoutMs' | 'maxRetries' | 'headers'
> & {
  /** Aborts the call, or the stream, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Default: the request's `model`, else `smart-router`. Another name bypasses the router. */
  readonly deployment?: string | undefined;
};

/** Quotes no value: the platform's own error would, and with it a key. */
export function setHeader(headers: Headers, name: string, value: string | undefined): void {
  if (value === undefined) return;
  try {
    headers.set(name, value);
  } catch {
    throw new TypeError(
      `The value for the header ${name} cannot be sent: it may hold no line break and no character beyond Latin-1.`,
    );
  }
}

export async function readCredential(
  credential: Credential | undefined,
): Promise<string | undefined> {
  return typeof credential === 'function' ? await credential() : credential;
}

/** Without the slash at the end. Never quotes the URL, which may hold a password. */
export function parseBaseUrl(text: string): string {
  const advice = 'baseUrl must be an http or https URL without user, query or fragment';
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new TypeError(`${advice}, such as http://localhost:7071.`);
  }
  const isPlain = url.username + url.password + url.search + url.hash === '';
  if (!/^https?:$/.test(url.protocol) || !isPlain) throw new TypeError(`${advice}.`);
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

export function checkLimits(
  limits: Pick<SmartRouterClientOptions, 'timeoutMs' | 'maxRetries'>,
): void {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, maxRetries = DEFAULT_MAX_RETRIES } = limits;
  if (!(timeoutMs > 0)) throw new RangeError(`timeoutMs must be above 0, got ${timeoutMs}.`);
  if (!Number.isInteger(maxRetries) || maxRetries < 0) {
    throw new RangeError(`maxRetries must be a whole number from 0, got ${maxRetries}.`);
  }
}
