import { type HttpHandler, type HttpRequest, HttpResponse } from '@azure/functions';
import { type Answer, type Call, errorAnswer } from '../../shared/answer.ts';
import type { ApiKey } from '../../shared/api-keys.ts';
import { createDeadline, type Deadline } from '../../shared/deadline.ts';
import { HttpError } from '../../shared/errors.ts';
import { errorKind, type Log } from '../../shared/log.ts';
import { authenticate } from './authenticate.ts';
import { parseBody, readBody, refuseForgedHeaders, refuseHeadersKey } from './read-body.ts';

export type Route = {
  /** Who may call: everybody, or holders of a key. */
  readonly access: 'open' | 'key';
  readonly hasBody?: boolean;
  /** True when the path has a `{deployment}`. */
  readonly namesDeployment?: boolean;
  readonly handle: (call: Call) => Promise<Answer> | Answer;
};

type RespondOptions = {
  /** Absent: the router is open to all. */
  readonly apiKeys?: readonly ApiKey[];
  readonly maxBodyBytes: number;
  readonly requestTimeoutMs: number;
  readonly log: Log;
};

/**
 * Makes a host's handler of a route. It always answers: in stream mode a handler that throws, or
 * returns nothing, leaves its caller waiting for minutes.
 */
export function createRespond(options: RespondOptions): (route: Route) => HttpHandler {
  return (route) => async (request, context) => {
    const startedAt = performance.now();
    const requestId = context.invocationId;
    const deadline = createDeadline(options.requestTimeoutMs);
    try {
      const { signal } = deadline;
      const admitted = await admit(request, route, { ...options, signal });
      const answer = await route.handle({ ...admitted, requestId, startedAt, signal });
      return toResponse(clearAtEnd(answer, deadline), requestId);
    } catch (error) {
      deadline.clear();
      return toResponse(errorAnswer(describe(error, requestId, options.log)), requestId);
    }
  };
}

/** The deadline holds until the last byte: of a stream, long after its handler has returned. */
function clearAtEnd(answer: Answer, deadline: Deadline): Answer {
  const { body } = answer;
  if (isBuffered(body)) {
    deadline.clear();
    return answer;
  }
  async function* untilEnd(stream: AsyncIterable<Uint8Array>) {
    try {
      yield* stream;
    } finally {
      deadline.clear();
    }
  }
  return { ...answer, body: untilEnd(body) };
}

/**
 * Reads the request, asks who is calling, and only then parses what they sent: parsing costs far
 * more than reading. No header is acted on before the body is known not to have replaced them.
 */
async function admit(
  request: HttpRequest,
  route: Route,
  { apiKeys, maxBodyBytes, signal }: RespondOptions & { readonly signal: AbortSignal },
): Promise<Pick<Call, 'header' | 'body' | 'deployment' | 'caller'>> {
  refuseHeadersKey(request.query.keys(), 'query');
  const header = (name: string): string | null => request.headers.get(name);
  const bytes = route.hasBody ? await readBody(request, maxBodyBytes, signal) : undefined;
  const caller = route.access === 'key' ? authenticate(apiKeys, header) : undefined;
  const body = bytes && parseBody(bytes);
  if (body !== undefined) refuseHeadersKey(Object.keys(body), 'body');
  else if (route.access === 'key') refuseForgedHeaders(header);
  // Other keys of `params` may come from the body or the query; a route's own value wins over both.
  const deployment = route.namesDeployment ? request.params['deployment'] : undefined;
  return {
    header,
    body,
    ...(caller !== undefined && { caller: { name: caller, role: 'user' } }),
    ...(deployment !== undefined && { deployment }),
  };
}

function describe(error: unknown, requestId: string, log: Log): HttpError {
  if (error instanceof HttpError) {
    const { status, code, param } = error;
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

/** Here, and not in the library after the handler: what cannot be a response is an error to answer. */
function toResponse({ status, headers, body }: Answer, requestId: string): HttpResponse {
  const length = isBuffered(body) ? { 'content-length': String(Buffer.byteLength(body)) } : {};
  return new HttpResponse({
    status,
    headers: {
      'x-request-id': requestId,
      ...headers,
      ...length,
      'x-smart-router-schema': '1',
      'x-smart-router-request-id': requestId,
    },
    body,
  });
}

function isBuffered(body: Answer['body']): body is string | Uint8Array {
  return typeof body === 'string' || body instanceof Uint8Array;
}
