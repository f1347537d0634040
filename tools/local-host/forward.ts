import {
  type Agent,
  type ClientRequest,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { InvocationEnd } from './worker-process.ts';

type ForwardOptions = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Body to send; absent if the request's own body is passed on as it arrives. */
  readonly body: Buffer | undefined;
  readonly httpUri: URL;
  readonly agent: Agent;
  readonly invocationId: string;
  readonly invocation: Promise<InvocationEnd>;
  /**
   * How long an exchange may go without a byte in either direction, in milliseconds: the host's
   * activity timeout.
   */
  readonly hangMs: number;
};

const CLIENT_LEFT = 'Failed (ResponseBodyCanceled)';

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Time in milliseconds for the bytes that a worker sent before its invocation failed to arrive. */
const FLUSH_MS = 50;

/**
 * Sends a request on to the worker's HTTP server and its answer back, as the host's proxy does.
 * Resolves to the text that the host would log about it. Never rejects.
 */
export async function forward(options: ForwardOptions): Promise<string> {
  const { request, response, invocation, invocationId, hangMs } = options;
  let outgoing = openForward(options);
  const silence = createSilenceTimer(hangMs);
  request.on('data', () => silence.restart());
  const first = await Promise.race([
    answerOf(outgoing, invocationId),
    // The retry uses a new connection, as the host's own client does.
    staleOf(outgoing, options).then(() => {
      outgoing = openForward(options);
      return answerOf(outgoing, invocationId);
    }),
    invocation.then((end) => (end === 'lost' ? end : silence.over)),
    silence.over,
    leavingOf(response),
  ]);
  if (first === 'left') {
    silence.stop();
    outgoing.destroy();
    return CLIENT_LEFT;
  }
  if (first === 'lost' || first === 'silence') {
    silence.stop();
    outgoing.destroy();
    response.writeHead(500, { server: 'Kestrel', 'content-length': '0' }).end();
    return first === 'lost' ? 'Failed (the worker ended)' : 'Failed (no answer in time)';
  }
  void invocation.then((end) => {
    if (end === 'failed') setTimeout(() => first.destroy(), FLUSH_MS);
  });
  const outcome = await passOn(first, response, silence);
  silence.stop();
  return outcome;
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
      ...withoutHopByHop(request.headers),
      host: httpUri.host,
      'x-forwarded-host': request.headers.host ?? 'localhost',
      'x-forwarded-proto': 'http',
    },
  });
  // The code that waits for the answer handles errors.
  outgoing.on('error', () => undefined);
  if (body === undefined) {
    request.once('close', () => {
      if (!request.complete) outgoing.destroy();
    });
    request.pipe(outgoing);
  } else {
    outgoing.end(body);
  }
  return outgoing;
}

/** Drops the headers that concern only the connection between a client and the host. */
function withoutHopByHop(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name)));
}

/** Encodes an encoded slash in the path once more, as on its way through the real host. */
function escapeSlashes(url: string): string {
  const [path = '', ...query] = url.split('?');
  return [path.replace(/%(2F)/gi, '%25$1'), ...query].join('?');
}

/**
 * Resolves to the worker's answer. Never settles for an answer that the library did not give, such
 * as the refusal of large headers: the host keeps waiting then.
 */
function answerOf(outgoing: ClientRequest, invocationId: string): Promise<IncomingMessage> {
  const { promise, resolve } = Promise.withResolvers<IncomingMessage>();
  outgoing.on('response', (answer) => {
    if (answer.headers['x-ms-invocation-id'] === invocationId) resolve(answer);
    else answer.resume();
  });
  return promise;
}

/**
 * Settles when a kept connection turns out to have been closed by the worker, so that the request
 * has not reached it. A request whose body was passed on as it arrived cannot be sent again.
 */
function staleOf(outgoing: ClientRequest, { body }: ForwardOptions): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  outgoing.once('error', (error: NodeJS.ErrnoException) => {
    if (outgoing.reusedSocket && error.code === 'ECONNRESET' && body !== undefined) resolve();
  });
  return promise;
}

async function leavingOf(response: ServerResponse): Promise<'left'> {
  if (!response.closed) await new Promise((resolve) => response.once('close', resolve));
  return 'left';
}

type SilenceTimer = { readonly over: Promise<'silence'>; restart(): void; stop(): void };

function createSilenceTimer(ms: number): SilenceTimer {
  const { promise, resolve } = Promise.withResolvers<'silence'>();
  const timer = setTimeout(() => resolve('silence'), ms);
  return { over: promise, restart: () => timer.refresh(), stop: () => clearTimeout(timer) };
}

function copyHead(answer: IncomingMessage, response: ServerResponse): void {
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value !== undefined && !HOP_BY_HOP.has(name)) response.setHeader(name, value);
  }
  response.setHeader('server', 'Kestrel');
  response.writeHead(answer.statusCode ?? 500);
  // A stream's head must not wait for its first byte; any other head is sent together with its body.
  if (answer.headers['content-length'] === undefined) response.flushHeaders();
}

/** Resolves when the client has the whole answer, or when its connection is gone. */
async function passOn(
  answer: IncomingMessage,
  response: ServerResponse,
  silence: SilenceTimer,
): Promise<string> {
  let outcome: string | undefined;
  // An answer that breaks off is noticed when it closes.
  answer.on('error', () => undefined);
  answer.once('close', () => {
    if (answer.complete) return;
    outcome ??= 'Failed (the answer broke off)';
    response.socket?.destroySoon();
  });
  void silence.over.then(() => {
    outcome ??= 'Failed (the answer stalled)';
    answer.destroy();
    response.destroy();
  });
  copyHead(answer, response);
  answer.on('data', () => silence.restart());
  answer.pipe(response);
  await leavingOf(response);
  if (!response.writableFinished) {
    outcome ??= CLIENT_LEFT;
    // The worker's side notices only this: the library does not check, and pulls to the end.
    answer.destroy();
  }
  return outcome ?? 'Succeeded';
}
