import type { AnswerBody } from './answer-body.ts';
import type { Blame } from './blame.ts';
import type { RecentCalls } from './circuit.ts';
import type { Deployment, Operation } from './deployment.ts';
import type { Redact } from './redact-key.ts';

export type UpstreamAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Removes the deployment's own key from what is passed on and is not a model's content. */
  readonly redact: Redact;
  /** Chunks as they came from the socket. The body must be read to its end or destroyed. */
  readonly body: AnswerBody;
};

export type UpstreamRequest = {
  readonly operation: Operation;
  readonly body: string;
  /** The caller's headers that the deployment is sent. Never a credential. */
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /**
   * Is told of the call's failure, and must be told by the caller whether a 200 was an answer. Absent: a
   * failure is the deployment's, and the first byte of a 200 is an answer.
   */
  readonly blame?: Blame;
};

/** Whether a deployment takes calls, and how many it has. */
export type UpstreamState = {
  /** `closed`: it is called; `open`: it is not called; `half-open`: the next call tries it. */
  readonly circuit: 'closed' | 'open' | 'half-open';
  /** The newest calls; absent while none of them has failed. */
  readonly recent?: RecentCalls;
  /** The rest of the pause that it asked for, in ms. */
  readonly resting_ms?: number;
  /** Calls under way, until their answers' bodies have ended. */
  readonly in_flight: number;
  /** Calls that wait for one under way to end. */
  readonly queued: number;
};

/** One deployment, ready to be called. */
export type Upstream = {
  readonly deployment: Deployment;
  /**
   * Resolves when the status and headers have arrived, whatever the status is.
   * Throws an UpstreamError if no answer came, or the deployment was not called: 503
   * `circuit_open`, 429 `deployment_resting`, 429 `deployment_busy`, each with `retry-after`. Throws
   * the signal's reason if that is a CallEndedError.
   */
  send(request: UpstreamRequest): Promise<UpstreamAnswer>;
  /**
   * Returns the status of a call without a question: a 400 shows that address, credential and
   * deployment are right, and costs no tokens. The call is made whatever the deployment's state is.
   */
  probe(operation: Operation, signal: AbortSignal): Promise<number>;
  state(): UpstreamState;
};

/** Returns true if the deployment would be called now. */
export function canBeAsked(upstream: Upstream): boolean {
  const { circuit, resting_ms } = upstream.state();
  return circuit !== 'open' && resting_ms === undefined;
}
