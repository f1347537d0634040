import { untilAborted } from '../base/deadline.ts';
import { HttpError } from '../base/errors.ts';
import { errorKind } from '../base/log.ts';

/** Nothing is stored under the id or name, or it belongs to another caller (404). */
export class NotFoundError extends HttpError {
  constructor(message: string, facts: { readonly code: string; readonly param?: string }) {
    super(message, { status: 404, ...facts });
  }
}

/** The settings name no storage for what the request needs (409). */
export class NotConfiguredError extends HttpError {
  constructor(message: string, code: string) {
    super(message, { status: 409, code });
  }
}

/** How the failures of a storage are reported to callers. */
type StorageFacts = {
  /** The subject of the message, such as "The table of the registry". */
  readonly what: string;
  readonly code: string;
  /** The sentence that tells the caller what to do. */
  readonly advice: string;
  /** The `Retry-After` header, in seconds. */
  readonly retryAfter: number;
};

/** The storage did not answer, or refused the operation (503). */
class UnreachableError extends HttpError {
  constructor({ what, code, advice, retryAfter }: StorageFacts, cause: unknown) {
    super(`${what} cannot be reached (${errorKind(cause)}). ${advice}`, {
      status: 503,
      type: 'server_error',
      code,
      headers: { 'retry-after': String(retryAfter) },
      cause,
    });
  }
}

/** The errors of work on one storage, as callers get them. */
type StoreErrors = {
  /** Returns an HttpError unchanged; any other error is a failure of the storage. */
  readonly toError: (error: unknown) => HttpError;
  /** Does the work until the signal of its request is aborted, and throws its errors as `toError` returns them. */
  readonly orUnreachable: <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>;
};

export function createStoreErrors(storage: StorageFacts): StoreErrors {
  const toError = (error: unknown) =>
    error instanceof HttpError ? error : new UnreachableError(storage, error);
  return {
    toError,
    orUnreachable: async (work, signal) => {
      try {
        return await untilAborted(work(), signal);
      } catch (error) {
        throw toError(error);
      }
    },
  };
}
