import { InputError } from '../command-line/input-error.ts';
import type { CommandLine } from '../command-line/run-tool.ts';
import { parseRouterAddress } from '../smoke/smoke-client.ts';

export const KEY_VARIABLE = 'SMART_ROUTER_API_KEY';

/**
 * The router's refusal in its own words, or the reason why it cannot be reached. It does not mean
 * that the command line is wrong.
 */
export class RouterError extends Error {}

const TIMEOUT_MS = 120_000;

export type AskRouter = <T>(method: string, path: string, body?: object) => Promise<T>;

/** Reads which router the command line means, and the key to call it with. */
export function readRouter(commandLine: CommandLine): {
  readonly url: URL;
  readonly key: string | undefined;
} {
  const url = commandLine.text('url') ?? process.env['SMART_ROUTER_URL'] ?? 'http://127.0.0.1:7071';
  const keyFrom = commandLine.text('key-from');
  const key = process.env[keyFrom ?? KEY_VARIABLE] ?? '';
  if (keyFrom !== undefined && key === '') {
    // The message leaves the name out, since somebody may have written the key itself there.
    throw new InputError('--key-from must name an environment variable that holds the key.');
  }
  return { url: parseRouterAddress(url), key: key === '' ? undefined : key };
}

/** Creates a function that asks a running router for paths below a folder. It throws a RouterError. */
export function createAskRouter(url: URL, key: string | undefined, folder: string): AskRouter {
  const base = `${url.href.replace(/\/+$/, '')}${folder}`;
  return async <T>(method: string, path: string, body?: object): Promise<T> => {
    const response = await fetch(base + path, {
      method,
      headers: { 'content-type': 'application/json', ...(key !== undefined && { 'api-key': key }) },
      ...(body && { body: JSON.stringify(body) }),
      // A redirect would send the key to another host.
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch((error: unknown) => {
      const { cause } = error as { readonly cause?: { readonly code?: string } };
      throw new RouterError(
        `The router cannot be reached at ${url.origin} (${cause?.code ?? error}).`,
      );
    });
    const text = await response.text();
    const json = parse(text);
    if (response.ok && json !== undefined) return json as T;
    const { error } = (json ?? {}) as { readonly error?: { readonly message?: string } };
    throw new RouterError(error?.message ?? `The router answered ${response.status}.`);
  };
}

function parse(text: string): object | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}
