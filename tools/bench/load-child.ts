// Sends load in a separate process, one order after another, and reports the results to its parent.
import { Agent, type IncomingMessage, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { p50, p99 } from '../measure/statistics.ts';
import { sendRequests } from '../packages/send-requests.ts';
import type { LoadOrder, LoadResult } from './load-order.ts';

process.on('disconnect', () => process.exit(0));
process.on('message', (order: LoadOrder) => {
  const run = order.isStreamed ? sendStreams : sendPlain;
  void run(order).then(
    (result) => process.send?.(result),
    (error: unknown) => process.send?.({ failed: String(error) }),
  );
});

async function sendPlain(order: LoadOrder): Promise<LoadResult> {
  const startedAt = performance.now();
  const { times, errors } = await sendRequests(order);
  return toResult(times, errors, performance.now() - startedAt);
}

function toResult(times: readonly number[], errors: number, elapsedMs: number): LoadResult {
  return { p50: p50(times), p99: p99(times), answers: times.length, errors, elapsedMs };
}

/** The duration of one simulated stream. */
const STREAM_MS = 260;

/** Measures the time to the first content of each stream. */
async function sendStreams(order: LoadOrder): Promise<LoadResult> {
  const { bodies, connections, seconds } = order;
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const times: number[] = [];
  let errors = 0;
  let sent = 0;
  const startedAt = performance.now();
  const end = startedAt + seconds * 1_000;
  async function work(_: unknown, place: number): Promise<void> {
    // Streams of equal length that begin together would stay in step for the whole run.
    await delay((place * STREAM_MS) / connections);
    while (performance.now() < end) {
      sent += 1;
      const ms = await timeStream(order, bodies[sent % bodies.length] ?? '', agent);
      if (ms === undefined) errors += 1;
      else times.push(ms);
    }
  }
  await Promise.all(Array.from({ length: connections }, work));
  agent.destroy();
  return toResult(times, errors, performance.now() - startedAt);
}

/** Resolves to the time to the first content in ms, or undefined when the stream did not complete. */
function timeStream(
  { url, headers }: LoadOrder,
  body: string,
  agent: Agent,
): Promise<number | undefined> {
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  const from = performance.now();
  const length = { 'content-length': Buffer.byteLength(body) };
  const call = request(url, { method: 'POST', agent, headers: { ...headers, ...length } });
  call.on('error', () => resolve(undefined));
  call.on('response', (answer: IncomingMessage) => {
    let first: number | undefined;
    let isDone = false;
    answer.on('data', (chunk: Buffer) => {
      if (first === undefined && chunk.includes('"content":"p')) first = performance.now() - from;
      isDone ||= chunk.includes('[DONE]');
    });
    answer.on('error', () => resolve(undefined));
    answer.on('end', () => resolve(isDone && answer.statusCode === 200 ? first : undefined));
  });
  call.end(body);
  return promise;
}
