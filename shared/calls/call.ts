import type { Caller } from '../access/caller.ts';
import type { RequestTrace } from './telemetry.ts';

/** A caller's request, read and admitted. */
export type Call = {
  readonly requestId: string;
  /** `performance.now()` when the request arrived. */
  readonly startedAt: number;
  /** Aborted when the request's time is over, or, with a CallEndedError, when nobody waits for it. */
  readonly signal: AbortSignal;
  /** Absent when the router is open to all. */
  readonly caller?: Caller;
  /** What the caller says it is doing, from `X-USE_CASE`; absent when it says nothing that is a name. */
  readonly useCase?: string;
  readonly header: (name: string) => string | null;
  /** The parsed JSON body; undefined where the route has none. */
  readonly body: unknown;
  /** The deployment that the path names. */
  readonly deployment?: string;
  /** The entry of the registry that the path names. */
  readonly name?: string;
  /** The thread, or the vector store, that the path names. */
  readonly id?: string;
  /** The item of a vector store that the path names. */
  readonly item?: string;
  /** Absent when nobody is told of traces and metrics. */
  readonly trace?: RequestTrace;
  /** A value of the query; null when it is not there. */
  readonly query: (name: string) => string | null;
};
