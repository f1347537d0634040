import { HttpError } from '../base/errors.ts';
import { errorKind } from '../base/log.ts';

/** There is no such thread, or it is somebody else's (404). */
export class ThreadNotFoundError extends HttpError {
  constructor(param: 'id' | 'thread_id' = 'id') {
    super('There is no thread of this id. It may have expired, or have been deleted.', {
      status: 404,
      code: 'thread_not_found',
      param,
    });
  }
}

/** Others kept adding to the thread (409). */
export class ThreadConflictError extends HttpError {
  constructor() {
    super(
      'Others are adding to this thread: nothing of this request was added. Send it again in a second.',
      { status: 409, code: 'thread_conflict', headers: { 'retry-after': '1' } },
    );
  }
}

/** An Idempotency-Key came with other messages before (422). */
export class KeyReusedError extends HttpError {
  constructor() {
    super(
      'This Idempotency-Key came with other messages before: send each request with one of its own.',
      { status: 422, code: 'idempotency_key_reused', param: 'Idempotency-Key' },
    );
  }
}

/** There is nowhere to keep threads (409). */
export class ThreadsNotConfiguredError extends HttpError {
  constructor() {
    super(
      'Threads have no table to be kept in: set TABLES_ENDPOINT and BLOBS_ENDPOINT, or TABLES_CONNECTION_STRING.',
      { status: 409, code: 'threads_not_configured' },
    );
  }
}

/** The storage does not answer (503): with an Idempotency-Key, sending it again is safe. */
class ThreadsUnreachableError extends HttpError {
  constructor(cause: unknown) {
    super(
      `The storage of the threads cannot be reached (${errorKind(cause)}). Send the request again; with an Idempotency-Key nothing is added twice.`,
      {
        status: 503,
        type: 'server_error',
        code: 'threads_unreachable',
        headers: { 'retry-after': '2' },
        cause,
      },
    );
  }
}

/** What is wrong with a request as it is; all else is the storage's. */
export function toThreadError(error: unknown): HttpError {
  return error instanceof HttpError ? error : new ThreadsUnreachableError(error);
}
