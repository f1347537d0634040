import type { Readable } from 'node:stream';
import type { Connection } from './connections.ts';

/** A request as a host hands it over; nothing of it is to be trusted yet. */
export type HostRequest = {
  /** A UUID that the host gave it. */
  readonly id: string;
  readonly method: string;
  /** As the host gives them, which in Azure a key of the body or of the query can replace. */
  readonly headers: Iterable<[name: string, value: string]> & {
    get(name: string): string | null;
  };
  readonly query: { keys(): Iterable<string>; get(name: string): string | null };
  /** Values of the path; others may be among them. */
  readonly params: Readonly<Record<string, string | undefined>>;
  /** Nothing of it has been read. */
  readonly body: Readable | undefined;
  /** Undefined: what carries the request is not to be seen. */
  readonly connection: Connection | undefined;
  /** W3C trace context. */
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
};
