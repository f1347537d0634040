/** A deployment as the router gives it. */
export type Entry = {
  readonly name: string;
  readonly model?: string;
  readonly deployment?: string;
  readonly enabled?: boolean;
  readonly weight?: number;
  readonly price?: { readonly input: number; readonly output: number };
  readonly scorer_model?: string | null;
  readonly source: string;
  readonly version: number;
  readonly probe?: {
    readonly ok: boolean;
    readonly status?: number;
    readonly latency_ms: number;
    readonly error?: { readonly message: string };
  };
};

/** One change, as the history has it. */
export type Change = {
  readonly version: number;
  readonly action: string;
  /** Absent for what the settings say. */
  readonly at?: string;
  readonly by: string;
  readonly changed: readonly string[];
};

/** The router refuses, or cannot be asked: its own words, and nothing to mend on the command line. */
export class RouterError extends Error {}

/** Asks the registry of a running router. Every operation throws a RouterError. */
export type RegistryClient = {
  list(): Promise<readonly Entry[]>;
  put(name: string, definition: object, query?: string): Promise<Entry>;
  patch(name: string, change: object): Promise<Entry>;
  remove(name: string): Promise<{ readonly version: number; readonly reverts_to?: string }>;
  history(name: string): Promise<readonly Change[]>;
  rollback(name: string, version: number): Promise<Entry>;
};

const TIMEOUT_MS = 30_000;

export function createRegistryClient(url: URL, key: string | undefined): RegistryClient {
  const base = `${url.href.replace(/\/+$/, '')}/llm/deployments`;

  async function ask<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(base + path, {
      method,
      headers: { 'content-type': 'application/json', ...(key !== undefined && { 'api-key': key }) },
      ...(body && { body: JSON.stringify(body) }),
      // A redirect would carry the key to somebody else.
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
  }

  const pathOf = (name: string) => `/${encodeURIComponent(name)}`;
  return {
    list: async () => (await ask<{ data: Entry[] }>('GET', '')).data,
    put: (name, definition, query = '') => ask('PUT', pathOf(name) + query, definition),
    patch: (name, change) => ask('PATCH', pathOf(name), change),
    remove: (name) => ask('DELETE', pathOf(name)),
    history: async (name) => (await ask<{ data: Change[] }>('GET', `${pathOf(name)}/history`)).data,
    rollback: (name, version) => ask('POST', `${pathOf(name)}/rollback`, { version }),
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
