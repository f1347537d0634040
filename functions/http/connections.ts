import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { untilAborted } from '../../shared/base/deadline.ts';

/** The HTTP exchange with the host that carries one call. */
export type Connection = {
  /** The request itself, with an unread body. */
  readonly request: IncomingMessage;
  /** Reads a header of the request itself, which no key of a body or a query can replace. */
  header(name: string): string | null;
  /** The bytes of all headers but those that the host adds: name, colon, blank, value and line end of each. */
  headerBytes(): number;
  /** Calls `listener` once: when the whole answer has gone out, or when the connection closed before that. */
  onClose(listener: (isComplete: boolean) => void): void;
  /** Waits until the host has read everything that was written, or the connection or the signal has ended. */
  drained(signal: AbortSignal): Promise<void>;
  /**
   * Disconnects a host that reads nothing for `timeoutMs` of what waits for it, from now until the answer's
   * last byte.
   */
  limitUnread(timeoutMs: number): void;
  destroy(): void;
};

/** Returns undefined if the host or the library hides the connection. */
export type FindConnection = (invocationId: string) => Connection | undefined;

/** The bytes around the name and the value of a header: colon, blank and line end. */
export const BYTES_AROUND = 4;

const ADDED_BY_HOST = new Set(['x-ms-invocation-id', 'x-forwarded-host', 'x-forwarded-proto']);

/** Far more than a process serves concurrently; it limits the memory that invented ids can take. */
const MAX_CONNECTIONS = 10_000;

/**
 * Watches the requests that the host forwards to this process. The Functions library answers them
 * from its own HTTP server, and tells a handler neither that the client has disconnected nor that a
 * buffer is full. But Node reports each request of every server, and the host adds the call's id to it.
 */
export function watchConnections(): FindConnection {
  // The connection is in an object that can be emptied: a Map's outgrown tables keep deleted values alive.
  const open = new Map<string, { connection?: Connection | undefined }>();
  subscribe('http.server.request.start', (message) => {
    // Node documents these two members of the channel's messages.
    const { request, response } = message as {
      readonly request: IncomingMessage;
      readonly response: ServerResponse;
    };
    // Writing to a client that has disconnected must not end the process.
    response.on('error', () => undefined);
    const id = request.headers['x-ms-invocation-id'];
    // A request that repeats the id of another call does not replace it.
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

/** Creates the connection of a request and its response. */
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
    limitUnread: (timeoutMs) => {
      // The socket's own timer begins anew with each part of a write that is read, however large the write is.
      response.setTimeout(timeoutMs, () => {
        if (response.writableLength > 0) response.destroy();
      });
    },
    destroy: () => response.destroy(),
  };
}

/** `rawHeaders` holds names and values alternately. */
function headerBytesOf(rawHeaders: readonly string[]): number {
  let bytes = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = [rawHeaders[index], rawHeaders[index + 1]];
    if (!ADDED_BY_HOST.has(name)) bytes += name.length + value.length + BYTES_AROUND;
  }
  return bytes;
}
