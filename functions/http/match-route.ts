/** A node of the tree of routes. */
type Step<R> = {
  /** The next steps by segment, in lower case. */
  readonly named: Map<string, Step<R>>;
  /** The next step for any other segment. */
  any?: Step<R>;
  /** The routes that end here, by method. */
  readonly ends: Map<string, { readonly route: R; readonly names: readonly string[] }>;
};

type Match<R> = { readonly route: R; readonly params: Readonly<Record<string, string>> };

/** Returns undefined if no route has this path and method. */
export type MatchRoute<R> = (method: string, path: string) => Match<R> | undefined;

const PARAM = /^\{(\w+)\}$/;

/**
 * Finds routes as the host of Azure Functions does, one step for each segment: case and a trailing slash
 * do not matter, and values are decoded except for encoded slashes. A literal segment goes before a
 * parameter.
 */
export function createMatchRoute<R extends { readonly path: string; readonly method: string }>(
  routes: Iterable<R>,
): MatchRoute<R> {
  const root = createStep<R>();
  for (const route of routes) {
    const segments = route.path.split('/');
    const names = segments.flatMap((segment) => PARAM.exec(segment)?.[1] ?? []);
    segments.reduce(stepTo, root).ends.set(route.method, { route, names });
  }
  return (method, path) => {
    const values: string[] = [];
    const end = walk(root, path, values)?.ends.get(method);
    return end && { route: end.route, params: zip(end.names, values) };
  };
}

/** Returns the step at the end of a path, and adds the values of its parameters to `values`. */
function walk<R>(root: Step<R>, path: string, values: string[]): Step<R> | undefined {
  let step: Step<R> | undefined = root;
  for (const segment of segmentsOf(path)) {
    const named: Step<R> | undefined = step.named.get(segment.toLowerCase());
    if (named === undefined) values.push(decode(segment));
    step = named ?? (segment === '' ? undefined : step.any);
    if (step === undefined) return undefined;
  }
  return step;
}

function createStep<R>(): Step<R> {
  return { named: new Map(), ends: new Map() };
}

/** Returns the next step for a segment of a route, and creates it if it does not exist. */
function stepTo<R>(step: Step<R>, segment: string): Step<R> {
  if (PARAM.test(segment)) {
    step.any ??= createStep();
    return step.any;
  }
  const next = step.named.get(segment) ?? createStep<R>();
  step.named.set(segment, next);
  return next;
}

function segmentsOf(path: string): readonly string[] {
  return path.slice(1, path.endsWith('/') ? -1 : undefined).split('/');
}

function decode(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment.replace(/%(2F)/gi, '%25$1'));
  } catch {
    return segment;
  }
}

function zip(names: readonly string[], values: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']));
}
