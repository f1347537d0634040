/** One value as the host sends it to the worker: text as `string`, everything else as `json`. */
export type TypedData = { readonly string: string } | { readonly json: string };

type BindingDataOptions = {
  readonly headers: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly routeValues: Readonly<Record<string, string>>;
  /** The request's body; absent for a chunked one, which the host does not inspect. */
  readonly body?: Buffer;
};

/**
 * Returns the trigger metadata of a request, quirks included. The top-level properties of a JSON
 * body come first, then the query except `code`, then the route's values, later ones over earlier
 * ones. Names are compared ignoring case: a property or query key `headers` replaces the request's
 * headers, and the worker's library trusts it.
 */
export function createBindingData(options: BindingDataOptions): Record<string, TypedData> {
  const { headers, query, routeValues, body } = options;
  const data = new CaseInsensitiveRecord();
  data.set('Headers', { json: JSON.stringify(headers) });
  data.set('Query', { json: JSON.stringify(Object.fromEntries(query)) });
  for (const [name, value] of bodyProperties(body)) data.set(name, value);
  for (const [name, value] of query) {
    if (name.toLowerCase() !== 'code') data.set(name, { string: value });
  }
  for (const [name, value] of Object.entries(routeValues)) data.set(name, { string: value });
  return data.toRecord();
}

function bodyProperties(body: Buffer | undefined): [string, TypedData][] {
  // A large upload of another kind need not become a string.
  if (body === undefined || !/^\s*\{/.test(body.toString('utf8', 0, 1024))) return [];
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'));
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return [];
    return Object.entries(parsed)
      .filter(([, value]) => !Array.isArray(value))
      .map(([name, value]) => [name, toTypedData(value)]);
  } catch {
    return [];
  }
}

function toTypedData(value: unknown): TypedData {
  return typeof value === 'string' ? { string: value } : { json: JSON.stringify(value) };
}

class CaseInsensitiveRecord {
  readonly #entries = new Map<string, { name: string; data: TypedData }>();

  set(name: string, data: TypedData): void {
    const known = this.#entries.get(name.toUpperCase());
    this.#entries.set(name.toUpperCase(), { name: known?.name ?? name, data });
  }

  toRecord(): Record<string, TypedData> {
    return Object.fromEntries([...this.#entries.values()].map(({ name, data }) => [name, data]));
  }
}
