import type { Caller } from '../../shared/access/caller.ts';
import type { Answer } from '../../shared/base/answer.ts';
import { createBag } from '../../shared/base/bag.ts';
import { createDeadline, untilAborted } from '../../shared/base/deadline.ts';
import { CallEndedError, HttpError } from '../../shared/base/errors.ts';
import type { Log } from '../../shared/base/log.ts';
import {
  createMemoryBudget,
  type MemoryBudget,
  type MemoryHold,
} from '../../shared/base/memory-budget.ts';
import type { Connection } from './connections.ts';

/** A call from its arrival to the last byte of its answer. */
export type OpenCall = {
  /** Aborted when the call's time is over, or with a CallEndedError when nobody waits for the answer. */
  readonly signal: AbortSignal;
  /** Replaces the time of a request by that of a stream. */
  beginStream(): void;
  /**
   * Takes one of the places in flight. Throws an HttpError if none is free, the caller has as many as one
   * may have, or the app shuts down.
   */
  takePlace(caller: Caller | undefined): void;
  /** Holds the memory of the body until the call's end. */
  readonly hold: MemoryHold;
  /** Reads the request's true headers; absent if the host hides them. */
  readonly header?: (name: string) => string | null;
  /** Resolves with the last byte of the answer, or with the answer if its bytes cannot be watched. */
  readonly ended: Promise<void>;
  /** Watches the answer go out. A returned stream goes only as fast as the client reads it. */
  answer(answer: Answer): Answer;
};

export type Calls = {
  /** `connection` is undefined if the host hides the connection. */
  open(requestId: string, connection: Connection | undefined): OpenCall;
  /**
   * Refuses new calls, gives those under way `graceMs` to finish, then ends them and waits at most
   * `endingMs` for their last output. Resolves with the number of calls that had to be ended.
   */
  shutDown(times: { readonly graceMs: number; readonly endingMs: number }): Promise<number>;
};

type CallsOptions = {
  readonly maxInFlight: number;
  /** The places that one caller may have; those of calls without a caller are not limited. */
  readonly maxInFlightPerCaller: number;
  readonly maxBodyBytesInFlight: number;
  readonly requestTimeoutMs: number;
  /** The time of a stream after its first content, in ms; absent: it has no limit. */
  readonly streamTimeoutMs?: number | undefined;
  /** How long a client may read nothing of a stream that waits for it, in ms. */
  readonly streamIdleTimeoutMs: number;
  readonly log: Log;
};

/** A call under way. */
type UnderWay = { readonly ended: Promise<void>; end(): void };

/** The time that a stream has after its deadline to send its last event to a client that still reads. */
const LINGER_MS = 5_000;

/** The places that admins have besides those of all callers, as a share of these. */
const ADMIN_RESERVE = 1 / 16;

/** Counts the calls under way, and notices when nobody waits for one any more. */
export function createCalls(options: CallsOptions): Calls {
  const underWay = createBag<UnderWay>();
  const memory = createMemoryBudget(options.maxBodyBytesInFlight);
  const { maxInFlight, maxInFlightPerCaller } = options;
  const ofCaller = new Map<string, number>();
  let inFlight = 0;
  let isShuttingDown = false;

  function findRefusal(caller: Caller | undefined): HttpError | undefined {
    if (isShuttingDown) return new CallEndedError('shutting_down');
    const reserve = caller?.role === 'admin' ? Math.ceil(maxInFlight * ADMIN_RESERVE) : 0;
    if (inFlight >= maxInFlight + reserve) return tooManyRequests('MAX_IN_FLIGHT', maxInFlight);
    const held = caller === undefined ? 0 : (ofCaller.get(caller.name) ?? 0);
    return held < maxInFlightPerCaller + reserve
      ? undefined
      : tooManyRequests('MAX_IN_FLIGHT_PER_CALLER', maxInFlightPerCaller);
  }

  function countPlaces(caller: Caller | undefined, places: 1 | -1): void {
    inFlight += places;
    if (caller === undefined) return;
    const held = (ofCaller.get(caller.name) ?? 0) + places;
    if (held === 0) ofCaller.delete(caller.name);
    else ofCaller.set(caller.name, held);
  }

  return {
    open: (requestId, connection) => {
      const call = openCall({ requestId, connection, memory, ...options });
      const remove = underWay.add(call);
      void call.ended.then(remove);
      const takePlace = (caller: Caller | undefined) => {
        const refusal = findRefusal(caller);
        if (refusal !== undefined) throw refusal;
        countPlaces(caller, 1);
        void call.ended.then(() => countPlaces(caller, -1));
      };
      return Object.assign(call.open, { takePlace });
    },
    shutDown: async ({ graceMs, endingMs }) => {
      isShuttingDown = true;
      await allEnded(underWay.all(), graceMs);
      const late = underWay.all();
      for (const { end } of late) end();
      await allEnded(late, endingMs);
      return late.length;
    },
  };
}

type OpenCallOptions = Pick<
  CallsOptions,
  'requestTimeoutMs' | 'streamTimeoutMs' | 'streamIdleTimeoutMs' | 'log'
> & {
  readonly requestId: string;
  readonly connection: Connection | undefined;
  readonly memory: MemoryBudget;
};

function openCall({ requestId, connection, memory, log, ...times }: OpenCallOptions) {
  const startedAt = performance.now();
  const deadline = createDeadline(times.requestTimeoutMs);
  const { signal } = deadline;
  const hold = memory.hold();
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  let lingering: NodeJS.Timeout | undefined;
  function close(): void {
    deadline.clear();
    clearTimeout(lingering);
    hold.release();
    resolve();
  }
  signal.addEventListener('abort', () => {
    lingering = setTimeout(() => {
      connection?.destroy();
      close();
    }, LINGER_MS);
  });
  connection?.onClose((isComplete) => {
    if (!isComplete && !signal.aborted) {
      const totalMs = Math.round(performance.now() - startedAt);
      log('info', 'client-gone', { requestId, status: 499, totalMs });
      deadline.end(new CallEndedError('client_gone'));
    }
    close();
  });
  async function* paced(body: AsyncIterable<Uint8Array>) {
    connection?.limitUnread(times.streamIdleTimeoutMs);
    try {
      for await (const chunk of body) {
        yield chunk;
        // The library writes even if the host does not read: this wait is what bounds the memory.
        await connection?.drained(signal);
      }
    } finally {
      if (connection === undefined) close();
    }
  }
  const open: Omit<OpenCall, 'takePlace'> = {
    signal,
    hold,
    ended,
    beginStream: () => {
      if (!signal.aborted) deadline.renew(times.streamTimeoutMs);
    },
    ...(connection && { header: connection.header }),
    answer: (answer) => {
      const { body } = answer;
      if (typeof body !== 'string' && !(body instanceof Uint8Array)) {
        return { ...answer, body: paced(body) };
      }
      // Its last byte cannot be watched.
      if (connection === undefined) close();
      return answer;
    },
  };
  return { open, ended, end: () => deadline.end(new CallEndedError('shutting_down')) };
}

async function allEnded(calls: Iterable<UnderWay>, timeoutMs: number): Promise<void> {
  const all = Promise.all(Array.from(calls, ({ ended }) => ended));
  await untilAborted(all, AbortSignal.timeout(timeoutMs)).catch(() => undefined);
}

function tooManyRequests(
  setting: 'MAX_IN_FLIGHT' | 'MAX_IN_FLIGHT_PER_CALLER',
  limit: number,
): HttpError {
  const whose = setting === 'MAX_IN_FLIGHT' ? '' : ' of this caller';
  return new HttpError(
    `This instance of the router has ${limit} requests${whose} in flight, the most that ${setting} allows. Send the request again in a second.`,
    {
      status: 429,
      type: 'rate_limit_error',
      code: 'too_many_requests',
      headers: { 'retry-after': '1' },
    },
  );
}
