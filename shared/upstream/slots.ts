import PQueue from 'p-queue';
import { UpstreamError } from '../errors.ts';
import { retryAfterHeaders } from './retry-after.ts';

/**
 * How long a call waits for a slot. Answers take seconds, so that 64 slots free one in tens of
 * milliseconds: who has not got one in a second stands behind a deployment that has stopped
 * serving, and is better told so while another one, or the client, can still do something.
 */
const MAX_WAIT_MS = 1_000;

type SlotOptions = {
  readonly deployment: string;
  readonly maxCalls: number;
  /** Calls that wait for a slot at the same time. */
  readonly maxQueued: number;
};

/** The calls that a deployment may have under way at once, and a short queue before them. */
export type Slots = {
  readonly inFlight: number;
  readonly queued: number;
  /**
   * Resolves with the function that gives the slot back; calling it again does nothing. Throws an
   * UpstreamError (429 `deployment_busy`) when the queue is full or the wait too long, and the
   * signal's reason when it is aborted before; neither leaves anything in the queue.
   */
  take(signal: AbortSignal): Promise<() => void>;
};

export function createSlots({ deployment, maxCalls, maxQueued }: SlotOptions): Slots {
  const queue = new PQueue({ concurrency: maxCalls });

  function busy(): UpstreamError {
    return new UpstreamError(
      `The deployment ${deployment} has as many calls under way as it may have, and others wait. Try again, or raise MAX_CONCURRENT_CALLS.`,
      { status: 429, code: 'deployment_busy', headers: retryAfterHeaders(1_000) },
    );
  }

  return {
    get inFlight() {
      return queue.pending;
    },
    get queued() {
      return queue.size;
    },
    take: async (signal) => {
      signal.throwIfAborted();
      if (queue.pending >= maxCalls && queue.size >= maxQueued) throw busy();
      // Ends the wait alone: what comes after it holds the slot until it is given back.
      const wait = new AbortController();
      const timer = setTimeout(() => wait.abort(busy()), MAX_WAIT_MS);
      const leave = () => wait.abort(signal.reason);
      signal.addEventListener('abort', leave, { once: true });
      try {
        return await nextTurn(queue, wait.signal);
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', leave);
      }
    },
  };
}

/** Waits for a turn in the queue, and holds it until the function it resolves with is called. */
function nextTurn(queue: PQueue, wait: AbortSignal): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const turn = () => {
      const { promise: held, resolve: release } = Promise.withResolvers<void>();
      resolve(release);
      return held;
    };
    queue.add(turn, { signal: wait }).catch(reject);
  });
}
