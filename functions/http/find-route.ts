import { createMatchRoute } from './match-route.ts';
import type { Respond, Route } from './respond.ts';

type Found = {
  /** Answers the request. */
  readonly answer: ReturnType<Respond>;
  readonly params: Readonly<Record<string, string>>;
};

/** Finds what answers a request for any path; `path` is encoded, without the query. It always finds something. */
export type FindRoute = (method: string, path: string) => Found;

type FindRouteOptions = {
  readonly routes: Iterable<Route & { readonly method: string }>;
  readonly respond: Respond;
  /** Answers a path that has none of the routes; `methods` are those that it has, if any. */
  readonly notFound: (path: string, methods: readonly string[]) => Route;
  /** Answers the preflight of a path with these methods; absent where no browser may call. */
  readonly preflight?: ((methods: readonly string[]) => Route) | undefined;
};

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

/**
 * Creates the one place where paths become routes: the server uses it for all requests, and the function app for
 * those that the host finds no function for. `HEAD` is answered wherever `GET` is; Node leaves the body out.
 */
export function createFindRoute(options: FindRouteOptions): FindRoute {
  const { respond, notFound, preflight } = options;
  const routes = Array.from(options.routes, (route) => ({ ...route, answer: respond(route) }));
  const match = createMatchRoute(routes);

  function find(method: string, path: string) {
    const known = method === 'HEAD' ? 'GET' : method;
    const plain = withoutSpareSlashes(path);
    return match(known, plain) ?? match(known, withCanonicalBase(plain));
  }

  return (method, path) => {
    const found = find(method, path);
    if (found !== undefined) return { answer: found.route.answer, params: found.params };
    const methods = METHODS.filter((one) => find(one, path) !== undefined);
    const route =
      method === 'OPTIONS' && preflight !== undefined && methods.length > 0
        ? preflight(methods)
        : notFound(withoutSpareSlashes(path), methods);
    return { answer: respond(route), params: {} };
  };
}

function withoutSpareSlashes(path: string): string {
  const single = path.replace(/\/{2,}/g, '/');
  return single.length > 1 && single.endsWith('/') ? single.slice(0, -1) : single;
}

/** The bases that clients put before the same operations, each part of which some of them leave out. */
const BASE = '^(?:/llm)?(?:/openai)?(?:/v1)?';
const BY_MODEL = new RegExp(
  `${BASE}(?:/deployments/.+)?/(models(?=/|$)|vector_stores(?=/|$)|chat/completions$|embeddings$)(.*)$`,
  'i',
);
const BY_DEPLOYMENT = new RegExp(
  `${BASE}/(?:deployments|engines)/(.+)/(chat/completions|embeddings)$`,
  'i',
);

/** The path at the base that the table of routes has. A name may have slashes that its client did not encode. */
function withCanonicalBase(path: string): string {
  const [, deployment, operation] = BY_DEPLOYMENT.exec(path) ?? [];
  if (deployment !== undefined) {
    return `/llm/openai/deployments/${encodeSlashes(deployment)}/${operation}`;
  }
  const [, kind = '', rest = ''] = BY_MODEL.exec(path) ?? [];
  if (kind === '') return path;
  const name = kind.toLowerCase() === 'models' ? `${encodeSlashes(rest.slice(1))}` : rest.slice(1);
  return `/llm/openai/v1/${kind}${name === '' ? '' : `/${name}`}`;
}

function encodeSlashes(name: string): string {
  return name.replaceAll('/', '%2F');
}
