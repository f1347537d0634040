import type { Usage } from '../chat-format/usage.ts';
import type { DecisionRecord } from '../decisions/decision-record.ts';
import type { ScoringTimes } from '../decisions/scoring-times.ts';
import type { Deployment } from '../upstream/deployment.ts';

/** Traces and metrics. Who listens to none has none of it loaded: everybody takes it as absent. */
export type Telemetry = {
  startRequest(request: RequestStart): RequestTrace;
  /** Sends what has not been sent yet. Never throws. */
  flush(): Promise<void>;
};

export type RequestStart = {
  readonly requestId: string;
  readonly method: string;
  /** With the names of its parameters, not their values. */
  readonly route: string;
  /** `performance.now()` when it arrived. */
  readonly startedAt: number;
  /** The trace that it is part of, as W3C writes it. */
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
};

/** A request that is under way. */
export type RequestTrace = {
  startCall(call: CallStart): CallTrace;
  /** Told once of a chat request, when all is known of it. */
  decided(decision: DecisionRecord, times: ScoringTimes | undefined): void;
  /** Told when the last byte of the answer is out. */
  end(status: number): void;
};

export type CallStart = {
  readonly operation: 'chat' | 'embeddings';
  readonly deployment: Deployment;
  /** What it is asked; no text of it is looked at. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly threadId?: string | undefined;
};

/** A call to a deployment that is under way. */
export type CallTrace = {
  /** What carries the trace on; to be sent with the call. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of a stream: told when its first content is there. */
  firstChunk(): void;
  /** Only the first end counts. */
  end(end: CallEnd): void;
};

export type CallEnd = {
  readonly status?: number | undefined;
  /** A code; never a message. */
  readonly error?: string | undefined;
  readonly usage?: Usage | undefined;
  readonly responseId?: string | undefined;
  readonly responseModel?: string | undefined;
  readonly finishReasons?: readonly string[] | undefined;
};
