import type { TableServiceClientOptions } from '@azure/data-tables';
import { createDeadline, untilAborted } from '../base/deadline.ts';

/**
 * Does one call to the storage, and ends it when its time is over or `until` is aborted. Throws a
 * StorageTimeoutError, a StorageBusyError, the reason of `until`, or the call's own error.
 */
export type LimitCall = <T>(
  call: (signal: AbortSignal) => Promise<T>,
  until?: AbortSignal,
) => Promise<T>;

/** What bounds all calls to the storage, each in its time and together in their number. */
export type CallLimits = {
  /** Calls that requests wait for: one is refused rather than kept waiting for a storage that answers none. */
  readonly ofRequests: LimitCall;
  /** Calls that no request waits for: each waits for its turn, and they take no turn of the others. */
  readonly inBackground: LimitCall;
};

type CallLimitsOptions = {
  /** The time of one call with its repetitions, in ms. */
  readonly timeoutMs: number;
  /** The most calls under way that requests wait for. */
  readonly maxCalls: number;
};

const MAX_BACKGROUND_CALLS = 16;

/** A storage that works takes the next call within milliseconds. */
const MAX_WAIT_MS = 1_000;

/** The storage did not answer in time. */
export class StorageTimeoutError extends Error {
  readonly code = 'storage_timeout';

  constructor(timeoutMs: number) {
    super(`The storage did not answer within ${timeoutMs} ms (STORAGE_TIMEOUT_MS).`);
    this.name = 'StorageTimeoutError';
  }
}

/** As many calls as MAX_STORAGE_CALLS allows wait for the storage already. */
class StorageBusyError extends Error {
  readonly code = 'storage_busy';

  constructor() {
    super('As many calls to the storage are under way as MAX_STORAGE_CALLS allows.');
    this.name = 'StorageBusyError';
  }
}

export function createCallLimits({ timeoutMs, maxCalls }: CallLimitsOptions): CallLimits {
  const inBackground = { maxCalls: MAX_BACKGROUND_CALLS, maxWaitMs: Number.POSITIVE_INFINITY };
  return {
    ofRequests: limitWith(createTurns({ maxCalls, maxWaitMs: MAX_WAIT_MS }), timeoutMs),
    inBackground: limitWith(createTurns(inBackground), timeoutMs),
  };
}

/** The policy by which a client of Azure's libraries makes its calls within the limits, repetitions included. */
export function limitPolicy(limit: LimitCall): AdditionalPolicy {
  return {
    position: 'perCall',
    policy: {
      name: 'limitCalls',
      sendRequest: (request, next) =>
        limit(
          (signal) => {
            request.abortSignal = signal;
            return next(request);
          },
          request.abortSignal as AbortSignal | undefined,
        ),
    },
  };
}

type AdditionalPolicy = NonNullable<TableServiceClientOptions['additionalPolicies']>[number];

function limitWith(turns: Turns, timeoutMs: number): LimitCall {
  return async (call, until) => {
    const end = await turns.take(until);
    const deadline = createDeadline(timeoutMs);
    const signal = until ? AbortSignal.any([until, deadline.signal]) : deadline.signal;
    try {
      return await untilAborted(call(signal), signal);
    } catch (error) {
      throw deadline.signal.aborted ? new StorageTimeoutError(timeoutMs) : error;
    } finally {
      deadline.clear();
      end(!signal.aborted);
    }
  };
}

/** The places of calls under way. */
type Turns = {
  /** Resolves with the function that ends the turn, which is told whether the storage has answered. */
  take(until: AbortSignal | undefined): Promise<(isAnswered: boolean) => void>;
};

function createTurns({ maxCalls, maxWaitMs }: { maxCalls: number; maxWaitMs: number }): Turns {
  /** Those who wait, in the order in which they came. */
  const waiting = new Set<() => void>();
  let underWay = 0;
  /** The last time at which a call was answered, or could still be made at once. */
  let movedAt = 0;

  function occupy(): (isAnswered: boolean) => void {
    underWay += 1;
    if (underWay === maxCalls && waiting.size === 0) movedAt = performance.now();
    return (isAnswered) => {
      underWay -= 1;
      if (isAnswered) movedAt = performance.now();
      const [next] = waiting;
      next?.();
    };
  }

  function waitForTurn(until: AbortSignal | undefined): Promise<(isAnswered: boolean) => void> {
    return new Promise((resolve, reject) => {
      function leave(): void {
        waiting.delete(enter);
        clearTimeout(timer);
        until?.removeEventListener('abort', abort);
      }
      function enter(): void {
        leave();
        resolve(occupy());
      }
      function abort(): void {
        leave();
        reject(until?.reason);
      }
      const giveUp = () => {
        leave();
        reject(new StorageBusyError());
      };
      const timer = Number.isFinite(maxWaitMs) ? setTimeout(giveUp, maxWaitMs) : undefined;
      until?.addEventListener('abort', abort, { once: true });
      waiting.add(enter);
    });
  }

  return {
    take: async (until) => {
      until?.throwIfAborted();
      if (underWay < maxCalls) return occupy();
      // Waiting is of no use while the storage answers nobody.
      if (performance.now() - movedAt > maxWaitMs) throw new StorageBusyError();
      return waitForTurn(until);
    },
  };
}
