import { type Answer, errorAnswer } from '../../shared/base/answer.ts';
import { describeError } from '../../shared/base/describe-error.ts';
import type { Log } from '../../shared/base/log.ts';
import type { Call } from '../../shared/calls/call.ts';
import type { Telemetry } from '../../shared/calls/telemetry.ts';
import { type AdmitOptions, type AdmittedRoute, admit } from './admit.ts';
import type { Calls } from './calls.ts';
import type { CrossOrigin } from './cross-origin.ts';
import type { HostRequest } from './host-request.ts';

export type Route = AdmittedRoute & {
  readonly handle: (call: Call) => Promise<Answer> | Answer;
};

type RespondOptions = Omit<AdmitOptions, 'open'> & {
  readonly calls: Calls;
  /** Makes the id of a request from the one that its host gave it. */
  readonly createRequestId: (hostId: string) => string;
  /** Absent: no pages of other origins may call. */
  readonly crossOrigin?: CrossOrigin | undefined;
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
      const admitted = await admit(request, route, { ...options, open });
      const traced = trace && { trace };
      const times = { startedAt, signal, beginStream };
      const call = { ...admitted, requestId, hold: open.hold, ...times, ...traced };
      const answer = await route.handle(call);
      // A client that reads slowly keeps its answer in memory. It is sent nevertheless, since its work is done.
      if (isBuffered(answer.body)) open.hold.take(Buffer.byteLength(answer.body));
      return send(answer);
    } catch (error) {
      const { log } = options;
      return send(errorAnswer(describeError(error, { requestId, signal, log })));
    }
  };
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
