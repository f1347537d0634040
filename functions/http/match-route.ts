type Step<R> = {
  /** Below a segment, in lower case. */
  readonly named: Map<string, Step<R>>;
  /** Below any segment. */
  any?: Step<R>;
  /** What ends here, by method. */
  readonly ends: Map<string, { readonly route: R; readonly names: readonly string[] }>;
};

type Match<R> = { readonly route: R; readonly params: Readonly<Record<string, string>> };

/** Undefined: there is no such route, or not with this method. */
export type MatchRoute<R> = (method: string, path: string) => Match<R> | undefined;

const PARAM = /^\{(\w+)\}$/;

/**
 * Finds routes as the host of Azure Functions does, in a step a segment: case and a slash at the end
 * do not matter, and values are decoded but for encoded slashes. A segment by its name goes before
 * one by any.
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

/** Notes in `values` what stands for parameters. */
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

/** The step below a segment, made where there is none. */
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
