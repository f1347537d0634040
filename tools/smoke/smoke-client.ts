import { InputError } from '../command-line/input-error.ts';
import { isLoopback } from '../command-line/is-loopback.ts';

export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Absent: the text is no JSON object. */
  readonly body: Readonly<Record<string, unknown>> | undefined;
};

export type SmokeClient = {
  readonly hasKey: boolean;
  get(path: string): Promise<Answer>;
  post(path: string, body: unknown): Promise<Answer>;
  /** The same without the key. */
  postWithoutKey(path: string, body: unknown): Promise<Answer>;
};

/** A request that takes longer has failed; a reasoning model may think for a while. */
const REQUEST_MS = 90_000;

/** Throws an InputError when a key sent there could be read on its way. */
export function parseRouterAddress(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url));
  if (url === undefined || !isSafe) {
    throw new InputError(
      `--url must be an https address, or an http one of this machine, got "${text}".`,
    );
  }
  if (/^\/llm(\/|$)/.test(url.pathname)) {
    throw new InputError(`--url must be the address alone, such as ${url.origin}, without /llm.`);
  }
  return url;
}

export function createSmokeClient(router: URL, key?: string): SmokeClient {
  const base = router.href.replace(/\/+$/, '');
  const keyHeader = key === undefined ? {} : { 'api-key': key };

  async function ask(path: string, init: RequestInit): Promise<Answer> {
    // A redirect would carry the key to somebody else.
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
    // What can be read is open to all at the router; API Management asks a key for all but /health.
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
