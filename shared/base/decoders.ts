import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';

const DECODERS = new Map<string, () => Transform>([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
]);

/**
 * Creates the decoder of a `content-encoding`: 'none' where the body is not encoded, and undefined for an
 * encoding that is not known, or several.
 */
export function createDecoder(contentEncoding: string): Transform | 'none' | undefined {
  const encodings = contentEncoding
    .toLowerCase()
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '' && one !== 'identity');
  const [encoding, ...more] = encodings;
  if (encoding === undefined) return 'none';
  return more.length === 0 ? DECODERS.get(encoding)?.() : undefined;
}
