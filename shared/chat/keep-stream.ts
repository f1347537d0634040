import { type HttpError, toErrorBody } from '../base/errors.ts';
import type { ChatMessage } from '../chat-format/chat-request.ts';
import { createCollector } from '../chat-format/collect-answer.ts';
import { isDone } from '../chat-format/event-data.ts';
import { endOfEvent } from '../chat-format/event-splitter.ts';

/** What was answered. */
export type Answered = {
  /** Undefined as long as it is nothing. */
  readonly message: ChatMessage | undefined;
  readonly finishReason: string | undefined;
};

/** What has come of a streamed answer. */
type Streamed = Answered & {
  /** False: it broke off. */
  readonly isWhole: boolean;
};

/**
 * Passes chunks of whole events on. The answer is kept before its `[DONE]` is passed on, and what has come
 * of one that broke off, or that nobody waits for any more, when it ends. Where `keep` gives an error,
 * that ends the stream instead of `[DONE]`.
 */
export async function* keepStream(
  chunks: AsyncIterable<Uint8Array>,
  keep: (streamed: Streamed) => Promise<HttpError | undefined>,
): AsyncGenerator<Uint8Array> {
  const { push, message, finishReason } = createCollector();
  let isWhole = false;
  try {
    for await (const chunk of chunks) {
      const events = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      const done = readEvents(events, push);
      // What comes before the end need not wait until the answer is kept.
      if (done > 0) yield events.subarray(0, done);
      if (done === events.length) continue;
      isWhole = true;
      const error = await keep({ message: message(), finishReason: finishReason(), isWhole });
      if (error !== undefined) {
        yield Buffer.from(`data: ${JSON.stringify(toErrorBody(error))}\n\n`);
        return;
      }
      yield events.subarray(done);
    }
  } finally {
    if (!isWhole) await keep({ message: message(), finishReason: finishReason(), isWhole });
  }
}

/** Passes chunks of whole events on, and puts together what they say. */
export function watchStream(chunks: AsyncIterable<Uint8Array>): {
  readonly chunks: AsyncGenerator<Uint8Array>;
  /** What has come until now. */
  readonly answer: () => Answered;
} {
  const { push, message, finishReason } = createCollector();
  async function* watch() {
    for await (const chunk of chunks) {
      readEvents(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength), push);
      yield chunk;
    }
  }
  return { chunks: watch(), answer: () => ({ message: message(), finishReason: finishReason() }) };
}

/** Reads events up to `[DONE]`, and gives where that begins: at the end where it has not come yet. */
function readEvents(events: Buffer, push: (event: Buffer) => void): number {
  let start = 0;
  while (start < events.length) {
    const end = endOfEvent(events, start);
    const event = events.subarray(start, end);
    if (isDone(event)) return start;
    push(event);
    start = end;
  }
  return start;
}
