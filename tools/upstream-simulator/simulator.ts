import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type AnswerSettings, answerRequest } from './answer-request.ts';
import { createFaultPlanner } from './fault-plan.ts';
import {
  createRequestLog,
  type RecordedRequest,
  type RequestLog,
  requestUrl,
} from './request-log.ts';
import { DEFAULT_DEPLOYMENTS, type SimulatedDeployment } from './simulated-deployment.ts';

export type SimulatorOptions = {
  /** Address to listen on; `127.0.0.1` by default. */
  readonly host?: string | undefined;
  /** Port to listen on; 0, the default, takes a free one. */
  readonly port?: number | undefined;
  /** Key expected as `api-key` or as a bearer token; without it, every caller is answered. */
  readonly apiKey?: string | undefined;
  /** Simulated deployments; `strong`, `weak` and `embedding` by default. */
  readonly deployments?: readonly SimulatedDeployment[] | undefined;
  /** Wait before the first byte of an answer, in milliseconds. */
  readonly delayMs?: number | undefined;
  /** Wait between two content chunks of a stream, in milliseconds. */
  readonly chunkDelayMs?: number | undefined;
  /** How many of the newest requests to keep, bodies included; 1000 by default. */
  readonly record?: number | undefined;
  /** Called with each request as it arrives, before its body has arrived. */
  readonly onRequest?: ((request: RecordedRequest) => void) | undefined;
};

export type Simulator = {
  /** Base address, without a trailing slash. */
  readonly url: string;
  /** The newest requests, oldest first; always the same array. */
  readonly requests: readonly RecordedRequest[];
  /** Forgets the requests and how often each marker has failed. */
  readonly reset: () => void;
  /** Ends every connection and wait. */
  readonly close: () => Promise<void>;
};

type Serving = {
  readonly settings: AnswerSettings;
  readonly log: RequestLog;
  readonly onRequest: SimulatorOptions['onRequest'];
  readonly closing: AbortSignal;
};

const DEFAULT_RECORDED_REQUESTS = 1000;
// This is longer than clients keep idle connections, so that they close first and no request meets
// a closing socket.
const KEEP_ALIVE_TIMEOUT_MS = 120_000;

/**
 * Starts a server that speaks Azure OpenAI's wire format; docs/simulator.md lists the faults that can be
 * provoked.
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { host = '127.0.0.1', port = 0, record = DEFAULT_RECORDED_REQUESTS } = options;
  const log = createRequestLog(record);
  const planner = createFaultPlanner();
  const closing = new AbortController();
  const settings = {
    deployments: options.deployments ?? DEFAULT_DEPLOYMENTS,
    apiKey: options.apiKey,
    delayMs: options.delayMs ?? 0,
    chunkDelayMs: options.chunkDelayMs ?? 0,
    planner,
  };
  const running = new Set<Promise<void>>();
  const server = createServer((request, response) => {
    const { onRequest } = options;
    const serving = { settings, log, onRequest, closing: closing.signal };
    const served = serve(serving, request, response).finally(() => running.delete(served));
    running.add(served);
  });
  server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS;
  server.listen(port, host);
  await once(server, 'listening');
  return {
    url: urlOf(host, server.address() as AddressInfo),
    requests: log.entries,
    reset() {
      log.clear();
      planner.reset();
    },
    async close() {
      if (closing.signal.aborted) return;
      closing.abort();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      await Promise.all(running);
    },
  };
}

/** Serves one request. Never rejects: an error ends only this connection. */
async function serve(
  { settings, log, onRequest, closing }: Serving,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  const url = requestUrl(request);
  const entry = log.add(request, url);
  onRequest?.(entry);
  let hasBrokenOff = false;
  response.on('error', () => gone.abort());
  response.on('close', () => {
    const isComplete = response.writableFinished || hasBrokenOff || closing.aborted;
    entry.aborted = !isComplete;
    gone.abort();
  });
  try {
    await answerRequest(settings, { request, response, url, signal: gone.signal }, entry);
    hasBrokenOff = !response.writableEnded;
  } catch {
    response.destroy();
  }
}

function urlOf(host: string, { port }: AddressInfo): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
