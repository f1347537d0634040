import type { Readable } from 'node:stream';
import type { Connection } from './connections.ts';

/** A request as a host hands it over. Nothing in it can be trusted yet. */
export type HostRequest = {
  /** The UUID that the host gave the request. */
  readonly id: string;
  readonly method: string;
  /** The headers as the host gives them. In Azure a key of the body or of the query can replace them. */
  readonly headers: Iterable<[name: string, value: string]> & {
    get(name: string): string | null;
  };
  readonly query: { keys(): Iterable<string>; get(name: string): string | null };
  /** The values of the path's parameters, possibly with others. */
  readonly params: Readonly<Record<string, string | undefined>>;
  /** The unread body. */
  readonly body: Readable | undefined;
  /** Undefined if the host hides the connection. */
  readonly connection: Connection | undefined;
  /** The W3C trace context, with `tracestate`. */
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
};
