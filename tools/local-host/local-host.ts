import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { Agent, createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { createBindingData } from './binding-data.ts';
import { forward } from './forward.ts';
import {
  createRouteTable,
  type HttpFunction,
  type RouteMatch,
  type RouteTable,
} from './route-table.ts';
import { answerAdmin, startTimers } from './timers.ts';
import { startWorker, type Worker, type WorkerOptions } from './worker-process.ts';

type LocalHostOptions = Partial<WorkerOptions> & {
  readonly appFolder: string;
  /** Port to listen on; 0, the default, takes a free one. */
  readonly port?: number;
  /** Activity timeout in milliseconds. The host's own limit is 240 s; tests shorten it. */
  readonly hangMs?: number;
  /**
   * Key that functions of auth level `function` ask for; without it they ask for none, as with Core
   * Tools.
   */
  readonly functionKey?: string;
};

export type LocalHost = {
  readonly url: string;
  /** The HTTP functions that the app has registered. */
  readonly functions: readonly HttpFunction[];
  /** Returns the process id of the current worker, which changes after a crash. */
  workerPid(): number;
  close(): Promise<void>;
};

type HostSettings = {
  readonly routePrefix: string;
  /** Undefined: an invocation may take any time. */
  readonly functionTimeoutMs: number | undefined;
};

/**
 * The largest body that the platform lets through, in bytes; a larger one is answered with an empty
 * 500.
 */
const MAX_BODY_BYTES = 104_857_600;
const MAX_URL_LENGTH = 8_192;
const MAX_HEADER_BYTES = 32 * 1024;

/** Time in milliseconds for clients to receive the rest of their answers when the host closes. */
const FLUSH_MS = 1_000;

/**
 * Serves a function app over HTTP as Azure Functions' host does, quirks included, so that an app
 * that works here works there. It is a development tool: it has one key, does not scale and runs
 * only HTTP and timer triggers. Throws with the app's output when the app does not start.
 */
export async function startLocalHost(options: LocalHostOptions): Promise<LocalHost> {
  const { appFolder, port = 0, hangMs = 240_000, env = process.env, functionKey } = options;
  const settings = await readHostSettings(appFolder);
  // The worker closes idle connections after 5 s. A request that meets a closing one would wait for ever.
  const agent = new Agent({ keepAlive: true, agentKeepAliveTimeoutBuffer: 4_000 });
  const supervisor = await superviseWorker({
    appFolder,
    env,
    onOutput: options.onOutput ?? ((text) => process.stderr.write(text)),
  });
  try {
    const findRoute = createRouteTable(supervisor.first.functions, settings.routePrefix);
    const { timers: functions } = supervisor.first;
    const timers = startTimers({ functions, env, worker: () => supervisor.worker() });
    const underWay = new Set<Promise<void>>();
    const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (request, response) => {
      if (answerAdmin(request, response, timers)) return;
      const exchange = { request, response, findRoute, supervisor, settings, agent, hangMs };
      const served = serve({ ...exchange, functionKey }).finally(() => underWay.delete(served));
      underWay.add(served);
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    const { port: actualPort } = server.address() as AddressInfo;
    return {
      url: `http://127.0.0.1:${actualPort}`,
      functions: supervisor.first.functions,
      workerPid: () => supervisor.pid(),
      close: async () => {
        server.close();
        timers.stop();
        await supervisor.close();
        // The worker's last bytes are still on their way to the clients.
        await Promise.race([Promise.all(underWay), delay(FLUSH_MS, undefined, { ref: false })]);
        server.closeAllConnections();
        agent.destroy();
      },
    };
  } catch (error) {
    await supervisor.close();
    throw error;
  }
}

async function readHostSettings(appFolder: string): Promise<HostSettings> {
  const json = JSON.parse(await readFile(join(appFolder, 'host.json'), 'utf8')) as {
    functionTimeout?: string;
    extensions?: { http?: { routePrefix?: string } };
  };
  return {
    routePrefix: json.extensions?.http?.routePrefix ?? 'api',
    functionTimeoutMs: parseTimeout(json.functionTimeout ?? '00:30:00'),
  };
}

/** In ms; undefined for -1, which means that there is no limit. */
function parseTimeout(text: string): number | undefined {
  if (text === '-1') return undefined;
  const [hours = 0, minutes = 0, seconds = 0] = text.split(':').map(Number);
  return ((hours * 60 + minutes) * 60 + seconds) * 1_000;
}

type Supervisor = {
  readonly first: Worker;
  pid(): number;
  /** Resolves to the current worker, or to the next one while it is being restarted. */
  worker(): Promise<Worker>;
  close(): Promise<void>;
};

/** Keeps a worker running: when one ends, another one is started. */
async function superviseWorker(options: WorkerOptions): Promise<Supervisor> {
  let closing = false;
  const first = await startWorker(options);
  let pid = first.pid;
  let current = Promise.resolve(first);
  function restartAfter(worker: Worker): void {
    void worker.exited.then(() => {
      if (closing) return;
      console.error('[host] The worker ended; another one is starting.');
      current = startWorker(options);
      current.then(
        (next) => {
          pid = next.pid;
          restartAfter(next);
        },
        (error: unknown) => console.error(`[host] The worker did not start: ${String(error)}`),
      );
    });
  }
  restartAfter(first);
  return {
    first,
    pid: () => pid,
    worker: () => current,
    close: async () => {
      closing = true;
      await current.then(
        (worker) => worker.terminate(),
        () => undefined,
      );
    },
  };
}

type Exchange = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly findRoute: RouteTable;
  readonly supervisor: Supervisor;
  readonly settings: HostSettings;
  readonly agent: Agent;
  readonly hangMs: number;
  readonly functionKey: string | undefined;
};

async function serve(exchange: Exchange): Promise<void> {
  const { request, response, findRoute } = exchange;
  request.on('error', () => undefined);
  response.on('error', () => undefined);
  const rawUrl = request.url ?? '/';
  if (rawUrl.length > MAX_URL_LENGTH) return answerEmpty(response, 414);
  const [path = '/'] = rawUrl.split('?', 1);
  const match = findRoute(request.method ?? 'GET', path);
  if (match === undefined) {
    request.resume();
    return answerEmpty(response, path === '/' ? 204 : 404);
  }
  if (!isAdmitted(exchange, match)) {
    request.resume();
    return answerEmpty(response, 401);
  }
  // The host reads and holds only bodies of a known length; others it passes on.
  const isChunked = request.headers['transfer-encoding'] !== undefined;
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) {
    request.resume();
    return answerEmpty(response, 500);
  }
  const body = isChunked ? undefined : await readBody(request);
  if (body === 'broken-off') return undefined;
  try {
    await invoke(exchange, match, body);
  } catch (error) {
    console.error(`[host] ${String(error)}`);
    return answerEmpty(response, 503);
  }
}

async function invoke(
  exchange: Exchange,
  { name, values }: RouteMatch,
  body: Buffer | undefined,
): Promise<void> {
  const { request, response, supervisor, settings, agent, hangMs } = exchange;
  const worker = await supervisor.worker();
  if (response.closed) return;
  const invocationId = randomUUID();
  const startedAt = performance.now();
  const invocation = worker.invoke({
    invocationId,
    functionName: name,
    traceParent: traceParentOf(request),
    triggerMetadata: createBindingData({
      headers: flatten(request),
      query: new URLSearchParams(/\?.*/s.exec(request.url ?? '')?.[0]),
      routeValues: values,
      ...(body !== undefined && { body }),
    }),
  });
  // A function that exceeds the limit takes its whole worker down.
  const { functionTimeoutMs } = settings;
  const timeout =
    functionTimeoutMs === undefined
      ? undefined
      : setTimeout(() => worker.kill(), functionTimeoutMs);
  const outcome = await forward({
    request,
    response,
    body,
    httpUri: worker.httpUri,
    agent,
    invocationId,
    invocation,
    hangMs,
  });
  if (outcome !== 'Succeeded') {
    const elapsedMs = Math.round(performance.now() - startedAt);
    console.error(`[host] ${name} ${invocationId}: ${outcome} after ${elapsedMs} ms`);
  }
  // An invocation without an answer, or without a client, continues.
  await invocation;
  clearTimeout(timeout);
}

/** Checks the key. The header wins over the query, and only the first value counts. */
function isAdmitted({ request, functionKey }: Exchange, { authLevel }: RouteMatch): boolean {
  if (functionKey === undefined || authLevel === 'anonymous') return true;
  const [inHeader] = request.headersDistinct['x-functions-key'] ?? [];
  const query = new URLSearchParams(/\?.*/s.exec(request.url ?? '')?.[0]);
  return (inHeader ?? query.get('code')) === functionKey;
}

function traceParentOf(request: IncomingMessage): string {
  const given = request.headers['traceparent'];
  if (typeof given === 'string') return given;
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-00`;
}

function flatten(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  // Header fields given more than once are joined, also those that Node keeps apart or drops.
  for (const [name, values] of Object.entries(request.headersDistinct)) {
    if (values !== undefined) headers[name] = values.join(',');
  }
  return headers;
}

function answerEmpty(response: ServerResponse, status: number): void {
  response.writeHead(status, { server: 'Kestrel', 'content-length': '0' }).end();
}

async function readBody(request: IncomingMessage): Promise<Buffer | 'broken-off'> {
  try {
    return await buffer(request);
  } catch {
    return 'broken-off';
  }
}
