import type { Usage } from '../chat-format/usage.ts';
import type { DecisionRecord } from '../decisions/decision-record.ts';
import type { ScoringTimes } from '../decisions/scoring-times.ts';
import type { Deployment } from '../upstream/deployment.ts';

/** Traces and metrics. It is loaded only if an exporter is configured; otherwise it is undefined everywhere. */
export type Telemetry = {
  startRequest(request: RequestStart): RequestTrace;
  /** Sends what has not been sent yet. Never throws. */
  flush(): Promise<void>;
};

export type RequestStart = {
  readonly requestId: string;
  readonly method: string;
  /** The path with the names of its parameters, not their values. */
  readonly route: string;
  /** `performance.now()` when the request arrived. */
  readonly startedAt: number;
  /** The trace that the request is part of, in W3C's format. */
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
};

/** A request that is under way. */
export type RequestTrace = {
  startCall(call: CallStart): CallTrace;
  /** Called once for a chat request, when everything about it is known. */
  decided(decision: DecisionRecord, times: ScoringTimes | undefined): void;
  /** Called when the last byte of the answer has gone out. */
  end(status: number): void;
};

export type CallStart = {
  readonly operation: 'chat' | 'embeddings';
  readonly deployment: Deployment;
  /** The body of the call. Its texts are not read. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly threadId?: string | undefined;
};

/** A call to a deployment that is under way. */
export type CallTrace = {
  /** The headers that continue the trace, to send with the call. */
  readonly headers: Readonly<Record<string, string>>;
  /** Called when the first content of a stream arrives. */
  firstChunk(): void;
  /** Only the first end counts. */
  end(end: CallEnd): void;
};

export type CallEnd = {
  readonly status?: number | undefined;
  /** An error code, never a message. */
  readonly error?: string | undefined;
  readonly usage?: Usage | undefined;
  readonly responseId?: string | undefined;
  readonly responseModel?: string | undefined;
  readonly finishReasons?: readonly string[] | undefined;
};
