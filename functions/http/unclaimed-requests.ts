import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HttpError, toErrorBody } from '../../shared/base/errors.ts';
import type { Log } from '../../shared/base/log.ts';
import type { FindConnection } from './connections.ts';

/** The host announces a call when it forwards it: one that has no handler by then never gets one. */
const CLAIM_WITHIN_MS = 4_000;

/** Additional time, since after a standstill of the process timers fire before messages are handled. */
const LAST_CALL_MS = 1_000;

/** Limits the memory that invented ids can take. */
const MAX_WAITING = 10_000;

/**
 * Answers requests that the Functions library gives up before a handler sees them, such as one
 * whose body has a key `headers` with an invalid value. Otherwise the client would wait for four
 * minutes. A handler claims its request by looking for its connection.
 */
export function answerUnclaimed(find: FindConnection, log: Log): FindConnection {
  const waiting = new Map<string, NodeJS.Timeout>();
  function claim(id: string): void {
    clearTimeout(waiting.get(id));
    waiting.delete(id);
  }
  subscribe('http.server.request.start', (message) => {
    // Node documents these two members of the channel's messages.
    const { request, response } = message as {
      readonly request: IncomingMessage;
      readonly response: ServerResponse;
    };
    const id = request.headers['x-ms-invocation-id'];
    if (typeof id !== 'string' || waiting.has(id) || waiting.size >= MAX_WAITING) return;
    function giveUp(): void {
      waiting.delete(id as string);
      if (response.headersSent || response.destroyed) return;
      log('info', 'request-refused', {
        requestId: id as string,
        status: 400,
        code: 'unreadable_request',
      });
      refuse(response, id as string);
    }
    const lastCall = (): unknown => waiting.set(id, setTimeout(giveUp, LAST_CALL_MS));
    waiting.set(id, setTimeout(lastCall, CLAIM_WITHIN_MS));
    response.once('close', () => claim(id));
  });
  return (id) => {
    claim(id);
    return find(id);
  };
}

function refuse(response: ServerResponse, requestId: string): void {
  const error = new HttpError(
    'The request could not be read: a header, or a key "headers" in the body or the query, has a value that is invalid in a header.',
    { status: 400, code: 'unreadable_request', param: 'headers' },
  );
  const body = JSON.stringify(toErrorBody(error));
  response
    .writeHead(error.status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      // The body was not read.
      connection: 'close',
      'x-ms-invocation-id': requestId,
      'x-request-id': requestId,
      'x-smart-router-schema': '1',
      'x-smart-router-request-id': requestId,
    })
    .end(body);
}
