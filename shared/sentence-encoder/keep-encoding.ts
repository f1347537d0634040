import type { EncoderThread } from './encoder-thread.ts';

/**
 * Starts an encoder that goes on: after its thread has ended, the next text starts another. Throws
 * what the first start throws.
 */
export async function keepEncoding(
  start: (onEnd: () => void) => Promise<EncoderThread>,
): Promise<EncoderThread> {
  let hasEnded = false;
  const startAgain = () => {
    hasEnded = false;
    return start(() => {
      hasEnded = true;
    });
  };
  let thread = startAgain();
  await thread;

  function current(): Promise<EncoderThread> {
    if (hasEnded) {
      thread = startAgain();
      thread.catch(() => {
        hasEnded = true;
      });
    }
    return thread;
  }

  return {
    encode: async (text) => (await current()).encode(text),
    close: async () => (await thread).close(),
  };
}
