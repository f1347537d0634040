import { UpstreamError } from '../base/errors.ts';
import { retryAfterHeaders } from './retry-after.ts';

/**
 * How long a call waits for a slot. Answers take seconds, so that one of 64 slots is freed every few
 * tens of milliseconds: a call that has none after a second waits for a deployment that has stopped
 * serving, and should fail while another deployment, or the client, can still do something.
 */
const MAX_WAIT_MS = 1_000;

type SlotOptions = {
  readonly deployment: string;
  readonly maxCalls: number;
  /** The most calls that wait for a slot at the same time. */
  readonly maxQueued: number;
};

/** The calls that a deployment may have concurrently, and a short queue for them. */
export type Slots = {
  readonly inFlight: number;
  readonly queued: number;
  /**
   * Resolves with the function that gives the slot back; calling it again does nothing. Throws an
   * UpstreamError (429 `deployment_busy`) if the queue is full or the wait too long, and the
   * signal's reason if it is aborted before; neither leaves anything in the queue.
   */
  take(signal: AbortSignal): (() => void) | Promise<() => void>;
};

export function createSlots({ deployment, maxCalls, maxQueued }: SlotOptions): Slots {
  /** The calls in the queue, in the order in which they came. */
  const waiting = new Set<() => void>();
  let inFlight = 0;

  function busy(): UpstreamError {
    return new UpstreamError(
      `The deployment ${deployment} has as many calls under way as are allowed, and more are waiting. Try again, or raise MAX_CONCURRENT_CALLS.`,
      { status: 429, code: 'deployment_busy', headers: retryAfterHeaders(1_000) },
    );
  }

  function occupy(): () => void {
    inFlight += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      inFlight -= 1;
      const [next] = waiting;
      next?.();
    };
  }

  function waitForTurn(signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      function leave(): void {
        waiting.delete(enter);
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
      }
      function enter(): void {
        leave();
        resolve(occupy());
      }
      function abort(): void {
        leave();
        reject(signal.reason);
      }
      const timer = setTimeout(() => {
        leave();
        reject(busy());
      }, MAX_WAIT_MS);
      signal.addEventListener('abort', abort, { once: true });
      waiting.add(enter);
    });
  }

  return {
    get inFlight() {
      return inFlight;
    },
    get queued() {
      return waiting.size;
    },
    take: (signal) => {
      signal.throwIfAborted();
      if (inFlight < maxCalls) return occupy();
      if (waiting.size >= maxQueued) throw busy();
      return waitForTurn(signal);
    },
  };
}
