import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';

export type FakeGateway = { readonly url: string; close(): Promise<void> };

/**
 * A fake of API Management as callers see it: its own key in `api-key`, its own body for a 401, and
 * public access to /health. It sends the router `routerKey` and the subscription's id.
 */
export async function startFakeGateway(options: {
  readonly routerUrl: string;
  readonly key: string;
  readonly routerKey: string;
}): Promise<FakeGateway> {
  const server = createServer(async (request, response) => {
    const isOpen = request.url === '/health';
    if (!isOpen && request.headers['api-key'] !== options.key) {
      const message = 'Access denied due to missing subscription key.';
      response.writeHead(401, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ statusCode: 401, message }));
      return;
    }
    const answer = await fetch(options.routerUrl + request.url, {
      method: request.method ?? 'GET',
      headers: {
        'content-type': 'application/json',
        'api-key': options.routerKey,
        'x-front-door-caller': 'smoke-test',
      },
      ...(request.method === 'POST' && { body: await readBody(request) }),
    });
    const headers = Object.fromEntries(
      [...answer.headers].filter(([name]) => name !== 'content-length'),
    );
    response.writeHead(answer.status, headers);
    if (answer.body === null) response.end();
    else Readable.fromWeb(answer.body).pipe(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}
