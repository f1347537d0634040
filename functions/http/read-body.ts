import { isUtf8 } from 'node:buffer';
import { HttpError, InvalidRequestError } from '../../shared/base/errors.ts';
import { type MemoryHold, TooManyBytesError } from '../../shared/base/memory-budget.ts';
import { fromJson, isRawNumber } from '../../shared/base/wire-json.ts';
import { type BodyShape, checkShape } from './body-shape.ts';
import type { HostRequest } from './host-request.ts';

/** A body that comes more slowly than this is given up: it holds a place that others wait for. */
const MIN_BYTES_PER_S = 1_024;

/** How long a body may be slower at first, in ms, and how often it is looked at. */
const SLOW_START_MS = 5_000;

const BYTE_ORDER_MARK = '\uFEFF';

type ReadBodyOptions = {
  readonly maxBytes: number;
  /** The time for the whole body, in ms. */
  readonly timeoutMs: number;
  /** Aborted when the time for the upload is over. */
  readonly signal: AbortSignal;
  readonly hold: MemoryHold;
};

/**
 * Reads the body, bounded in bytes and time. Its memory counts until `hold` is released. A body that is
 * too large is still read to its end, since breaking off would break the connection that the answer
 * goes out on. Throws an HttpError that says what is wrong.
 */
export function readBody(
  { body }: HostRequest,
  { maxBytes, timeoutMs, signal, hold }: ReadBodyOptions,
): Promise<Buffer> {
  if (body === undefined) return Promise.resolve(Buffer.alloc(0));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let isTooMuch = false;
    const startedAt = performance.now();
    const timer = setTimeout(giveUp, timeoutMs);
    const pace = setInterval(() => {
      const seconds = (performance.now() - startedAt) / 1_000;
      if (size < seconds * MIN_BYTES_PER_S) giveUp();
    }, SLOW_START_MS);

    function stopWatching(): void {
      clearTimeout(timer);
      clearInterval(pace);
      signal.removeEventListener('abort', giveUp);
    }

    function drop(): void {
      chunks.length = 0;
      hold.release();
    }

    // After the deadline nobody waits for the rest, which may never come.
    function giveUp(): void {
      stopWatching();
      drop();
      reject(new UploadTimeoutError());
    }

    function take(chunk: Buffer): void {
      size += chunk.byteLength;
      isTooMuch ||= size <= maxBytes && !hold.take(chunk.byteLength);
      if (size <= maxBytes && !isTooMuch) chunks.push(chunk);
      else drop();
    }

    function finish(): void {
      stopWatching();
      if (size > maxBytes) reject(tooLarge(size, maxBytes));
      else if (isTooMuch) reject(new TooManyBytesError());
      else resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size));
    }

    function breakOff(cause?: unknown): void {
      if (body?.readableEnded) return;
      stopWatching();
      drop();
      const param = { param: 'body', cause };
      reject(
        new InvalidRequestError(
          'The body ended before it was complete. Send the request again.',
          param,
        ),
      );
    }

    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    body.on('data', take).on('end', finish).on('error', breakOff).on('close', breakOff);
  });
}

/** Parses a JSON object. Throws an InvalidRequestError; the parser's own message quotes the body. */
export function parseBody(bytes: Buffer, shape: BodyShape): object {
  if (bytes.length === 0) throw wrongBody('The body is empty: send a JSON object.');
  checkShape(bytes, shape);
  const text = decode(bytes);
  let body: unknown;
  try {
    body = fromJson(text);
  } catch (error) {
    throw wrongBody(
      error instanceof RangeError
        ? 'The body is nested too deeply: send a flatter JSON object.'
        : 'The body is not valid JSON: send a JSON object.',
    );
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body) || isRawNumber(body)) {
    throw wrongBody('The body is not a JSON object: send one.');
  }
  return body;
}

function decode(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw wrongBody('The body is not valid UTF-8: send it in that encoding.');
  const text = bytes.toString('utf8');
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
}

function wrongBody(message: string): InvalidRequestError {
  return new InvalidRequestError(message, { param: 'body' });
}

class UploadTimeoutError extends HttpError {
  constructor() {
    super(
      'The body did not arrive in time (BODY_TIMEOUT_MS), or came too slowly. Send the request again.',
      {
        status: 408,
        code: 'upload_timeout',
        param: 'body',
      },
    );
  }
}

function tooLarge(size: number, maxBytes: number): HttpError {
  return new HttpError(
    `The body has ${size} bytes; MAX_BODY_BYTES allows ${maxBytes}. Send less, or raise it.`,
    { status: 413, code: 'body_too_large', param: 'body' },
  );
}
