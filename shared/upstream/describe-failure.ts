import errors from 'undici/lib/core/errors.js';
import { HttpError, UpstreamError } from '../base/errors.ts';

/** Describes a failure without the address, which may be private; the cause goes to the log. */
export function describeFailure(
  deployment: string,
  cause: unknown,
  signal: AbortSignal,
): HttpError {
  if (cause instanceof UpstreamError) return cause;
  // The call was ended from this side: the deployment is not to blame.
  if (signal.reason instanceof HttpError) return signal.reason;
  if (signal.aborted) {
    return new UpstreamError(
      `The deployment ${deployment} did not answer in time. Try again, or raise REQUEST_TIMEOUT_MS.`,
      { status: 504, code: 'upstream_timeout', cause },
    );
  }
  if (cause instanceof errors.HTTPParserError || cause instanceof errors.HeadersOverflowError) {
    return new UpstreamError(
      `The deployment ${deployment} sent an answer that is not HTTP, or has too many headers. Check its endpoint.`,
      { status: 502, code: 'upstream_invalid', cause },
    );
  }
  return new UpstreamError(
    `The deployment ${deployment} could not be reached. Check its endpoint and credential, and GET /ready.`,
    { status: 502, code: 'upstream_unreachable', cause },
  );
}
