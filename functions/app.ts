import { admitsAll, admitsNobody } from '../shared/access/read-access.ts';
import type { Background } from '../shared/base/background.ts';
import { createLog, type Log } from '../shared/base/log.ts';
import { type Config, loadConfig } from '../shared/settings/config.ts';
import { createServices } from './build/create-services.ts';
import { createAuthenticate } from './http/authenticate.ts';
import { createCalls } from './http/calls.ts';
import { createCrossOrigin } from './http/cross-origin.ts';
import { createFindRoute, type FindRoute } from './http/find-route.ts';
import { createRefuseForeign } from './http/open-router.ts';
import { createRespond, type Respond, type Route } from './http/respond.ts';
import { shutDown } from './http/shut-down.ts';
import { createNotFoundRoute, createPreflightRoute } from './routes/other-paths.ts';
import { createRoutes, type RouteWithMethod } from './routes/routes.ts';

/** The router, ready to be served by a host. */
export type App = {
  readonly config: Config;
  readonly log: Log;
  readonly routes: Readonly<Record<string, RouteWithMethod>>;
  /** Creates the function that answers the requests of a route. */
  readonly respond: Respond;
  /** Finds what answers a request for any path. */
  readonly findRoute: FindRoute;
  /** Does beforehand the work that the first requests would have to wait for. */
  readonly warm: () => void;
  /** Returns the kinds of records that could not be purged. */
  readonly purgeExpired: () => Promise<readonly string[]>;
  /** Runs work that no request waits for. */
  readonly background: Background;
  /** Has `/ready` say that this instance takes no more requests. */
  readonly drain: () => void;
  /** Ends the requests under way. Resolves when the process may end. */
  readonly shutDown: () => Promise<void>;
};

/**
 * Reads the settings and builds everything. Throws a ConfigError if the settings or the scorer are wrong,
 * before a request is accepted. `home` is the folder that the app was built into.
 */
export async function createApp(home: URL): Promise<App> {
  const config = await loadConfig();
  const log = createLog(config.logLevel);
  const services = await createServices(config, log);
  const calls = createCalls({ ...config.limits, log });
  const routes = createRoutes(services.forRoutes, home);
  // As long as no credentials are configured, only the health check answers.
  const isClosed = admitsNobody(config.access);
  const close = <R extends Route>(route: R): R =>
    isClosed && route.access === 'open' ? { ...route, access: 'key' } : route;
  const closed = Object.entries(routes).map(
    ([name, route]) => [name, name === 'health' ? route : close(route)] as const,
  );
  const crossOrigin =
    config.corsOrigins.length === 0 ? undefined : createCrossOrigin(config.corsOrigins);
  const respond = createRespond({
    calls,
    createRequestId: services.createRequestId,
    authenticate: createAuthenticate(config.access, services.background),
    countRequest: services.rateLimits.admit,
    ...(admitsAll(config.access) && { refuseForeign: createRefuseForeign(config.corsOrigins) }),
    crossOrigin,
    ...config.limits,
    telemetry: services.telemetry,
    log,
  });
  return {
    config,
    log,
    routes: Object.fromEntries(closed),
    respond,
    findRoute: createFindRoute({
      routes: closed.map(([, route]) => route),
      respond,
      notFound: (path, methods) => close(createNotFoundRoute(path, methods)),
      preflight: crossOrigin && ((methods) => createPreflightRoute(crossOrigin, methods)),
    }),
    warm: services.warm,
    purgeExpired: services.purgeExpired,
    background: services.background,
    drain: services.drain,
    shutDown: () =>
      shutDown({ calls, log, background: services.background, finish: services.finish }),
  };
}
