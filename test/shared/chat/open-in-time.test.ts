import { expect, test } from 'vitest';
import type { Answer } from '../../../shared/base/answer.ts';
import { openInTime } from '../../../shared/chat/open-in-time.ts';

test('a stream that comes after its client has left is ended all the same', async () => {
  let isEnded = false;
  async function* late() {
    try {
      yield Buffer.from('data: [DONE]\n\n');
    } finally {
      isEnded = true;
    }
  }
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const { body } = await openInTime(promise, {
    openMs: 1,
    commentMs: 1,
    headers: () => ({}),
    describe: (error) => {
      throw error;
    },
  });
  const reader = (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  expect(String((await reader.next()).value)).toBe(': waiting for the deployment\n\n');
  await reader.return?.();
  resolve({ status: 200, headers: {}, body: late() });
  await expect.poll(() => isEnded).toBe(true);
});
