import { HttpError, InvalidRequestError } from '../../shared/base/errors.ts';
import { BYTES_AROUND } from './connections.ts';
import type { HostRequest } from './host-request.ts';

/**
 * Refuses a key `headers` in the body or the query. The host replaces all request headers with the value
 * of such a key, in upper or lower case, so that no header could be trusted.
 */
export function refuseHeadersKey(keys: Iterable<string>, where: 'body' | 'query'): void {
  for (const key of keys) {
    if (key.toUpperCase() === 'HEADERS') {
      throw new InvalidRequestError(
        `The ${where} must not have a key "headers": the platform would replace the request's headers with it.`,
        { param: 'headers' },
      );
    }
  }
}

/**
 * Refuses headers that come from the body of a GET, which this process cannot see but the host reads.
 * They lack `host`, which every request has, unless their author has thought of that too.
 */
export function refuseForgedHeaders(header: (name: string) => string | null): void {
  if (header('host') === null) {
    throw new InvalidRequestError('The request has no header "host".', { param: 'headers' });
  }
}

/** Throws a 431 if the headers of a request have more than `maxBytes` in total. */
export function refuseLargeHeaders(request: HostRequest, maxBytes: number): void {
  const size = request.connection?.headerBytes() ?? bytesOf(request.headers);
  if (size <= maxBytes) return;
  throw new HttpError(
    `The request's headers have ${size} bytes; MAX_HEADER_BYTES allows ${maxBytes}. Send fewer or shorter ones.`,
    { status: 431, code: 'headers_too_large', param: 'headers' },
  );
}

function bytesOf(headers: HostRequest['headers']): number {
  let size = 0;
  for (const [name, value] of headers) size += name.length + value.length + BYTES_AROUND;
  return size;
}
