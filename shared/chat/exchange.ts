import type { HttpError } from '../base/errors.ts';
import type { Answered } from '../chat-format/collect-answer.ts';
import type { Usage } from '../chat-format/usage.ts';
import type { RoutingDecision } from '../routing/routing-decision.ts';
import type { Attempt } from './attempts.ts';
import type { Decided } from './decide.ts';

/** A request that deployments have been asked, with what that took. */
export type Exchange = Decided & {
  /** The decision, with the deployment that was asked last. */
  readonly decision: RoutingDecision;
  /** The time that the decision took, in ms. */
  readonly decisionMs: number;
  readonly attempts: readonly Attempt[];
  /** The time spent waiting for deployments, in ms. */
  readonly upstreamMs: number;
  /** When the first content of a stream came, as `performance.now()` tells; absent for other answers. */
  readonly firstTokenAt?: number;
};

/** How a request ended. */
export type Ending = {
  readonly status: number;
  readonly error?: HttpError | undefined;
  /** The tokens of the answer; absent when there was none. */
  readonly usage?: Usage;
  /** The answer, put together where it is kept; absent when there was none. */
  readonly answer?: (() => Answered) | undefined;
  /** False when there was no answer, or it broke off. */
  readonly isWhole: boolean;
  /** True when the answer is compared with the strongest model's. */
  readonly isShadowed: boolean;
};
