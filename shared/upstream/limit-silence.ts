import { UpstreamError } from '../base/errors.ts';
import type { Bytes } from './answer-body.ts';

/**
 * Gives the chunks of a body, and gives the body up where the next one is waited for too long. `limitMs` is
 * asked before each wait; while it is undefined there is no limit. The time in which nobody asks for a
 * chunk, since a client reads slowly, does not count. Throws an UpstreamError (504 `upstream_timeout`), and
 * what the body throws.
 */
export function limitSilence(
  body: Bytes,
  limitMs: () => number | undefined,
): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => limitIterator(body, limitMs) };
}

function limitIterator(
  body: Bytes,
  limitMs: () => number | undefined,
): AsyncIterator<Uint8Array, undefined> {
  const chunks = body[Symbol.asyncIterator]();
  // One timer serves the whole stream, which may have thousands of chunks.
  let timer: NodeJS.Timeout | undefined;
  let isWaiting = false;
  let isSilent = false;
  function giveUp(): void {
    if (!isWaiting) return;
    isSilent = true;
    body.destroy();
  }
  return {
    next: async () => {
      const ms = limitMs();
      isWaiting = ms !== undefined;
      if (ms !== undefined) timer = timer?.refresh() ?? setTimeout(giveUp, ms);
      try {
        const next = await chunks.next();
        if (next.done) clearTimeout(timer);
        return next;
      } catch (error) {
        clearTimeout(timer);
        throw isSilent ? silent() : error;
      } finally {
        isWaiting = false;
      }
    },
    return: async () => {
      clearTimeout(timer);
      await chunks.return?.();
      return { done: true, value: undefined };
    },
  };
}

function silent(): UpstreamError {
  return new UpstreamError(
    'The deployment stopped in the midst of its stream. Send the request again, or raise STREAM_IDLE_TIMEOUT_MS.',
    { status: 504, code: 'upstream_timeout' },
  );
}
