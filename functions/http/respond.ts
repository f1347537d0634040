import { finished } from 'node:stream/promises';
import { type Caller, checkAdmin, checkUseCase, readUseCase } from '../../shared/access/caller.ts';
import { type Answer, errorAnswer } from '../../shared/base/answer.ts';
import { untilAborted } from '../../shared/base/deadline.ts';
import { describeError } from '../../shared/base/describe-error.ts';
import type { Log } from '../../shared/base/log.ts';
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
import type { CrossOrigin } from './cross-origin.ts';
import type { HostRequest } from './host-request.ts';
import { parseBody, readBody } from './read-body.ts';
import { refuseForgedHeaders, refuseHeadersKey, refuseLargeHeaders } from './refuse-headers.ts';
import { unpackBody } from './unpack-body.ts';

/**
 * The factors by which a numeric body may exceed the limits of others: by default to 5,000,000 values, a
 * thousand embeddings of 4,096 numbers, and to 64 MiB, which a thousand of 1,536 numbers take as JSON.
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
  /** Makes the id of a request from the one that its host gave it. */
  readonly createRequestId: (hostId: string) => string;
  readonly authenticate: Authenticate;
  /** Absent: no pages of other origins may call. */
  readonly crossOrigin?: CrossOrigin | undefined;
  readonly maxBodyBytes: number;
  readonly maxHeaderBytes: number;
  /** Absent: no exporter is configured. */
  readonly telemetry?: Telemetry | undefined;
  readonly log: Log;
};

/**
 * Creates the function that answers a host's requests for a route. It always answers: the Functions library
 * leaves a client waiting for minutes if a handler throws or returns nothing. `toResponse` converts the answer
 * into the host's form; an error that it throws is answered as well.
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
    const { signal, beginStream } = open;
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
      const { headers, ...own } = withOwnHeaders(open.answer(answer), requestId);
      const header = open.header ?? ((name) => request.headers.get(name));
      const added = options.crossOrigin?.answerHeaders(header, headers);
      return toResponse({ ...own, headers: { ...headers, ...added } });
    }
    try {
      const limits = limitsOf(route, options);
      const admitted = await admit(request, route, { ...options, ...limits, open });
      const traced = trace && { trace };
      const times = { startedAt, signal, beginStream };
      return send(await route.handle({ ...admitted, requestId, ...times, ...traced }));
    } catch (error) {
      const { log } = options;
      return send(errorAnswer(describeError(error, { requestId, signal, log })));
    }
  };
}

/** The limits of a route's body, in proportion to those that the operator has set. */
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
 * Identifies the caller, gives the call its place, reads the request, and only then parses it: each step
 * costs more than the one before, and a client without a credential must not cause it. If the host hides
 * the true headers, the credential is checked only after the body is read, and no other header is used
 * before it is known that the body has not replaced them.
 */
async function admit(
  request: HostRequest,
  route: Route,
  options: RespondOptions & { readonly open: OpenCall },
): Promise<Omit<Call, 'requestId' | 'startedAt' | 'signal' | 'beginStream'>> {
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
  // The list of models and other reads belong to no use case.
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

/** Reads only the path's own parameters: other keys of `params` may come from the body or the query. */
function namedIn({ params }: HostRequest, { path }: Route): Pick<Call, PathParameter> {
  const named: { [name in PathParameter]?: string } = {};
  for (const name of pathParametersOf(path)) {
    const value = params[name];
    // Hosts leave an encoded slash as it is.
    if (value !== undefined) named[name] = value.replace(/%2F/gi, '/');
  }
  return named;
}

async function readPlainBody(
  request: HostRequest,
  header: Call['header'],
  { maxBodyBytes, open: { signal, hold } }: RespondOptions & { readonly open: OpenCall },
): Promise<Buffer> {
  const bytes = await readBody(request, { maxBytes: maxBodyBytes, signal, hold });
  return unpackBody(bytes, header('content-encoding'), { maxBytes: maxBodyBytes, hold });
}

function parseTrusted(bytes: Buffer, shape: BodyShape): object {
  const body = parseBody(bytes, shape);
  refuseHeadersKey(Object.keys(body), 'body');
  return body;
}

/** Identifies the caller before the body is read, if the true headers are visible, and takes a place. */
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

/** The time that a refused upload may still take: breaking off immediately would break the answer. */
const DROP_MS = 5_000;

async function dropBody(request: HostRequest, signal: AbortSignal): Promise<void> {
  await untilAborted(drain(request.body), signal).catch(() => undefined);
}

async function drain(body: HostRequest['body']): Promise<void> {
  if (body !== undefined) await finished(body.resume());
}

function withOwnHeaders({ status, headers, body }: Answer, requestId: string): Answer {
  const length =
    isBuffered(body) && status !== 204 ? { 'content-length': String(Buffer.byteLength(body)) } : {};
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
