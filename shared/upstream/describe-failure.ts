import errors from 'undici/lib/core/errors.js';
import { HttpError, UpstreamError } from '../base/errors.ts';

/** Says what failed without the address, which may be private; the cause goes to the log. */
export function describeFailure(
  deployment: string,
  cause: unknown,
  signal: AbortSignal,
): HttpError {
  if (cause instanceof UpstreamError) return cause;
  // The call was ended, and neither the deployment nor the time it took is to blame.
  if (signal.reason instanceof HttpError) return signal.reason;
  if (signal.aborted) {
    return new UpstreamError(
      `The deployment ${deployment} did not answer in time. Try again, or raise REQUEST_TIMEOUT_MS.`,
      { status: 504, code: 'upstream_timeout', cause },
    );
  }
  if (cause instanceof errors.HTTPParserError || cause instanceof errors.HeadersOverflowError) {
    return new UpstreamError(
      `The deployment ${deployment} answered with something that is not HTTP, or with too many headers. Check its endpoint.`,
      { status: 502, code: 'upstream_invalid', cause },
    );
  }
  return new UpstreamError(
    `The deployment ${deployment} could not be reached. Check its endpoint and credential, and GET /ready.`,
    { status: 502, code: 'upstream_unreachable', cause },
  );
}
