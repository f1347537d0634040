import { createDecoder } from '../../shared/base/decoders.ts';
import { HttpError, InvalidRequestError } from '../../shared/base/errors.ts';
import { type MemoryHold, takeMemory } from '../../shared/base/memory-budget.ts';

type UnpackOptions = { readonly maxBytes: number; readonly hold: MemoryHold };

/**
 * Unpacks a compressed body within the limits that hold for any body: the first byte above them ends the work, so
 * that a few bytes cannot fill the memory. Throws an HttpError: 413, 415, 429, or 400 for bytes that are not of
 * their encoding.
 */
export async function unpackBody(
  bytes: Buffer,
  contentEncoding: string | null,
  { maxBytes, hold }: UnpackOptions,
): Promise<Buffer> {
  const unpacker = createDecoder(contentEncoding ?? '');
  if (unpacker === 'none') return bytes;
  if (unpacker === undefined) throw new UnsupportedEncodingError();
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    unpacker.end(bytes);
    for await (const chunk of unpacker as AsyncIterable<Buffer>) {
      size += chunk.byteLength;
      if (size > maxBytes) throw new UnpackedTooLargeError(maxBytes);
      takeMemory(hold, chunk.byteLength);
      chunks.push(chunk);
    }
  } catch (cause) {
    hold.release();
    if (cause instanceof HttpError) throw cause;
    throw new InvalidRequestError(
      'The body is not in the encoding that content-encoding names: send it as that, or without the header.',
      { param: 'content-encoding', cause },
    );
  }
  return Buffer.concat(chunks, size);
}

class UnsupportedEncodingError extends HttpError {
  constructor() {
    super('Send the body as gzip, deflate or br, or without content-encoding.', {
      status: 415,
      code: 'unsupported_encoding',
      param: 'content-encoding',
    });
  }
}

class UnpackedTooLargeError extends HttpError {
  constructor(maxBytes: number) {
    super(
      `The unpacked body has more bytes than MAX_BODY_BYTES allows (${maxBytes}). Send less, or raise it.`,
      { status: 413, code: 'body_too_large', param: 'body' },
    );
  }
}
