import { setTimeout as sleep } from 'node:timers/promises';
import { InputError } from '../command-line/input-error.ts';
import { isLoopback } from '../command-line/is-loopback.ts';

export const AZURE_RESOURCE_MANAGER = 'https://management.azure.com';

/** A call that Azure Resource Manager refused; `code` is Azure's own, such as `AuthorizationFailed`. */
export class ArmError extends Error {
  readonly status: number;
  readonly code: string;
  constructor(message: string, { status, code }: { status: number; code: string }) {
    super(message);
    this.name = 'ArmError';
    this.status = status;
    this.code = code;
  }
}

export type ArmClient = {
  /** Lists every page. Throws an ArmError. */
  list(path: string): Promise<readonly unknown[]>;
  /** Posts to a path. Throws an ArmError. */
  post(path: string): Promise<unknown>;
};

type ArmClientOptions = {
  readonly address: string;
  readonly getToken: () => Promise<string>;
  /** First pause before another attempt in milliseconds; each further pause is twice as long. */
  readonly retryMs?: number;
};

const ATTEMPTS = 4;
const RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 20_000;
const REQUEST_MS = 30_000;
/** Largest number of pages; the models of a region need only a few. */
const MOST_PAGES = 50;

/** Creates a client. Throws an InputError when a token sent to that address could be read on its way. */
export function createArmClient(options: ArmClientOptions): ArmClient {
  const { address, getToken, retryMs = RETRY_MS } = options;
  const base = URL.canParse(address) ? new URL(address) : undefined;
  if (base?.protocol !== 'https:' && !(base?.protocol === 'http:' && isLoopback(base))) {
    throw new InputError(
      `--arm must be an https address, or an http one of this machine, got "${address}".`,
    );
  }
  const { origin } = base;

  async function ask(url: URL, method: 'GET' | 'POST'): Promise<unknown> {
    for (let attempt = 1; ; attempt += 1) {
      const response = await askOnce(url, method);
      if (response.ok) return await response.json();
      const isPassing = response.status === 429 || response.status >= 500;
      if (!isPassing || attempt === ATTEMPTS) throw await armError(response);
      await response.body?.cancel();
      await sleep(readPause(response) ?? retryMs * 2 ** (attempt - 1));
    }
  }

  async function askOnce(url: URL, method: 'GET' | 'POST'): Promise<Response> {
    try {
      return await fetch(url, {
        method,
        headers: { authorization: `Bearer ${await getToken()}` },
        redirect: 'error',
        signal: AbortSignal.timeout(REQUEST_MS),
      });
    } catch (cause) {
      if (cause instanceof InputError) throw cause;
      throw new InputError(
        `Azure Resource Manager at ${origin} cannot be reached: ${reasonOf(cause)}. Check the network, or skip the checks that need it with --offline.`,
        { cause },
      );
    }
  }

  return {
    async list(path) {
      const items: unknown[] = [];
      let next: URL | undefined = new URL(path, origin);
      for (let page = 0; next !== undefined && page < MOST_PAGES; page += 1) {
        // Pages must stay at the given address, since the token is meant only for it.
        if (next.origin !== origin)
          throw new Error(`A list continues at another address, ${next.origin}.`);
        const body = (await ask(next, 'GET')) as { value?: unknown[]; nextLink?: string | null };
        items.push(...(body.value ?? []));
        next = body.nextLink ? new URL(body.nextLink) : undefined;
      }
      return items;
    },
    post: (path) => ask(new URL(path, origin), 'POST'),
  };
}

/** Reads the pause in milliseconds; undefined when the answer does not state one. */
function readPause({ headers }: Response): number | undefined {
  const seconds = Number(headers.get('retry-after') ?? '');
  return seconds > 0 ? Math.min(1_000 * seconds, LONGEST_RETRY_MS) : undefined;
}

async function armError(response: Response): Promise<ArmError> {
  const body: unknown = await response.json().catch(() => undefined);
  const { error = {} } = (body ?? {}) as { error?: { code?: unknown; message?: unknown } };
  const code = typeof error.code === 'string' ? error.code : `HTTP ${response.status}`;
  const message = typeof error.message === 'string' ? error.message : '';
  return new ArmError(`${code}: ${message}`.trim(), { status: response.status, code });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
