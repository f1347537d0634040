import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** How a server ends: load balancers and clients are told first, and what they still send is answered. */
export type Ending = {
  /** Tells the client of an answer, if the end has begun, that the connection ends with it. */
  announce(response: ServerResponse): void;
  /** Ends a connection whose answer has gone out, if nothing more will be answered on it. */
  release(connection: Socket): void;
  /**
   * Begins the end: for `drainMs` requests are answered as before. Then no connection is accepted any
   * more, and the requests under way are ended. A second call cuts the time short.
   */
  begin(server: Server, drainMs: number): Promise<void>;
};

type EndingOptions = {
  /** Lets the router tell load balancers that it takes no more requests. */
  readonly drain: () => void;
  /** Ends the requests under way. Resolves when the process may end. */
  readonly shutDown: () => Promise<void>;
};

export function createEnding({ drain, shutDown }: EndingOptions): Ending {
  let phase: 'serving' | 'draining' | 'closing' = 'serving';
  const hurry = new AbortController();
  return {
    announce: (response) => {
      if (phase !== 'serving') response.setHeader('connection', 'close');
    },
    release: (connection) => {
      if (phase === 'closing') connection.end();
    },
    begin: async (server, drainMs) => {
      if (phase !== 'serving') {
        hurry.abort();
        return;
      }
      phase = 'draining';
      drain();
      await delay(drainMs, undefined, hurry).catch(() => undefined);
      phase = 'closing';
      server.close();
      await shutDown();
      process.exit(0);
    },
  };
}
