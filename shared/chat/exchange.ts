import type { HttpError } from '../base/errors.ts';
import type { Call } from '../calls/call.ts';
import type { ChatRequest } from '../chat-format/chat-request.ts';
import type { Usage } from '../chat-format/event-data.ts';
import type { Needs } from '../routing/find-candidates.ts';
import type { RoutingDecision } from '../routing/routing-decision.ts';
import type { Attempt } from './attempts.ts';
import type { Answered } from './keep-stream.ts';
import type { Continued } from './session-facts.ts';

/** A request that was decided on, on its way through. */
export type Exchange = {
  readonly call: Call;
  readonly request: ChatRequest;
  readonly needs: Needs;
  /** The thread that it continues, if it does. */
  readonly continued?: Continued;
  readonly decisionMs: number;
  /** What was decided; with the deployment that answered in the place of the chosen one. */
  decision: RoutingDecision;
  readonly attempts: Attempt[];
  /** Time spent waiting for deployments. */
  upstreamMs: number;
  /** Of a stream: when its first content was there. */
  firstTokenAt?: number;
  /** Its answer is to be compared with the strongest model's. */
  isShadowed?: boolean;
};

export type End = {
  readonly error?: HttpError | undefined;
  /** What was answered took; absent when nothing was. */
  readonly usage?: Usage;
  /** What was answered; asked for only where that is kept. */
  readonly answer?: (() => Answered) | undefined;
};
