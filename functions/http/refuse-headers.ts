import { HttpError, InvalidRequestError } from '../../shared/base/errors.ts';
import { BYTES_AROUND } from './connections.ts';
import type { HostRequest } from './host-request.ts';

/**
 * The host lets a key `headers`, in any case, of the body or the query take the place of all
 * request headers: with one there, no header can be believed.
 */
export function refuseHeadersKey(keys: Iterable<string>, where: 'body' | 'query'): void {
  for (const key of keys) {
    if (key.toUpperCase() === 'HEADERS') {
      throw new InvalidRequestError(
        `The ${where} must not have a key "headers": the platform would take it for the request's headers.`,
        { param: 'headers' },
      );
    }
  }
}

/**
 * The body of a GET is not to be seen here, but the host looks into it all the same. Headers that
 * came from it lack `host`, which every request has, unless their author thought of that too.
 */
export function refuseForgedHeaders(header: (name: string) => string | null): void {
  if (header('host') === null) {
    throw new InvalidRequestError('The request has no header "host".', { param: 'headers' });
  }
}

/** Throws a 431 when all headers of a request together are larger than that. */
export function refuseLargeHeaders(request: HostRequest, maxBytes: number): void {
  const size = request.connection?.headerBytes() ?? bytesOf(request.headers);
  if (size <= maxBytes) return;
  throw new HttpError(
    `The request's headers have ${size} bytes; MAX_HEADER_BYTES allows ${maxBytes}. Send fewer or shorter ones.`,
    { status: 431, code: 'headers_too_large', param: 'headers' },
  );
}

/** Nothing is inflated here: a few bytes could become all the memory there is. Throws a 415. */
export function refuseEncoding(contentEncoding: string | null): void {
  const encoding = contentEncoding?.trim().toLowerCase() ?? '';
  if (encoding === '' || encoding === 'identity') return;
  throw new HttpError('A compressed body is not accepted: send it without content-encoding.', {
    status: 415,
    code: 'unsupported_encoding',
    param: 'content-encoding',
  });
}

function bytesOf(headers: HostRequest['headers']): number {
  let size = 0;
  for (const [name, value] of headers) size += name.length + value.length + BYTES_AROUND;
  return size;
}
