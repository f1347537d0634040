import { finished } from 'node:stream/promises';
import { type Caller, checkAdmin, checkUseCase, readUseCase } from '../../shared/access/caller.ts';
import { type Answer, errorAnswer } from '../../shared/base/answer.ts';
import { untilAborted } from '../../shared/base/deadline.ts';
import { CallEndedError, HttpError } from '../../shared/base/errors.ts';
import { errorKind, type Log } from '../../shared/base/log.ts';
import type { Call } from '../../shared/calls/call.ts';
import type { Telemetry } from '../../shared/calls/telemetry.ts';
import {
  type Operation,
  type PathParameter,
  pathParametersOf,
} from '../../shared/openapi/operation.ts';
import type { Authenticate } from './authenticate.ts';
import type { BodyShape } from './body-shape.ts';
import type { Calls, OpenCall } from './calls.ts';
import type { HostRequest } from './host-request.ts';
import { parseBody, readBody } from './read-body.ts';
import {
  refuseEncoding,
  refuseForgedHeaders,
  refuseHeadersKey,
  refuseLargeHeaders,
} from './refuse-headers.ts';

/**
 * How much more a numeric body may have than others: by default 5,000,000 values, a thousand embeddings of
 * 4,096 numbers, and 64 MiB, which those of 1,536 take as JSON.
 */
const NUMERIC_FACTOR = { values: 10, bytes: 2 };

export type Route = {
  /** The path without its leading slash, with the names of its parameters in braces. */
  readonly path: string;
  readonly access: Operation['access'];
  /** Absent if the route takes no body. */
  readonly body?: Pick<NonNullable<Operation['body']>, 'isNumeric'>;
  readonly handle: (call: Call) => Promise<Answer> | Answer;
};

type RespondOptions = BodyShape & {
  readonly calls: Calls;
  /** The id of a request, by that which its host gave it. */
  readonly createRequestId: (hostId: string) => string;
  readonly authenticate: Authenticate;
  readonly maxBodyBytes: number;
  readonly maxHeaderBytes: number;
  /** Absent: nobody is told. */
  readonly telemetry?: Telemetry | undefined;
  readonly log: Log;
};

/**
 * Makes what answers a host's requests for a route. It always answers: the Functions library leaves
 * the caller of a handler that throws, or returns nothing, waiting for minutes. `toResponse` gives
 * the answer the host's own form; where it throws, that is an error to answer, too.
 */
export type Respond = (
  route: Route,
) => <Response>(
  request: HostRequest,
  toResponse: (answer: Answer) => Response,
) => Promise<Response>;

export function createRespond(options: RespondOptions): Respond {
  return (route) => async (request, toResponse) => {
    const startedAt = performance.now();
    const requestId = options.createRequestId(request.id);
    const open = options.calls.open(requestId, request.connection);
    const { signal } = open;
    const trace = options.telemetry?.startRequest({
      requestId,
      startedAt,
      method: request.method,
      route: route.path,
      traceparent: request.traceparent,
      tracestate: request.tracestate,
    });
    function send(answer: Answer) {
      const { status } = answer;
      void open.ended.then(() => {
        trace?.end(status);
        options.log('debug', 'request', () => {
          const totalMs = Math.round(performance.now() - startedAt);
          return { requestId, method: request.method, route: route.path, status, totalMs };
        });
      });
      return toResponse(withOwnHeaders(open.answer(answer), requestId));
    }
    try {
      const limits = limitsOf(route, options);
      const admitted = await admit(request, route, { ...options, ...limits, open });
      const traced = trace && { trace };
      return send(await route.handle({ ...admitted, requestId, startedAt, signal, ...traced }));
    } catch (error) {
      // Whatever failed once the call was ended failed because of that.
      const cause = signal.reason instanceof CallEndedError ? signal.reason : error;
      return send(errorAnswer(describe(cause, requestId, options.log)));
    }
  };
}

/** In proportion to what the operator has set. */
function limitsOf(
  { body }: Route,
  { maxBodyValues, maxBodyBytes }: RespondOptions,
): Pick<RespondOptions, 'maxBodyValues' | 'maxBodyBytes'> {
  if (!body?.isNumeric) return { maxBodyValues, maxBodyBytes };
  return {
    maxBodyValues: maxBodyValues * NUMERIC_FACTOR.values,
    maxBodyBytes: maxBodyBytes * NUMERIC_FACTOR.bytes,
  };
}

/**
 * Asks who is calling, gives the call its place, reads the request, and only then parses it: each
 * costs more than the one before, and nobody without a credential is to cause it. Where the true
 * headers are not to be seen, no header but a credential is acted on before the body is known not to
 * have replaced them, and the credential only once the body is read.
 */
async function admit(
  request: HostRequest,
  route: Route,
  options: RespondOptions & { readonly open: OpenCall },
): Promise<Omit<Call, 'requestId' | 'startedAt' | 'signal'>> {
  const { maxHeaderBytes, open } = options;
  refuseHeadersKey(request.query.keys(), 'query');
  const given = (name: string): string | null => request.headers.get(name);
  const header = open.header ?? given;
  const early = await admitCaller(request, route, options);
  const bytes = route.body ? await readPlainBody(request, header, options) : undefined;
  refuseLargeHeaders(request, maxHeaderBytes);
  const isLate = open.header === undefined && route.access !== 'open';
  const caller = isLate ? admitTo(route, await options.authenticate(given)) : early;
  const body = bytes && parseTrusted(bytes, options);
  if (bytes === undefined && route.access !== 'open') refuseForgedHeaders(given);
  const useCase = readUseCase(header);
  // What there is to call is nobody's use case.
  if (route.body && route.access === 'key') checkUseCase(caller, useCase);
  return {
    header,
    body,
    query: (name) => request.query.get(name),
    ...(caller !== undefined && { caller }),
    ...(useCase !== undefined && { useCase }),
    ...namedIn(request, route),
  };
}

/** Other keys of `params` may come from the body or the query; a route's own value wins over both. */
function namedIn({ params }: HostRequest, { path }: Route): Pick<Call, PathParameter> {
  const named: { [name in PathParameter]?: string } = {};
  for (const name of pathParametersOf(path)) {
    const value = params[name];
    if (value !== undefined) named[name] = value;
  }
  return named;
}

async function readPlainBody(
  request: HostRequest,
  header: Call['header'],
  { maxBodyBytes, open: { signal, hold } }: RespondOptions & { readonly open: OpenCall },
): Promise<Buffer> {
  const bytes = await readBody(request, { maxBytes: maxBodyBytes, signal, hold });
  refuseEncoding(header('content-encoding'));
  return bytes;
}

function parseTrusted(bytes: Buffer, shape: BodyShape): object {
  const body = parseBody(bytes, shape);
  refuseHeadersKey(Object.keys(body), 'body');
  return body;
}

/** Before the body: who calls, if the true headers say it, and whether there is a place. */
async function admitCaller(
  request: HostRequest,
  route: Route,
  { authenticate, open }: RespondOptions & { readonly open: OpenCall },
): Promise<Caller | undefined> {
  if (route.access === 'open') return undefined;
  try {
    const caller = open.header && admitTo(route, await authenticate(open.header));
    open.takePlace();
    return caller;
  } catch (error) {
    await dropBody(request, AbortSignal.any([open.signal, AbortSignal.timeout(DROP_MS)]));
    throw error;
  }
}

function admitTo({ access }: Route, caller: Caller | undefined): Caller | undefined {
  if (access === 'admin') checkAdmin(caller);
  return caller;
}

/** So long an upload that is refused may still take: breaking off at once would break the answer. */
const DROP_MS = 5_000;

async function dropBody(request: HostRequest, signal: AbortSignal): Promise<void> {
  await untilAborted(drain(request.body), signal).catch(() => undefined);
}

async function drain(body: HostRequest['body']): Promise<void> {
  if (body !== undefined) await finished(body.resume());
}

function describe(error: unknown, requestId: string, log: Log): HttpError {
  if (error instanceof HttpError) {
    const { status, code, param } = error;
    // It is in the log since the client left.
    if (code === 'client_gone') return error;
    log(status < 500 ? 'info' : 'warning', 'request-refused', {
      requestId,
      status,
      code: code ?? undefined,
      param: param ?? undefined,
      ...(error.cause instanceof Error && { cause: errorKind(error.cause) }),
    });
    return error;
  }
  log('error', 'internal-error', { requestId, error: errorKind(error) });
  return new HttpError(
    `The router failed on this request. Its log has the cause under the request id ${requestId}.`,
    { status: 500, type: 'server_error', code: 'internal_error', cause: error },
  );
}

function withOwnHeaders({ status, headers, body }: Answer, requestId: string): Answer {
  const length = isBuffered(body) ? { 'content-length': String(Buffer.byteLength(body)) } : {};
  return {
    status,
    headers: {
      'x-request-id': requestId,
      ...headers,
      ...length,
      'x-smart-router-schema': '1',
      'x-smart-router-request-id': requestId,
    },
    body,
  };
}

function isBuffered(body: Answer['body']): body is string | Uint8Array {
  return typeof body === 'string' || body instanceof Uint8Array;
}
