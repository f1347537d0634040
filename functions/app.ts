import { admitsNobody } from '../shared/access/read-access.ts';
import { createLog, type Log } from '../shared/base/log.ts';
import { type Config, loadConfig } from '../shared/settings/config.ts';
import { createServices } from './build/create-services.ts';
import { createAuthenticate } from './http/authenticate.ts';
import { createCalls } from './http/calls.ts';
import { createRespond, type Respond, type Route } from './http/respond.ts';
import { shutDown } from './http/shut-down.ts';
import { createNotFoundRoute, createRoutes, type RouteWithMethod } from './routes/routes.ts';

/** The router, ready to be served by a host. */
export type App = {
  readonly config: Config;
  readonly log: Log;
  readonly routes: Readonly<Record<string, RouteWithMethod>>;
  /** Answers requests that match no route. */
  readonly notFound: Route;
  /** Creates the function that answers the requests of a route. */
  readonly respond: Respond;
  /** Does beforehand the work that the first requests would have to wait for. */
  readonly warm: () => void;
  readonly purgeExpired: () => Promise<void>;
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
  const closed = Object.entries(routes).map(([name, route]) => [
    name,
    name === 'health' ? route : close(route),
  ]);
  return {
    config,
    log,
    routes: Object.fromEntries(closed),
    notFound: close(createNotFoundRoute(routes)),
    respond: createRespond({
      calls,
      createRequestId: services.createRequestId,
      authenticate: createAuthenticate(config.access),
      ...config.limits,
      telemetry: services.telemetry,
      log,
    }),
    warm: services.warm,
    purgeExpired: services.purgeExpired,
    shutDown: () =>
      shutDown({ calls, log, background: services.background, finish: services.finish }),
  };
}
