import type { HttpRequest } from '@azure/functions';
import { untilAborted } from '../../shared/deadline.ts';
import { HttpError, InvalidRequestError } from '../../shared/errors.ts';
import { fromJson } from '../../shared/wire-json.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Reads and parses the JSON body. Throws an HttpError that says what is wrong with it. */
export async function readBody(
  request: HttpRequest,
  maxBytes: number,
  signal: AbortSignal,
): Promise<unknown> {
  const bytes = await untilAborted(readBytes(request, maxBytes), signal).catch((error: unknown) => {
    throw signal.aborted ? new UploadTimeoutError() : error;
  });
  if (bytes.length === 0) {
    throw new InvalidRequestError('The body is empty: send a JSON object.', { param: 'body' });
  }
  let body: unknown;
  try {
    body = fromJson(utf8.decode(bytes));
  } catch (error) {
    // The parser's own message quotes the body.
    const what = error instanceof SyntaxError ? 'not valid JSON' : 'not valid UTF-8';
    throw new InvalidRequestError(`The body is ${what}: send a JSON object.`, { param: 'body' });
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new InvalidRequestError('The body must be a JSON object.', { param: 'body' });
  }
  return body;
}

class UploadTimeoutError extends HttpError {
  constructor() {
    super('The body did not arrive within REQUEST_TIMEOUT_MS. Send the request again.', {
      status: 408,
      code: 'upload_timeout',
      param: 'body',
    });
  }
}

/**
 * A body that is too large is read to its end all the same: breaking off would break the
 * connection that the answer goes out on. The host ends it at 100 MiB.
 */
async function readBytes(request: HttpRequest, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of request.body ?? []) {
      size += chunk.byteLength;
      if (size <= maxBytes) chunks.push(chunk);
      else chunks.length = 0;
    }
  } catch (cause) {
    throw new InvalidRequestError('The body broke off before its end.', { param: 'body', cause });
  }
  if (size > maxBytes) {
    throw new HttpError(
      `The body has ${size} bytes; MAX_BODY_BYTES allows ${maxBytes}. Send less, or raise it.`,
      { status: 413, code: 'body_too_large', param: 'body' },
    );
  }
  return Buffer.concat(chunks, size);
}

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
