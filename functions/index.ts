import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { app, type HttpHandler, type HttpRequest } from '@azure/functions';
import { createApp } from './app.ts';
import { watchConnections } from './http/connections.ts';
import type { FindRoute } from './http/find-route.ts';
import { toFunctionResponse } from './http/function-response.ts';
import { answerUnclaimed } from './http/unclaimed-requests.ts';

// The router as an app of Azure Functions. Wrong settings end the start here.
const { config, log, routes, respond, findRoute, ...router } = await createApp(
  new URL('.', import.meta.url),
);
const findConnection = answerUnclaimed(watchConnections(), log);

app.setup({ enableHttpStream: true });
// The host tries the routes in the order of their names, and takes the first that matches.
for (const [name, { method, ...route }] of Object.entries(routes)) {
  const answer = respond(route);
  app.http(name, {
    route: route.path,
    methods: method === 'GET' ? ['GET', 'HEAD'] : [method],
    authLevel: config.access.hostChecksKey && route.access !== 'open' ? 'function' : 'anonymous',
    handler: handlerOf(() => ({ answer })),
  });
}
// Paths that the host finds no function for: other spellings of the routes, and wrong ones.
app.http('zz-other-paths', {
  route: '{*rest}',
  methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  // Another spelling must not get around the key that the host asks for.
  authLevel: config.access.hostChecksKey ? 'function' : 'anonymous',
  handler: handlerOf(findByPath),
});
// A browser sends no key with a preflight.
if (config.corsOrigins.length > 0) {
  app.http('zz-preflight', {
    route: '{*rest}',
    methods: ['OPTIONS'],
    authLevel: 'anonymous',
    handler: handlerOf(findByPath),
  });
}
// The host runs it on one instance at a time, when PURGE_SCHEDULE says.
app.timer('purge-expired', {
  schedule: config.registry.purgeSchedule,
  handler: async () => {
    const failed = await router.purgeExpired();
    // The host reports it as a failed run.
    if (failed.length > 0) throw new Error(`Could not purge ${failed.join(', ')}.`);
  },
});
// Nothing waits for it: a request that arrives earlier does the remaining work itself.
app.hook.appStart(() => router.warm());
app.hook.appTerminate(() => router.shutDown());

type Found = Pick<ReturnType<FindRoute>, 'answer'> & Partial<ReturnType<FindRoute>>;

/** Finds the route of a path as the request itself has it; the host escapes encoded slashes once more. */
function findByPath(method: string, url: string): Found {
  const [path = '/'] = url.split('?', 1);
  return findRoute(method, path.replace(/%252F/gi, '%2F'));
}

function handlerOf(find: (method: string, url: string) => Found): HttpHandler {
  return (request, { invocationId, traceContext }) => {
    const { method, headers, query } = request;
    const connection = findConnection(invocationId);
    const url = connection?.request.url ?? request.url.replace(/^https?:\/\/[^/]*/, '');
    const { answer, params = request.params } = find(method, url);
    const given = {
      id: invocationId,
      method,
      headers,
      query,
      params,
      connection,
      body: connection?.request ?? bodyOf(request),
      traceparent: traceContext?.traceParent,
      tracestate: traceContext?.traceState,
    };
    return answer(given, toFunctionResponse);
  };
}

function bodyOf({ body }: HttpRequest): Readable | undefined {
  return body === null ? undefined : Readable.fromWeb(body as ReadableStream);
}
