import { once } from 'node:events';
import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { AnswerBody } from './answer-body.ts';

const DECODERS = new Map<string, () => Transform>([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
]);

/**
 * Decodes a compressed body as it arrives; undefined for an encoding that is not known, or several. Some proxies
 * compress although they are asked not to. Only as much is decoded as its reader takes, who bounds the whole.
 */
export function decodeBody(body: AnswerBody, contentEncoding: string): AnswerBody | undefined {
  const encodings = contentEncoding
    .toLowerCase()
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '' && one !== 'identity');
  const [encoding, ...more] = encodings;
  if (encoding === undefined) return body;
  const create = more.length === 0 ? DECODERS.get(encoding) : undefined;
  return create && decodeWith(create(), body);
}

function decodeWith(decoder: Transform, body: AnswerBody): AnswerBody {
  const decoded = new AnswerBody({
    pause: () => decoder.pause(),
    resume: () => decoder.resume(),
    abort: () => {
      decoder.destroy();
      body.destroy();
    },
  });
  function fail(error: Error): void {
    decoder.destroy();
    body.destroy();
    decoded.end(error);
  }
  decoder
    .on('data', (chunk: Buffer) => decoded.push(chunk))
    .on('end', () => decoded.end())
    .on('error', fail);
  feed(decoder, body).catch((error: unknown) =>
    fail(error instanceof Error ? error : new Error('The answer broke off.')),
  );
  return decoded;
}

async function feed(decoder: Transform, body: AnswerBody): Promise<void> {
  for await (const chunk of body) {
    if (decoder.destroyed) return;
    if (!decoder.write(chunk)) await Promise.race([once(decoder, 'drain'), once(decoder, 'close')]);
  }
  decoder.end();
}
