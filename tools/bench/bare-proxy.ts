// The minimal proxy on Node, as a baseline: it passes on each request and returns its answer.
import { createServer } from 'node:http';
import { Pool } from 'undici';

const [, , upstream = '', port = '0'] = process.argv;
const { origin, pathname } = new URL(upstream);
const pool = new Pool(origin);

createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    // The body is parsed and written again, as by any gateway that inspects requests.
    const body = JSON.stringify(JSON.parse(Buffer.concat(chunks).toString()));
    const headers = { 'content-type': 'application/json', 'api-key': 'key-of-the-simulator' };
    pool.dispatch(
      { method: 'POST', path: pathname, headers, body },
      {
        onRequestStart: () => undefined,
        onResponseStart: (_, status, answered) => {
          response.writeHead(status, { 'content-type': String(answered['content-type']) });
        },
        onResponseData: (_, chunk) => response.write(chunk),
        onResponseEnd: () => response.end(),
        onResponseError: () => response.destroy(),
      },
    );
  });
}).listen(Number(port), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
