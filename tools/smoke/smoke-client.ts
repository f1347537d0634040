import { InputError } from '../command-line/input-error.ts';
import { isLoopback } from '../command-line/is-loopback.ts';

export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Parsed body; absent if the text is not a JSON object. */
  readonly body: Readonly<Record<string, unknown>> | undefined;
};

export type SmokeClient = {
  readonly hasKey: boolean;
  get(path: string): Promise<Answer>;
  post(path: string, body: unknown): Promise<Answer>;
  /** Posts as `post` does, but without the key. */
  postWithoutKey(path: string, body: unknown): Promise<Answer>;
};

/** Timeout of a request in milliseconds; a reasoning model may think for a while. */
const REQUEST_MS = 90_000;

/** Parses a router's address. Throws an InputError if a key sent there could be read on its way. */
export function parseRouterAddress(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url));
  if (url === undefined || !isSafe) {
    throw new InputError(
      `--url must be an https address, or an http one of this machine, got "${text}".`,
    );
  }
  if (/^\/llm(\/|$)/.test(url.pathname)) {
    throw new InputError(`--url must be only the address, such as ${url.origin}, without /llm.`);
  }
  return url;
}

export function createSmokeClient(router: URL, key?: string): SmokeClient {
  const base = router.href.replace(/\/+$/, '');
  const keyHeader = key === undefined ? {} : { 'api-key': key };

  async function ask(path: string, init: RequestInit): Promise<Answer> {
    // A redirect would send the key to another host.
    const response = await fetch(base + path, {
      ...init,
      redirect: 'error',
      signal: AbortSignal.timeout(REQUEST_MS),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: parseObject(text) };
  }

  function post(path: string, body: unknown, headers: Record<string, string>): Promise<Answer> {
    return ask(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  }

  return {
    hasKey: key !== undefined,
    // At the router, reading needs no key; API Management asks for a key for everything but /health.
    get: (path) => ask(path, { headers: path === '/health' ? {} : keyHeader }),
    post: (path, body) => post(path, body, keyHeader),
    postWithoutKey: (path, body) => post(path, body, {}),
  };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
