import errors from 'undici/lib/core/errors.js';
import { CallEndedError, UpstreamError } from '../base/errors.ts';
import { BodyGivenUpError } from './answer-body.ts';
import { type CircuitLimits, createCircuit, type Outcome } from './circuit.ts';
import type { Operation } from './deployment.ts';
import { describeFailure } from './describe-failure.ts';
import { createRest } from './rest.ts';
import { createSlots } from './slots.ts';
import type { Upstream, UpstreamAnswer, UpstreamRequest } from './upstream.ts';

/** How many calls a deployment may have, and when it is not called. */
export type UpstreamLimits = CircuitLimits & {
  readonly maxConcurrentCalls: number;
  readonly maxQueuedCalls: number;
};

/** A deployment without slots, rest and circuit. */
export type BareUpstream = Pick<Upstream, 'deployment' | 'probe' | 'send'> & {
  /** Asks something that any model can answer, and returns the status when the answer begins. */
  ask(operation: Operation, signal: AbortSignal): Promise<number>;
};

/** A live deployment refuses a call without a question immediately. */
const PROBE_TIMEOUT_MS = 1_000;
/** A live deployment begins to answer the simplest question within this time, even if it is busy. */
const QUESTION_TIMEOUT_MS = 5_000;

/**
 * Sends to a deployment through its slots, its rest and its circuit, so that one that is slow, busy
 * or down takes neither the time of callers nor the memory of the process.
 */
export function protectUpstream(upstream: BareUpstream, limits: UpstreamLimits): Upstream {
  const { deployment, probe } = upstream;
  const { name } = deployment;
  const rest = createRest(name);
  /** The operation that was called last, since a deployment has only one. */
  let operation: Operation = 'chat/completions';
  const circuit = createCircuit(name, limits, async () => {
    return !isFailure(await upstream.ask(operation, AbortSignal.timeout(QUESTION_TIMEOUT_MS)));
  });
  const slots = createSlots({
    deployment: name,
    maxCalls: limits.maxConcurrentCalls,
    maxQueued: limits.maxQueuedCalls,
  });

  async function call(request: UpstreamRequest, release: () => void): Promise<UpstreamAnswer> {
    const { signal, blame } = request;
    operation = request.operation;
    const entered = await circuit.enter(() => isAlive(upstream, operation));
    const report = blame?.track(entered) ?? entered;
    if (signal.aborted) {
      report('unknown');
      throw signal.reason;
    }
    try {
      const answer = await upstream.send(request);
      const { status, body } = answer;
      rest.observe(answer);
      if (status !== 200) report(isFailure(status) ? 'failed' : 'alive');
      body.watch({
        onByte: () => {
          if (blame === undefined) report('alive');
        },
        onClose: (error) => {
          release();
          // Whether a whole body was an answer, its reader knows.
          if (blame === undefined || error !== undefined) report(outcomeOfEnd(error, signal));
        },
      });
      return answer;
    } catch (error) {
      report(outcomeOfError(error, signal));
      throw error;
    }
  }

  async function send(request: UpstreamRequest): Promise<UpstreamAnswer> {
    let release: (() => void) | undefined;
    try {
      // A call that would be turned away need not wait for a slot first.
      rest.check();
      circuit.check();
      release = await slots.take(request.signal);
      rest.check();
      return await call(request, release);
    } catch (error) {
      release?.();
      throw describeFailure(name, error, request.signal);
    }
  }

  return {
    deployment,
    probe,
    send,
    state: () => {
      const restingMs = rest.leftMs();
      const recent = circuit.recent();
      return {
        circuit: circuit.state(),
        ...((recent.failed > 0 || recent.unclear > 0) && { recent }),
        ...(restingMs !== undefined && { resting_ms: restingMs }),
        in_flight: slots.inFlight,
        queued: slots.queued,
      };
    },
  };
}

async function isAlive({ probe }: BareUpstream, operation: Operation): Promise<boolean> {
  return !isFailure(await probe(operation, AbortSignal.timeout(PROBE_TIMEOUT_MS)));
}

/** A busy deployment (429) rests instead, and one that refuses (400, 401, 403, 422) is alive. */
export function isFailure(status: number): boolean {
  return (status >= 300 && status < 400) || status >= 500 || [404, 408, 410].includes(status);
}

/** The outcome of a call without an answer: unknown if it was ended, or could not even be written. */
function outcomeOfError(error: unknown, signal: AbortSignal): Outcome {
  if (signal.reason instanceof CallEndedError) return 'unknown';
  const cause = error instanceof UpstreamError ? error.cause : undefined;
  return cause instanceof errors.InvalidArgumentError ? 'unknown' : 'failed';
}

/** The outcome of a call whose body ended before its first byte. */
function outcomeOfEnd(error: Error | undefined, signal: AbortSignal): Outcome {
  if (error === undefined) return 'alive';
  // Its reader gave it up.
  if (!signal.aborted && error instanceof BodyGivenUpError) return 'unknown';
  return outcomeOfError(error, signal);
}
