import { CallEndedError, HttpError } from './errors.ts';
import { errorKind, type Log } from './log.ts';

/** The call that an error ended. */
type FailedCall = {
  readonly requestId: string;
  readonly signal: AbortSignal;
  readonly log: Log;
};

/** Logs an error, and returns it in the form that the client sees. */
export function describeError(error: unknown, { requestId, signal, log }: FailedCall): HttpError {
  // Any failure after the call was ended happened because of that.
  const cause = signal.reason instanceof CallEndedError ? signal.reason : error;
  if (cause instanceof HttpError) {
    const { status, code, param } = cause;
    // It was logged when the client disconnected.
    if (code === 'client_gone') return cause;
    log(status < 500 ? 'info' : 'warning', 'request-refused', {
      requestId,
      status,
      code: code ?? undefined,
      param: param ?? undefined,
      ...(cause.cause instanceof Error && { cause: errorKind(cause.cause) }),
    });
    return cause;
  }
  log('error', 'internal-error', { requestId, error: errorKind(cause) });
  return new HttpError(
    `The router failed on this request. Its log has the cause under the request id ${requestId}.`,
    { status: 500, type: 'server_error', code: 'internal_error', cause },
  );
}
