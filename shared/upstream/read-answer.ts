import { HttpError, UpstreamError } from '../base/errors.ts';
import { type MemoryHold, takeMemory } from '../base/memory-budget.ts';
import type { UpstreamAnswer } from './upstream.ts';

type ReadOptions = {
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  /** The memory of the request; absent where no request waits. */
  readonly hold?: Pick<MemoryHold, 'take'>;
  /** Called at each chunk. */
  readonly onByte?: () => void;
};

/**
 * Reads the whole body of an answer. Throws an HttpError if the body breaks off or is too large.
 */
export async function readAnswer(
  answer: UpstreamAnswer,
  { maxBytes, signal, hold, onByte }: ReadOptions,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of answer.body) {
      onByte?.();
      size += chunk.byteLength;
      if (size > maxBytes) throw tooLarge(maxBytes);
      if (hold) takeMemory(hold, chunk.byteLength);
      chunks.push(chunk);
    }
  } catch (cause) {
    answer.body.destroy();
    throw cause instanceof HttpError ? cause : brokenOff(cause, signal);
  }
  return Buffer.concat(chunks, size);
}

/** Enough time for the rest of an error that has begun to arrive. */
const REFUSAL_MS = 5_000;

/**
 * Reads the body of an answer that is not a success; empty if it does not arrive in time, because its
 * status says enough. The deployment's own key is removed. Throws if the call itself has ended.
 */
export async function readRefusal(answer: UpstreamAnswer, options: ReadOptions): Promise<Buffer> {
  const timer = setTimeout(() => answer.body.destroy(), REFUSAL_MS);
  try {
    return answer.redact(await readAnswer(answer, options));
  } catch (error) {
    if (options.signal.aborted) throw error;
    return Buffer.alloc(0);
  } finally {
    clearTimeout(timer);
  }
}

export function tooLarge(maxBytes: number): UpstreamError {
  return new UpstreamError(
    `The deployment's answer is larger than MAX_ANSWER_BYTES (${maxBytes}). Ask for fewer tokens.`,
    { status: 502, code: 'answer_too_large' },
  );
}

/** Describes why an answer ended early. `limit` is the setting by which its time is over. */
export function brokenOff(
  cause: unknown,
  signal: AbortSignal,
  limit = 'REQUEST_TIMEOUT_MS',
): HttpError {
  // The call was ended from this side: the deployment is not to blame.
  if (signal.reason instanceof HttpError) return signal.reason;
  if (signal.aborted) {
    return new UpstreamError(
      `The deployment did not finish its answer in time. Ask for fewer tokens, or raise ${limit}.`,
      { status: 504, code: 'upstream_timeout', cause },
    );
  }
  return new UpstreamError('The deployment broke off its answer. Send the request again.', {
    status: 502,
    code: 'upstream_incomplete',
    cause,
  });
}
