import { finished } from 'node:stream/promises';
import { type Caller, checkAdmin, checkUseCase, readUseCase } from '../../shared/access/caller.ts';
import type { RateLimits } from '../../shared/access/rate-limits.ts';
import { untilAborted } from '../../shared/base/deadline.ts';
import type { Call } from '../../shared/calls/call.ts';
import {
  type Operation,
  type PathParameter,
  pathParametersOf,
} from '../../shared/openapi/operation.ts';
import type { Authenticate } from './authenticate.ts';
import type { BodyShape } from './body-shape.ts';
import type { OpenCall } from './calls.ts';
import type { HostRequest } from './host-request.ts';
import { checkJsonType, type RefuseForeign } from './open-router.ts';
import { parseBody, readBody } from './read-body.ts';
import { refuseForgedHeaders, refuseHeadersKey, refuseLargeHeaders } from './refuse-headers.ts';
import { unpackBody } from './unpack-body.ts';

/**
 * The factors by which a numeric body may exceed the limits of others: by default to 5,000,000 values, a
 * thousand embeddings of 4,096 numbers, and to 64 MiB, which a thousand of 1,536 numbers take as JSON.
 */
const NUMERIC_FACTOR = { values: 10, bytes: 2 };

/** What the table of routes says of who may ask a route, and with what. */
export type AdmittedRoute = {
  /** The path without its leading slash, with the names of its parameters in braces. */
  readonly path: string;
  readonly access: Operation['access'];
  /** Absent if the route takes no body. */
  readonly body?: Pick<NonNullable<Operation['body']>, 'isNumeric'>;
};

export type AdmitOptions = BodyShape & {
  readonly authenticate: Authenticate;
  /** Counts a request against the limits of its caller and its use case. Throws a 429. */
  readonly countRequest: RateLimits['admit'];
  /** Refuses what a web page may have sent; absent: callers prove who they are. */
  readonly refuseForeign?: RefuseForeign | undefined;
  readonly maxBodyBytes: number;
  readonly bodyTimeoutMs: number;
  readonly maxHeaderBytes: number;
  readonly open: OpenCall;
};

type Header = Call['header'];

/**
 * Identifies the caller, asks for its rights and its limits, gives the call its place, reads the request,
 * and only then parses it: each step costs more than the one before, and a client without a credential must
 * not cause it. All routes go through here, so that none of them has to remember any of it. If the host
 * hides the true headers, the credential is checked only after the body is read, and no other header is
 * used before it is known that the body has not replaced them.
 */
export async function admit(
  request: HostRequest,
  route: AdmittedRoute,
  options: AdmitOptions,
): Promise<Pick<Call, 'header' | 'body' | 'query' | 'caller' | 'useCase' | PathParameter>> {
  const { open } = options;
  refuseHeadersKey(request.query.keys(), 'query');
  const given = (name: string): string | null => request.headers.get(name);
  const header = open.header ?? given;
  const early = await orDropBody(request, open, async () => {
    options.refuseForeign?.(request.method, header);
    const caller = open.header && (await identify(route, open.header, options));
    const isJsonOnly = options.refuseForeign !== undefined || route.access === 'admin';
    if (route.body && isJsonOnly) checkJsonType(header);
    if (route.access !== 'open') open.takePlace(caller);
    return caller;
  });
  const bytes = route.body
    ? await readPlainBody(request, header, { ...options, route })
    : undefined;
  refuseLargeHeaders(request, options.maxHeaderBytes);
  const caller = open.header ? early : await identify(route, given, options);
  const body = bytes && parseTrusted(bytes, limitsOf(route, options));
  if (bytes === undefined && route.access !== 'open') refuseForgedHeaders(given);
  const useCase = readUseCase(header);
  return {
    header,
    body,
    query: (name) => request.query.get(name),
    ...(caller !== undefined && { caller }),
    ...(useCase !== undefined && { useCase }),
    ...namedIn(request, route),
  };
}

/** Finds out who calls, and whether that caller may ask the route now. Throws an HttpError. */
async function identify(
  route: AdmittedRoute,
  header: Header,
  { authenticate, countRequest }: AdmitOptions,
): Promise<Caller | undefined> {
  if (route.access === 'open') return undefined;
  const caller = await authenticate(header);
  if (route.access === 'admin') {
    // The limits do not keep an admin from looking at the router and mending it.
    checkAdmin(caller);
    return caller;
  }
  const useCase = readUseCase(header);
  // The list of models and other reads belong to no use case.
  if (route.body) checkUseCase(caller, useCase);
  countRequest({ caller, useCase });
  return caller;
}

/** The limits of a route's body, in proportion to those that the operator has set. */
function limitsOf(
  { body }: AdmittedRoute,
  { maxBodyDepth, maxBodyValues, maxBodyBytes }: AdmitOptions,
): BodyShape & Pick<AdmitOptions, 'maxBodyBytes'> {
  if (!body?.isNumeric) return { maxBodyDepth, maxBodyValues, maxBodyBytes };
  return {
    maxBodyDepth,
    maxBodyValues: maxBodyValues * NUMERIC_FACTOR.values,
    maxBodyBytes: maxBodyBytes * NUMERIC_FACTOR.bytes,
  };
}

/** Reads only the path's own parameters: other keys of `params` may come from the body or the query. */
function namedIn({ params }: HostRequest, { path }: AdmittedRoute): Pick<Call, PathParameter> {
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
  header: Header,
  { route, ...options }: AdmitOptions & { readonly route: AdmittedRoute },
): Promise<Buffer> {
  const { maxBodyBytes: maxBytes } = limitsOf(route, options);
  const { bodyTimeoutMs: timeoutMs, open } = options;
  const { signal, hold } = open;
  const bytes = await readBody(request, { maxBytes, timeoutMs, signal, hold });
  return unpackBody(bytes, header('content-encoding'), { maxBytes, hold });
}

function parseTrusted(bytes: Buffer, shape: BodyShape): object {
  const body = parseBody(bytes, shape);
  refuseHeadersKey(Object.keys(body), 'body');
  return body;
}

/** The time that a refused upload may still take: breaking off immediately would break the answer. */
const DROP_MS = 5_000;

/** Lets a refused upload come to its end before the refusal is answered. */
async function orDropBody<T>(
  { body }: HostRequest,
  { signal }: OpenCall,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const until = AbortSignal.any([signal, AbortSignal.timeout(DROP_MS)]);
    await untilAborted(drain(body), until).catch(() => undefined);
    throw error;
  }
}

async function drain(body: HostRequest['body']): Promise<void> {
  if (body !== undefined) await finished(body.resume());
}
