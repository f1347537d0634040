import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { app, type HttpHandler, type HttpRequest } from '@azure/functions';
import { createApp } from './app.ts';
import { watchConnections } from './http/connections.ts';
import { toFunctionResponse } from './http/function-response.ts';
import type { Route } from './http/respond.ts';
import { answerUnclaimed } from './http/unclaimed-requests.ts';
import { NOT_FOUND } from './routes/routes.ts';

// The router as an app of Azure Functions. Wrong settings end the start here.
const { config, log, routes, notFound, respond, ...router } = await createApp(
  new URL('.', import.meta.url),
);
const findConnection = answerUnclaimed(watchConnections(), log);

app.setup({ enableHttpStream: true });
// The host tries the routes in the order of their names, and takes the first that matches.
for (const [name, { method, ...route }] of Object.entries(routes)) {
  app.http(name, {
    route: route.path,
    methods: [method],
    authLevel: config.access.hostChecksKey && route.access !== 'open' ? 'function' : 'anonymous',
    handler: handlerOf(route),
  });
}
app.http(NOT_FOUND.name, {
  route: NOT_FOUND.path,
  methods: NOT_FOUND.methods,
  authLevel: 'anonymous',
  handler: handlerOf(notFound),
});
// The host runs it on one instance at a time, when PURGE_SCHEDULE says.
app.timer('purge-expired', {
  schedule: config.registry.purgeSchedule,
  handler: () => router.purgeExpired(),
});
// Nothing waits for it: a request that arrives earlier does the remaining work itself.
app.hook.appStart(() => router.warm());
app.hook.appTerminate(() => router.shutDown());

function handlerOf(route: Route): HttpHandler {
  const answer = respond(route);
  return (request, { invocationId, traceContext }) => {
    const { method, headers, query, params } = request;
    const connection = findConnection(invocationId);
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
