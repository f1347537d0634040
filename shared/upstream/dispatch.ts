import type { Dispatcher } from 'undici';
import { AnswerBody } from './answer-body.ts';

export type RawAnswer = {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: AnswerBody;
};

/**
 * Sends a request. Resolves when the head of the answer has arrived. Throws the signal's reason if it
 * is aborted before that; after that, the body ends with the reason.
 */
export function dispatch(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  signal: AbortSignal,
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | undefined;
    let body: AnswerBody | undefined;

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

    if (signal.aborted) {
      reject(asError(signal.reason));
      return;
    }
    signal.addEventListener('abort', abort, { once: true });
    dispatcher.dispatch(options, {
      onRequestStart: (started) => {
        controller = started;
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
      onResponseError: (_, error) => fail(error),
    });
  });
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('The request was aborted.');
}
