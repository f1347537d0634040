import type { Socket } from 'node:net';
import type { buildConnector, Client as ClientType, Dispatcher } from 'undici';
import Client from 'undici/lib/dispatcher/client.js';

/** A request on its way through a pool. */
export type SentRequest = Dispatcher.DispatchOptions & {
  /** The connection of the pool that the request was given to. */
  client?: ConnectionClient;
};

/** The options with which a pool creates a client: its connector is always a function. */
type PoolOptions = Omit<ClientType.Options, 'connect'> & {
  readonly connect: buildConnector.connector;
};

/** One connection of a pool, which requests can ask about and be sent to again. */
export class ConnectionClient extends Client {
  readonly #newest: { socket?: Socket | null };

  constructor(origin: URL, options: PoolOptions) {
    const newest: { socket?: Socket | null } = {};
    super(origin, {
      ...options,
      connect: (target, callback) =>
        options.connect(target, (...result) => {
          newest.socket = result[1];
          callback(...result);
        }),
    });
    this.#newest = newest;
  }

  /** The newest connection; undefined before the first. */
  get socket(): Socket | undefined {
    return this.#newest.socket ?? undefined;
  }

  override dispatch(request: SentRequest, handler: Dispatcher.DispatchHandler): boolean {
    request.client = this;
    return super.dispatch(request, handler);
  }
}
