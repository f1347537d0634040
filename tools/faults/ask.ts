import { type Agent, type IncomingMessage, request } from 'node:http';
import type { Received } from './check-answer.ts';
import type { Manner, Question } from './question.ts';

/** Longer than every time limit of the app in these runs: a request still waiting then is lost. */
const PATIENCE_MS = 30_000;

/** Sends a question and reads the answer, as the question's client does. Never rejects. */
export function ask(agent: Agent, origin: string, question: Question): Promise<Received> {
  const { promise, resolve } = Promise.withResolvers<Received>();
  const startedAt = performance.now();
  const chunks: Buffer[] = [];
  let answer: IncomingMessage | undefined;
  const outgoing = request(origin + question.path, {
    agent,
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(question.body),
      'x-ms-client-request-id': question.id,
      ...question.headers,
    },
  });
  const timers = [setTimeout(() => end('timed out'), PATIENCE_MS)];
  const { manner } = question;
  if (manner.kind === 'leaves') timers.push(setTimeout(() => end('left'), manner.afterMs));

  function end(how: Received['end']): void {
    for (const timer of timers) clearTimeout(timer);
    if (how !== 'complete') outgoing.destroy();
    resolve({
      end: how,
      status: answer?.statusCode ?? 0,
      headers: flatten(answer),
      body: Buffer.concat(chunks).toString('utf8'),
      ms: performance.now() - startedAt,
    });
  }

  outgoing.on('error', () => end('broke off'));
  outgoing.on('response', (response) => {
    answer = response;
    response.on('error', () => undefined);
    response.on('close', () => end(response.complete ? 'complete' : 'broke off'));
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      rest(response, manner);
    });
  });
  outgoing.end(question.body);
  return promise;
}

/** Pauses a slow reader for a while, so that the sender meets back-pressure. */
function rest(response: IncomingMessage, manner: Manner): void {
  if (manner.kind !== 'slow') return;
  response.pause();
  setTimeout(() => response.resume(), manner.pauseMs);
}

function flatten(answer: IncomingMessage | undefined): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, values] of Object.entries(answer?.headersDistinct ?? {})) {
    headers[name] = values?.join(', ') ?? '';
  }
  return headers;
}
