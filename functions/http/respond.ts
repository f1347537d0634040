import { type HttpHandler, type HttpRequest, HttpResponse } from '@azure/functions';
import { type Answer, type Call, errorAnswer } from '../../shared/answer.ts';
import { checkUseCase, readUseCase } from '../../shared/caller.ts';
import { CallEndedError, HttpError } from '../../shared/errors.ts';
import { errorKind, type Log } from '../../shared/log.ts';
import type { Authenticate } from './authenticate.ts';
import type { BodyShape } from './body-shape.ts';
import type { Calls, OpenCall } from './calls.ts';
import { parseBody, readBody, refuseForgedHeaders, refuseHeadersKey } from './read-body.ts';
import { refuseEncoding, refuseLargeHeaders } from './refuse-headers.ts';

export type Route = {
  /** Who may call: everybody, or holders of a key. */
  readonly access: 'open' | 'key';
  readonly hasBody?: boolean;
  /** True when the path has a `{deployment}`. */
  readonly namesDeployment?: boolean;
  readonly handle: (call: Call) => Promise<Answer> | Answer;
};

type RespondOptions = BodyShape & {
  readonly calls: Calls;
  readonly authenticate: Authenticate;
  readonly maxBodyBytes: number;
  readonly maxHeaderBytes: number;
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
    const open = options.calls.open(requestId, route.access === 'key');
    const { signal } = open;
    try {
      const admitted = await admit(request, route, { ...options, open });
      const answer = await route.handle({ ...admitted, requestId, startedAt, signal });
      return toResponse(open.answer(answer), requestId);
    } catch (error) {
      // Whatever failed once the call was ended failed because of that.
      const cause = signal.reason instanceof CallEndedError ? signal.reason : error;
      const answer = errorAnswer(describe(cause, requestId, options.log));
      return toResponse(open.answer(answer), requestId);
    }
  };
}

/**
 * Reads the request, asks who is calling, and only then parses what they sent: parsing costs far
 * more than reading. Where the true headers are not to be seen, no header is acted on before the
 * body is known not to have replaced them.
 */
async function admit(
  request: HttpRequest,
  route: Route,
  options: RespondOptions & { readonly open: OpenCall },
): Promise<Pick<Call, 'header' | 'body' | 'deployment' | 'caller' | 'useCase'>> {
  const { authenticate, maxBodyBytes, maxHeaderBytes, open } = options;
  if (open.refusal !== undefined) {
    await dropBody(request, open.signal);
    throw open.refusal;
  }
  refuseHeadersKey(request.query.keys(), 'query');
  const given = (name: string): string | null => request.headers.get(name);
  const header = open.header ?? given;
  const bytes = route.hasBody
    ? await readBody(request, maxBodyBytes, open.signal, open.hold)
    : undefined;
  refuseLargeHeaders(request.headers, maxHeaderBytes);
  if (route.hasBody) refuseEncoding(header('content-encoding'));
  const caller = route.access === 'key' ? await authenticate(header) : undefined;
  const body = bytes && parseBody(bytes, options);
  if (body !== undefined) refuseHeadersKey(Object.keys(body), 'body');
  else if (route.access === 'key') refuseForgedHeaders(given);
  const useCase = readUseCase(header);
  checkUseCase(caller, useCase);
  // Other keys of `params` may come from the body or the query; a route's own value wins over both.
  const deployment = route.namesDeployment ? request.params['deployment'] : undefined;
  return {
    header,
    body,
    ...(caller !== undefined && { caller }),
    ...(useCase !== undefined && { useCase }),
    ...(deployment !== undefined && { deployment }),
  };
}

/** Breaking an upload off would break the connection that the answer goes out on. */
async function dropBody(request: HttpRequest, signal: AbortSignal): Promise<void> {
  await request.body?.pipeTo(new WritableStream(), { signal }).catch(() => undefined);
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
