import type { Caller } from '../access/caller.ts';
import type { MemoryHold } from '../base/memory-budget.ts';
import type { RequestTrace } from './telemetry.ts';

/** A request that has been read and admitted. */
export type Call = {
  readonly requestId: string;
  /** `performance.now()` when the request arrived. */
  readonly startedAt: number;
  /** Aborted when the request's time is over, or with a CallEndedError when nobody waits for the answer. */
  readonly signal: AbortSignal;
  /**
   * Tells that the first content of a stream is there: the time of a stream counts from now on, and no
   * longer that of a request.
   */
  readonly beginStream: () => void;
  /** Counts the memory that the request causes besides its body, until its end. */
  readonly hold: Pick<MemoryHold, 'take'>;
  /** Absent if the router is open to everybody. */
  readonly caller?: Caller;
  /** The use case from `X-USE_CASE`; absent without a valid name. */
  readonly useCase?: string;
  readonly header: (name: string) => string | null;
  /** The parsed JSON body; undefined if the route takes none. */
  readonly body: unknown;
  /** The deployment that the path names. */
  readonly deployment?: string;
  /** The entry of the registry that the path names. */
  readonly name?: string;
  /** The thread, or the vector store, that the path names. */
  readonly id?: string;
  /** The item of a vector store that the path names. */
  readonly item?: string;
  /** Absent if no exporter is configured. */
  readonly trace?: RequestTrace;
  /** Returns a value of the query; null if it is missing. */
  readonly query: (name: string) => string | null;
};
