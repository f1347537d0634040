import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { untilAborted } from '../../shared/base/deadline.ts';

/** The exchange with the host that carries one call. */
export type Connection = {
  /** The request itself, whose body nobody has read. */
  readonly request: IncomingMessage;
  /** A header of the request itself, which no key of a body or a query can replace. */
  header(name: string): string | null;
  /** Of all headers of the request, but for those that the host adds: name, colon, blank, value, line end. */
  headerBytes(): number;
  /** Tells once that the answer has gone out whole, or that the connection closed before. */
  onClose(listener: (isComplete: boolean) => void): void;
  /** Waits until the host has taken what was written, or the connection or the signal has ended. */
  drained(signal: AbortSignal): Promise<void>;
  destroy(): void;
};

/** Undefined: the host, or the library, does not let this one be seen. */
export type FindConnection = (invocationId: string) => Connection | undefined;

/** Each of its own line: what its name and its value have around them. */
export const BYTES_AROUND = 4;

const ADDED_BY_HOST = new Set(['x-ms-invocation-id', 'x-forwarded-host', 'x-forwarded-proto']);

/** Far more than a process serves at once: what makes up ids to fill it finds an end. */
const MAX_CONNECTIONS = 10_000;

/**
 * Watches the requests that the host forwards to this process. The Functions library answers them
 * from an HTTP server of its own, and hands a handler neither the client's leaving nor a full
 * buffer; but Node tells of each request of every server, and the host has put the call's id on it.
 */
export function watchConnections(): FindConnection {
  // Held in the hand, to be let go of: what a Map has forgotten lives on with its outgrown tables.
  const open = new Map<string, { connection?: Connection | undefined }>();
  subscribe('http.server.request.start', (message) => {
    // Node's documentation of the channel has these two.
    const { request, response } = message as {
      readonly request: IncomingMessage;
      readonly response: ServerResponse;
    };
    // Writing to a client that has left must not end the process.
    response.on('error', () => undefined);
    const id = request.headers['x-ms-invocation-id'];
    // Who repeats the id of another's call does not take its place.
    if (typeof id !== 'string' || open.has(id) || open.size >= MAX_CONNECTIONS) return;
    const held: { connection?: Connection | undefined } = {
      connection: createConnection(request, response),
    };
    open.set(id, held);
    response.once('close', () => {
      held.connection = undefined;
      open.delete(id);
    });
  });
  return (invocationId) => open.get(invocationId)?.connection;
}

/** Of a request and its answer. */
export function createConnection(request: IncomingMessage, response: ServerResponse): Connection {
  return {
    request,
    header: (name) => {
      const value = request.headers[name.toLowerCase()];
      return Array.isArray(value) ? value.join(', ') : (value ?? null);
    },
    headerBytes: () => headerBytesOf(request.rawHeaders),
    onClose: (listener) => {
      response.once('close', () => listener(response.writableFinished));
    },
    drained: async (signal) => {
      if (!response.writableNeedDrain || signal.aborted) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      response.once('drain', resolve).once('close', resolve);
      await untilAborted(promise, signal).catch(() => undefined);
      response.off('drain', resolve).off('close', resolve);
    },
    destroy: () => response.destroy(),
  };
}

/** Names and values in turn. */
function headerBytesOf(rawHeaders: readonly string[]): number {
  let bytes = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = [rawHeaders[index], rawHeaders[index + 1]];
    if (!ADDED_BY_HOST.has(name)) bytes += name.length + value.length + BYTES_AROUND;
  }
  return bytes;
}
