import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type ServerResponse,
  request as sendOn,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * How the storage behaves: as it is, accepting and saying nothing, refusing with a 503, answering after
 * so many milliseconds, or answering 200 with something that is no answer.
 */
export type StorageManner = 'usual' | 'silent' | 'refusing' | 'nonsense' | number;

export type StorageProxy = {
  /** The emulator's connection string, by way of the proxy. */
  readonly connectionString: string;
  behave(manner: StorageManner): void;
  close(): Promise<void>;
};

/** Stands between the app and the emulator's tables and blobs, which behave as they are told. */
export async function startStorageProxy(connectionString: string): Promise<StorageProxy> {
  let manner: StorageManner = 'usual';
  const proxies = await Promise.all(
    [...connectionString.matchAll(/http:\/\/127\.0\.0\.1:(\d+)/g)].map(async ([, port]) => {
      const server = createServer((request, response) => {
        if (typeof manner === 'number') setTimeout(pass, manner, Number(port), request, response);
        else if (manner === 'usual') pass(Number(port), request, response);
        else answer(manner, request, response);
      });
      await once(server.listen(0, '127.0.0.1'), 'listening');
      return { port, server, ownPort: (server.address() as AddressInfo).port };
    }),
  );
  return {
    connectionString: proxies.reduce(
      (text, { port, ownPort }) => text.replace(`127.0.0.1:${port}`, `127.0.0.1:${ownPort}`),
      connectionString,
    ),
    behave: (next) => {
      manner = next;
      // What has been silent stays silent, as after a break in the network: connections begin anew.
      if (next !== 'usual') return;
      for (const { server } of proxies) server.closeIdleConnections();
    },
    close: async () => {
      for (const { server } of proxies) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}

function pass(port: number, request: IncomingMessage, response: ServerResponse): void {
  const { method, url, headers } = request;
  const onward = sendOn({ host: '127.0.0.1', port, method, path: url, headers }, (answered) => {
    response.writeHead(answered.statusCode ?? 502, answered.headers);
    answered.pipe(response);
  });
  onward.on('error', () => response.destroy());
  request.pipe(onward);
}

function answer(
  manner: 'silent' | 'refusing' | 'nonsense',
  request: IncomingMessage,
  response: ServerResponse,
): void {
  request.resume();
  if (manner === 'silent') return;
  if (manner === 'refusing') response.writeHead(503, { 'retry-after': '30' }).end();
  else response.writeHead(200, { 'content-type': 'application/json' }).end('{"value":7}');
}
