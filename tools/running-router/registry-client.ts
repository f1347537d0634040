import { createAskRouter } from './ask-router.ts';

/** A deployment as the router returns it. */
export type Entry = {
  readonly name: string;
  readonly model?: string;
  readonly deployment?: string;
  readonly enabled?: boolean;
  readonly weight?: number;
  readonly price?: { readonly input: number; readonly output: number };
  readonly scorer_model?: string | null;
  readonly scored_as?: {
    readonly model: string;
    readonly stand_in: boolean;
    readonly why: string;
  };
  readonly source: string;
  readonly version: number;
  readonly probe?: {
    readonly ok: boolean;
    readonly status?: number;
    readonly latency_ms: number;
    readonly error?: { readonly message: string };
  };
};

/** One change, as the history lists it. */
export type Change = {
  readonly version: number;
  readonly action: string;
  /** Time of the change; absent for the entry that comes from the settings. */
  readonly at?: string;
  readonly by: string;
  readonly changed: readonly string[];
};

/** A client of a running router's registry. Every operation throws a RouterError. */
export type RegistryClient = {
  list(): Promise<readonly Entry[]>;
  put(name: string, definition: object, query?: string): Promise<Entry>;
  patch(name: string, change: object): Promise<Entry>;
  remove(name: string): Promise<{ readonly version: number; readonly reverts_to?: string }>;
  history(name: string): Promise<readonly Change[]>;
  rollback(name: string, version: number): Promise<Entry>;
};

export function createRegistryClient(url: URL, key: string | undefined): RegistryClient {
  const ask = createAskRouter(url, key, '/llm/deployments');
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
