// The least that a proxy on Node does, to be compared with: passes each request on, and its answer back.
import { createServer } from 'node:http';
import { Pool } from 'undici';

const [, , upstream = '', port = '0'] = process.argv;
const { origin, pathname } = new URL(upstream);
const pool = new Pool(origin);

createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    // What is sent on is read and written once, as any gateway does that looks at it.
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
