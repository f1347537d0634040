import type { AnswerBody } from './answer-body.ts';
import type { Deployment, Operation } from './deployment.ts';

export type UpstreamAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Must be read to its end or destroyed; each chunk as it came from the socket. */
  readonly body: AnswerBody;
};

export type UpstreamRequest = {
  readonly operation: Operation;
  readonly body: string;
  /** The few of the caller's headers that mean something upstream. Never a credential. */
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
};

/** How a deployment fares. */
export type UpstreamState = {
  /** `closed`: it is called; `open`: it is left alone; `half-open`: the next call tries it. */
  readonly circuit: 'closed' | 'open' | 'half-open';
  /** What is left of the pause that it asked for, in ms. */
  readonly resting_ms?: number;
  /** Calls under way, until their answers' bodies have ended. */
  readonly in_flight: number;
  /** Calls that wait for one of those to end. */
  readonly queued: number;
};

/** One deployment, ready to be called. */
export type Upstream = {
  readonly deployment: Deployment;
  /**
   * Resolves when the status and headers are there, whatever the status is.
   * Throws an UpstreamError when no answer came, or the deployment was not asked: 503
   * `circuit_open`, 429 `deployment_resting`, 429 `deployment_busy`, each with `retry-after`. Throws
   * the signal's reason when that is a CallEndedError.
   */
  send(request: UpstreamRequest): Promise<UpstreamAnswer>;
  /**
   * The status of a call without a question: a 400 shows that address, credential and deployment
   * are right, and costs no tokens. It is made however the deployment fares.
   */
  probe(operation: Operation, signal: AbortSignal): Promise<number>;
  state(): UpstreamState;
};

/** Whether it would take a call now. */
export function canBeAsked(upstream: Upstream): boolean {
  const { circuit, resting_ms } = upstream.state();
  return circuit !== 'open' && resting_ms === undefined;
}
