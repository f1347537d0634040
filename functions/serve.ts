import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { flushCompileCache } from 'node:module';
import type { AddressInfo } from 'node:net';
import type { Answer } from '../shared/base/answer.ts';
import { ConfigError } from '../shared/base/errors.ts';
import { type App, createApp } from './app.ts';
import { createConnection } from './http/connections.ts';
import { createEnding, type Ending } from './http/ending.ts';
import type { HostRequest } from './http/host-request.ts';

/** Higher than the limit for a request's headers, so that a request above the limit gets an answer that says so. */
const MAX_HEADER_BYTES = 128 * 1024;
/** Longer than load balancers keep idle connections, so that they close them first. */
const KEEP_ALIVE_MS = 75_000;
/** Shared by all requests without a query: it is never changed. */
const NO_QUERY = new URLSearchParams();
/** The time after the start until work that requests need not wait for begins. */
const SETTLE_MS = 1_000;

/** Serves the router until the process is asked to end. Throws the ConfigErrors of createApp. */
export async function serve(home: URL): Promise<void> {
  const app = await createApp(home);
  const { config, log } = app;
  if (config.access.hostChecksKey) {
    throw new ConfigError([
      'FRONT_DOOR=function-key needs the host of Azure Functions, which checks the key. Set ROUTER_API_KEYS or ENTRA_TENANT_ID instead.',
    ]);
  }
  const ending = createEnding(app);
  const server = createRouterServer(app, ending);
  server.listen(config.listen.port, config.listen.host);
  await once(server, 'listening');
  const { address, port } = server.address() as AddressInfo;
  log('info', 'listening', { address, port });
  // Nothing that was forgotten to be awaited may end the process.
  process.on('unhandledRejection', (reason) => {
    void app.background.run('unawaited work', () => Promise.reject(reason));
  });
  app.warm();
  setTimeout(() => void app.background.run('start', () => settle(app)), SETTLE_MS).unref();
  process.on('SIGTERM', () => void ending.begin(server, config.listen.drainMs));
  // Somebody at the terminal waits for the end.
  process.on('SIGINT', () => void ending.begin(server, 0));
}

function createRouterServer({ findRoute }: App, ending: Ending): Server {
  // Importing it by name would take about 35 ms: it loads everything related, even a WebSocket client.
  const { createServer } = process.getBuiltinModule('node:http');
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (request, response) => {
    // Writing to a client that has disconnected must not end the process.
    response.on('error', () => undefined);
    response.once('finish', () => ending.release(request.socket));
    const { url = '/', method = 'GET' } = request;
    const queryAt = url.indexOf('?');
    const { answer, params } = findRoute(method, queryAt === -1 ? url : url.slice(0, queryAt));
    const query = queryAt === -1 ? NO_QUERY : new URLSearchParams(url.slice(queryAt));
    const given = toHostRequest(request, response, { method, query, params });
    const sendOne = (one: Answer) => {
      ending.announce(response);
      send(one, response);
    };
    answer(given, sendOne).catch(() => response.destroy());
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
 * Throws an error for an invalid status or header before anything is sent. A whole answer is written only after
 * all requests that have arrived are read: each write wakes a client, which on a busy machine takes the processor.
 */
function send({ status, headers, body }: Answer, response: ServerResponse): void {
  response.writeHead(status, headers);
  if (typeof body === 'string' || body instanceof Uint8Array) {
    setImmediate(() => response.end(body));
  } else {
    // A client takes a closed connection for an answer that is not complete.
    pass(body, response).catch(() => response.destroy());
  }
}

/** The iterable applies back-pressure itself, so no drain handling is needed here. */
async function pass(body: AsyncIterable<Uint8Array>, response: ServerResponse): Promise<void> {
  for await (const chunk of body) response.write(chunk);
  response.end();
}

/** Does the work that the first requests need not wait for. */
async function settle({ config, purgeExpired }: App): Promise<void> {
  flushCompileCache();
  const { Cron } = await import('croner');
  const options = { mode: '5-or-6-parts', timezone: 'UTC', unref: true, protect: true } as const;
  // Each instance purges: what another one has removed is no failure.
  new Cron(config.registry.purgeSchedule, options, async () => {
    await purgeExpired();
  });
}
