import { createDeadline, untilAborted } from '../base/deadline.ts';
import type { EncoderThread } from './encoder-thread.ts';

/**
 * Starts an encoder that goes on: after its thread has ended, the next text starts another, for
 * which a text waits `timeoutMs` at most. Throws what the first start throws.
 */
export async function keepEncoding(
  start: (onEnd: () => void) => Promise<EncoderThread>,
  timeoutMs: number,
): Promise<EncoderThread> {
  let running: EncoderThread | undefined;
  let starting: Promise<EncoderThread> | undefined;

  async function startOnce(): Promise<EncoderThread> {
    const thread = await start(() => {
      running = undefined;
    });
    running = thread;
    return thread;
  }

  function startAgain(): Promise<EncoderThread> {
    starting ??= startOnce().finally(() => {
      starting = undefined;
    });
    return starting;
  }

  async function startInTime(): Promise<EncoderThread> {
    const deadline = createDeadline(timeoutMs);
    return untilAborted(startAgain(), deadline.signal).finally(() => deadline.clear());
  }

  await startAgain();
  return {
    encode: async (text) => (running ?? (await startInTime())).encode(text),
    close: async () => running?.close(),
  };
}
