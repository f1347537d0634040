import type { Fetch } from './transport.ts';

/**
 * Longer than the 230 s after which Azure's load balancer gives up, so that the router's error
 * arrives.
 */
export const DEFAULT_TIMEOUT_MS = 240_000;
export const DEFAULT_MAX_RETRIES = 2;

/** A secret, or a function that returns it and is called before each attempt. */
export type Credential = string | (() => string | Promise<string>);

export type SmartRouterClientOptions = {
  /** The address of the router or its front door, such as `https://my-router.azurewebsites.net`. */
  readonly baseUrl: string;
  /** The secret that is sent as `api-key`. Give this or `bearerToken`. */
  readonly apiKey?: Credential | undefined;
  /** An Entra ID token, best as a function; sent as `Authorization: Bearer`. */
  readonly bearerToken?: Credential | undefined;
  /** The kind of work, by which policies and figures are kept; sent as `X-USE_CASE`. */
  readonly useCase?: string | undefined;
  /**
   * The limit of a whole call in milliseconds, retries included; default 240,000, `Infinity` for no
   * limit. For a stream, it limits the time until it begins, and then each gap between bytes.
   */
  readonly timeoutMs?: number | undefined;
  /**
   * The most retries; default 2. A call is retried when no answer came or its status is 408, 429 or
   * 5xx, after the time that `retry-after-ms` or `retry-after` asks for; never once an answer has
   * begun.
   */
  readonly maxRetries?: number | undefined;
  /** The `fetch` to use; default: the platform's. */
  readonly fetch?: Fetch | undefined;
  /** Headers of each request, such as a subscription key of API Management. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
};

export type ChatCompletionOptions = Pick<
  SmartRouterClientOptions,
  'useCase' | 'timeoutMs' | 'maxRetries' | 'headers'
> & {
  /** Aborts the call, or the stream, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The deployment; default: the request's `model`, else `smart-router`. Another name bypasses
   * routing.
   */
  readonly deployment?: string | undefined;
};

/**
 * Sets a header. Its error does not quote the value, unlike the platform's, since it may be a key.
 */
export function setHeader(headers: Headers, name: string, value: string | undefined): void {
  if (value === undefined) return;
  try {
    headers.set(name, value);
  } catch {
    throw new TypeError(
      `The value for the header ${name} cannot be sent: it must not contain line breaks or characters beyond Latin-1.`,
    );
  }
}

export async function readCredential(
  credential: Credential | undefined,
): Promise<string | undefined> {
  return typeof credential === 'function' ? await credential() : credential;
}

/**
 * Returns the URL without a slash at the end. Its errors never quote it, since it may contain a
 * password.
 */
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
  return `${url.origin}${url.pathname.replace(/(?<!\/)\/+$/, '')}`;
}

export function checkLimits(
  limits: Pick<SmartRouterClientOptions, 'timeoutMs' | 'maxRetries'>,
): void {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, maxRetries = DEFAULT_MAX_RETRIES } = limits;
  if (!(timeoutMs > 0)) throw new RangeError(`timeoutMs must be above 0, got ${timeoutMs}.`);
  if (!Number.isInteger(maxRetries) || maxRetries < 0) {
    throw new RangeError(`maxRetries must be a whole number of at least 0, got ${maxRetries}.`);
  }
}
