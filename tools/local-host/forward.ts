import {
  type Agent,
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { InvocationEnd } from './worker-process.ts';

type ForwardOptions = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Absent: the request's own body is passed on as it comes. */
  readonly body: Buffer | undefined;
  readonly httpUri: URL;
  readonly agent: Agent;
  readonly invocationId: string;
  readonly invocation: Promise<InvocationEnd>;
  /** How long a request hangs whose invocation never answers: the host's activity timeout. */
  readonly hangMs: number;
};

/**
 * Sends a request on to the worker's HTTP server and its answer back, as the host's proxy does.
 * Resolves with what the host would log of it. Never throws.
 */
export async function forward(options: ForwardOptions): Promise<string> {
  const { request, response, invocation, hangMs } = options;
  const outgoing = openForward(options);
  const hang = wait(hangMs);
  const first = await Promise.race([
    answerOf(outgoing, options.invocationId),
    invocation.then((end) => (end === 'lost' ? end : hang.over)),
    hang.over,
  ]);
  hang.stop();
  if (first === 'lost' || first === 'timeout') {
    outgoing.destroy();
    fail(response);
    return first === 'lost' ? 'Failed (the worker ended)' : 'Failed (no answer in time)';
  }
  copyHead(first, response);
  let clientLeft = false;
  response.once('close', () => {
    clientLeft = !response.writableFinished;
    // The worker is not told: its answer is read to the end.
    first.unpipe(response);
    first.resume();
  });
  void invocation.then((end) => {
    if (end !== 'done') first.destroy();
  });
  const whole = await pipeAnswer(first, response, request);
  if (clientLeft) return 'Failed (ResponseBodyCanceled)';
  return whole ? 'Succeeded' : 'Failed (the answer broke off)';
}

function openForward({
  request,
  body,
  httpUri,
  agent,
  invocationId,
}: ForwardOptions): ClientRequest {
  const outgoing = httpRequest({
    host: httpUri.hostname,
    port: httpUri.port,
    agent,
    method: request.method,
    path: escapeSlashes(request.url ?? '/'),
    headers: {
      'x-ms-invocation-id': invocationId,
      ...request.headers,
      host: httpUri.host,
      'x-forwarded-host': request.headers.host ?? 'localhost',
      'x-forwarded-proto': 'http',
    },
  });
  // What goes wrong is seen by whoever waits for the answer.
  outgoing.on('error', () => undefined);
  if (body === undefined) {
    request.once('aborted', () => outgoing.destroy());
    request.pipe(outgoing);
  } else {
    outgoing.end(body);
  }
  return outgoing;
}

/** An encoded slash in the path is encoded once more on its way. */
function escapeSlashes(url: string): string {
  const [path = '', ...query] = url.split('?');
  return [path.replace(/%2F/gi, '%252F'), ...query].join('?');
}

/**
 * The worker's answer. Never settles for one that the library did not give, such as the refusal of
 * large headers: the host then waits on.
 */
function answerOf(outgoing: ClientRequest, invocationId: string): Promise<IncomingMessage> {
  const { promise, resolve } = Promise.withResolvers<IncomingMessage>();
  outgoing.on('response', (answer) => {
    if (answer.headers['x-ms-invocation-id'] === invocationId) resolve(answer);
    else answer.resume();
  });
  return promise;
}

function wait(ms: number): { readonly over: Promise<'timeout'>; stop(): void } {
  const { promise, resolve } = Promise.withResolvers<'timeout'>();
  const timer = setTimeout(() => resolve('timeout'), ms);
  return { over: promise, stop: () => clearTimeout(timer) };
}

function fail(response: ServerResponse): void {
  if (response.headersSent) response.destroy();
  else response.writeHead(500, { server: 'Kestrel', 'content-length': '0' }).end();
}

const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding']);

function copyHead(answer: IncomingMessage, response: ServerResponse): void {
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value !== undefined && !HOP_BY_HOP.has(name)) response.setHeader(name, value);
  }
  response.setHeader('server', 'Kestrel');
  response.writeHead(answer.statusCode ?? 500);
  response.flushHeaders();
}

/** False when the answer broke off: then the client's connection breaks too. */
function pipeAnswer(
  answer: IncomingMessage,
  response: ServerResponse,
  request: IncomingMessage,
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  answer.pipe(response);
  answer.once('end', () => resolve(true));
  answer.once('error', () => undefined);
  answer.once('close', () => {
    if (answer.complete) return;
    request.socket.destroy();
    resolve(false);
  });
  return promise;
}
