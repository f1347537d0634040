import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { flushCompileCache } from 'node:module';
import type { AddressInfo } from 'node:net';
import type { Answer } from '../shared/base/answer.ts';
import { ConfigError } from '../shared/base/errors.ts';
import { type App, createApp } from './app.ts';
import { createConnection } from './http/connections.ts';
import type { HostRequest } from './http/host-request.ts';
import { createMatchRoute } from './http/match-route.ts';

/** Beyond what a request may have, so that it can be told so. */
const MAX_HEADER_BYTES = 128 * 1024;
/** Longer than a balancer before it keeps a connection that is idle: it is to close first. */
const KEEP_ALIVE_MS = 75_000;
/** Most have none, and nobody changes one. */
const NO_QUERY = new URLSearchParams();
/** After the start. */
const SETTLE_MS = 1_000;

/** Serves the router until the process is told to end. Throws a ConfigError as createApp does. */
export async function serve(home: URL): Promise<void> {
  const app = await createApp(home);
  const { config, log } = app;
  if (config.access.hostChecksKey) {
    throw new ConfigError([
      'FRONT_DOOR=function-key needs the host of Azure Functions, which checks the key: set ROUTER_API_KEYS or ENTRA_TENANT_ID instead.',
    ]);
  }
  const server = createRouterServer(app);
  server.listen(config.listen.port, config.listen.host);
  await once(server, 'listening');
  const { address, port } = server.address() as AddressInfo;
  log('info', 'listening', { address, port });
  app.warm();
  setTimeout(() => void settle(app), SETTLE_MS).unref();
  const end = async () => {
    server.close();
    await app.shutDown();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => void end());
}

function createRouterServer({ routes, notFound, respond }: App): Server {
  const all = Object.values(routes).map((route) => ({ ...route, answer: respond(route) }));
  const matchRoute = createMatchRoute(all);
  const answerNotFound = respond(notFound);
  // An import of it by name would load all that hangs on it, a WebSocket client among it: some 35 ms.
  const { createServer } = process.getBuiltinModule('node:http');
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (request, response) => {
    // Writing to a client that has left must not end the process.
    response.on('error', () => undefined);
    const { url = '/', method = 'GET' } = request;
    const queryAt = url.indexOf('?');
    const found = matchRoute(method, queryAt === -1 ? url : url.slice(0, queryAt));
    const query = queryAt === -1 ? NO_QUERY : new URLSearchParams(url.slice(queryAt));
    const answer = found?.route.answer ?? answerNotFound;
    const given = toHostRequest(request, response, { method, query, params: found?.params ?? {} });
    void answer(given, (one) => send(one, response));
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  return server;
}

function toHostRequest(
  request: IncomingMessage,
  response: ServerResponse,
  parts: Pick<HostRequest, 'method' | 'query' | 'params'>,
): HostRequest {
  const connection = createConnection(request, response);
  const { headers } = request;
  return {
    id: randomUUID(),
    ...parts,
    headers: {
      get: connection.header,
      *[Symbol.iterator]() {
        for (const name of Object.keys(headers)) yield [name, connection.header(name) ?? ''];
      },
    },
    body: request,
    connection,
    traceparent: connection.header('traceparent') ?? undefined,
    tracestate: connection.header('tracestate') ?? undefined,
  };
}

/**
 * Throws what is wrong with the answer's head, before anything is sent. Whole answers are written once all
 * that has come in is looked at: each write wakes a client, which takes the processor away on a busy machine.
 */
function send({ status, headers, body }: Answer, response: ServerResponse): void {
  response.writeHead(status, headers);
  if (typeof body === 'string' || body instanceof Uint8Array) {
    setImmediate(() => response.end(body));
  } else {
    void pass(body, response);
  }
}

/** It goes as fast as it is taken: its waits are in it. */
async function pass(body: AsyncIterable<Uint8Array>, response: ServerResponse): Promise<void> {
  for await (const chunk of body) response.write(chunk);
  response.end();
}

/** What the first requests need not wait for. */
async function settle({ config, purgeExpired }: App): Promise<void> {
  flushCompileCache();
  const { Cron } = await import('croner');
  const options = { mode: '5-or-6-parts', timezone: 'UTC', unref: true, protect: true } as const;
  // Each instance does it: what is gone already is gone.
  new Cron(config.registry.purgeSchedule, options, () => purgeExpired());
}
