import { once } from 'node:events';
import type { Transform } from 'node:stream';
import { createDecoder } from '../base/decoders.ts';
import { AnswerBody } from './answer-body.ts';

/**
 * Decodes a compressed body as it arrives; undefined for an encoding that is not known, or several. Some
 * proxies compress although they are asked not to. Only as much is decoded as the reader takes, and the
 * reader bounds the whole.
 */
export function decodeBody(body: AnswerBody, contentEncoding: string): AnswerBody | undefined {
  const decoder = createDecoder(contentEncoding);
  return decoder === 'none' ? body : decoder && decodeWith(decoder, body);
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
