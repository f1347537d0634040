import type { Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import { AnswerBody } from './answer-body.ts';
import type { SentRequest } from './connection-client.ts';

export type RawAnswer = {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: AnswerBody;
};

/** The connection that a request was written to, and what had been read from it by then. */
type Written = { readonly socket: Socket | undefined; readonly bytesRead: number };

/**
 * Sends a request. Resolves when the head of the answer has arrived. Throws the signal's reason if it
 * is aborted before that; after that, the body ends with the reason.
 *
 * A deployment may end an idle connection just when a request is sent on it. The request is then lost
 * without a byte of an answer, which shows nothing about the deployment: it is sent once more, on a new
 * connection. A connection that ends in the same way without having served before is a failure.
 */
export function dispatch(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  signal: AbortSignal,
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const request: SentRequest = options;
    let controller: Dispatcher.DispatchController | undefined;
    let body: AnswerBody | undefined;
    let written: Written | undefined;
    let isSentAgain = false;

    function fail(error: Error): void {
      signal.removeEventListener('abort', abort);
      if (body === undefined) reject(error);
      else body.end(error);
    }

    function abort(): void {
      const reason = asError(signal.reason);
      fail(reason);
      controller?.abort(reason);
    }

    const handler: Dispatcher.DispatchHandler = {
      onRequestStart: (started) => {
        controller = started;
        const socket = request.client?.socket;
        written = { socket, bytesRead: socket?.bytesRead ?? 0 };
        if (signal.aborted) started.abort(asError(signal.reason));
      },
      onResponseStart: (started, status, headers) => {
        // An informational answer (1xx) comes before the real one.
        if (status < 200) return;
        body = new AnswerBody(started);
        resolve({ status, headers, body });
      },
      onResponseData: (_, chunk) => body?.push(chunk),
      onResponseEnd: () => {
        signal.removeEventListener('abort', abort);
        body?.end();
      },
      onResponseError: (_, error) => {
        const { client } = request;
        if (client === undefined || isSentAgain || signal.aborted || !isStale(written)) {
          return fail(error);
        }
        isSentAgain = true;
        // A client has one connection at a time, and takes its leave of this one only after the error.
        queueMicrotask(() => client.dispatch(request, handler));
      },
    };

    if (signal.aborted) {
      reject(asError(signal.reason));
      return;
    }
    signal.addEventListener('abort', abort, { once: true });
    dispatcher.dispatch(request, handler);
  });
}

/** Returns true if the connection has served before, and nothing came after the request was written to it. */
function isStale(written: Written | undefined): boolean {
  const { socket, bytesRead = 0 } = written ?? {};
  return bytesRead > 0 && socket?.bytesRead === bytesRead;
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('The request was aborted.');
}
