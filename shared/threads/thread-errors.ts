import { HttpError } from '../base/errors.ts';
import { createStoreErrors, NotConfiguredError, NotFoundError } from '../storage/store-errors.ts';

/** The thread does not exist, or it belongs to another caller (404). */
export class ThreadNotFoundError extends NotFoundError {
  constructor(param: 'id' | 'thread_id' = 'id') {
    super('There is no thread with this id. It may have expired or been deleted.', {
      code: 'thread_not_found',
      param,
    });
  }
}

/** Other requests kept adding to the thread (409). */
export class ThreadConflictError extends HttpError {
  constructor() {
    super(
      'Other requests are adding to this thread: nothing of this request was added. Send it again in a second.',
      { status: 409, code: 'thread_conflict', headers: { 'retry-after': '1' } },
    );
  }
}

/** The record of the thread cannot be read (409). */
export class ThreadDamagedError extends HttpError {
  constructor() {
    super(
      'The record of this thread cannot be read, and nothing can be added to it: delete it, and go on in another one. Its messages can still be listed.',
      { status: 409, code: 'thread_damaged' },
    );
  }
}

/** The Idempotency-Key was used before, with other messages (422). */
export class KeyReusedError extends HttpError {
  constructor() {
    super(
      'This Idempotency-Key was used before, with other messages: give each request its own key.',
      { status: 422, code: 'idempotency_key_reused', param: 'Idempotency-Key' },
    );
  }
}

/** Another request with the same Idempotency-Key is under way (409). */
export class KeyInUseError extends HttpError {
  constructor() {
    super(
      'A request with this Idempotency-Key is being answered: send this one again in some seconds, and it gets the same answer.',
      {
        status: 409,
        code: 'idempotency_key_in_use',
        param: 'Idempotency-Key',
        headers: { 'retry-after': '2' },
      },
    );
  }
}

/** No storage for threads is configured (409). */
export class ThreadsNotConfiguredError extends NotConfiguredError {
  constructor() {
    super(
      'No storage for threads is configured: set TABLES_ENDPOINT and BLOBS_ENDPOINT, or TABLES_CONNECTION_STRING.',
      'threads_not_configured',
    );
  }
}

/** With an Idempotency-Key, sending a request again is safe. */
export const { toError: toThreadError, orUnreachable } = createStoreErrors({
  what: 'The storage of the threads',
  code: 'threads_unreachable',
  advice: 'Send the request again; with an Idempotency-Key nothing is added twice.',
  retryAfter: 2,
});
