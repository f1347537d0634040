/** The part of an HTTP trigger's registration that decides which requests it gets. */
export type HttpFunction = {
  readonly name: string;
  readonly route: string;
  readonly methods: readonly string[];
  /** Auth level: `anonymous`, `function` or `admin`. */
  readonly authLevel: string;
};

export type RouteMatch = {
  readonly name: string;
  readonly authLevel: string;
  /** Route values; an optional one that is absent has no key. */
  readonly values: Readonly<Record<string, string>>;
};

type CompiledRoute = HttpFunction & { readonly pattern: RegExp; readonly keys: readonly string[] };

/** Finds the function for a method and a path, as ASP.NET Core's classic routes do. */
export type RouteTable = (method: string, path: string) => RouteMatch | undefined;

/**
 * Creates a route table. Routes are tried in the alphabetical order of the functions' names; the
 * first match wins, however specific. Case and a trailing slash are ignored; a wrong method does
 * not match. Throws for routes that the host refuses at start-up: reserved ones, and two equal
 * ones.
 */
export function createRouteTable(functions: readonly HttpFunction[], prefix: string): RouteTable {
  const compiled = functions
    .map((one) => compile(one, prefix))
    .sort((a, b) => compareIgnoringCase(a.name, b.name));
  refuseDuplicates(compiled);
  return (method, path) => {
    const decoded = decodePath(path);
    for (const { name, methods, authLevel, pattern, keys } of compiled) {
      const match = methods.includes(method) ? pattern.exec(decoded) : null;
      if (match !== null) return { name, authLevel, values: valuesOf(keys, match) };
    }
    return undefined;
  };
}

function compareIgnoringCase(a: string, b: string): number {
  const [left, right] = [a.toUpperCase(), b.toUpperCase()];
  return left < right ? -1 : left > right ? 1 : 0;
}

function compile(one: HttpFunction, prefix: string): CompiledRoute {
  const template = [prefix, one.route].filter((part) => part !== '').join('/');
  if (/^\/?(admin|runtime)(\/|$)/i.test(one.route)) {
    throw new Error(`The route "${one.route}" of ${one.name} is reserved for the host.`);
  }
  const keys: string[] = [];
  const pattern = template
    .split('/')
    .filter((segment) => segment !== '')
    .map((segment) => compileSegment(segment, keys))
    .join('');
  return {
    ...one,
    methods: one.methods.map((method) => method.toUpperCase()),
    pattern: new RegExp(`^${pattern}/?$`, 'is'),
    keys,
  };
}

/**
 * Compiles a segment with its leading slash: `{*rest}` takes any number of segments, `{id?}` none
 * or one.
 */
function compileSegment(segment: string, keys: string[]): string {
  const catchAll = /^\{\*{1,2}(\w+)\}$/.exec(segment);
  if (catchAll !== null) {
    keys.push(catchAll[1] ?? '');
    return '(?:/(.*))?';
  }
  const optional = /^\{(\w+)(:int)?\?\}$/.exec(segment);
  if (optional !== null) {
    keys.push(optional[1] ?? '');
    return `(?:/(${optional[2] === undefined ? '[^/]+' : '-?\\d+'}))?`;
  }
  const parts = segment.split(/(\{\w+(?::int)?\})/).map((part) => {
    const value = /^\{(\w+)(:int)?\}$/.exec(part);
    if (value === null) return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    keys.push(value[1] ?? '');
    return value[2] === undefined ? '([^/]+)' : '(-?\\d+)';
  });
  return `/${parts.join('')}`;
}

function valuesOf(keys: readonly string[], match: RegExpExecArray): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [index, key] of keys.entries()) {
    const value = match[index + 1];
    if (value !== undefined) values[key] = value;
  }
  return values;
}

/** Decodes everything but an encoded slash. */
function decodePath(path: string): string {
  try {
    return path
      .split(/(%2F)/i)
      .map((part) => (/^%2F$/i.test(part) ? part : decodeURIComponent(part)))
      .join('');
  } catch {
    return path;
  }
}

function refuseDuplicates(routes: readonly CompiledRoute[]): void {
  const seen = new Map<string, string>();
  for (const { name, methods, route } of routes) {
    for (const method of methods) {
      const key = `${method} ${route.toLowerCase()}`;
      const other = seen.get(key);
      if (other !== undefined) throw new Error(`${name} and ${other} have the same route.`);
      seen.set(key, name);
    }
  }
}
