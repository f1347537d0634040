import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { AzureError, invalidRequest } from './azure-error.ts';
import type { ChatFrame } from './chat-frames.ts';
import type { Interruption } from './fault-plan.ts';

/** One request and its response. */
export type Exchange = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  /** A signal that is aborted once the connection is gone; it ends every wait. */
  readonly signal: AbortSignal;
};

type JsonAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object;
  readonly interruption?: Interruption | undefined;
};

type FrameStream = {
  readonly frames: Iterable<ChatFrame>;
  readonly headers: Readonly<Record<string, string>>;
  readonly chunkDelayMs: number;
  /** Wait between the headers and the first event, in milliseconds. */
  readonly silenceMs: number;
  readonly interruption: Interruption | undefined;
};

const MAX_BODY_BYTES = 64 * 1024 * 1024;
// Large bodies are written in slices, so that a slow reader has an effect.
const SLICE_BYTES = 64 * 1024;

export async function readJsonBody({ request }: Exchange): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // A request without an encoding yields buffers only.
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) {
      throw new AzureError('Request body too large', { status: 413, code: '413' });
    }
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw invalidRequest('We could not parse the JSON body of your request.');
  }
}

/** Waits, or gives other work a turn when `delayMs` is 0. Throws when the client leaves. */
export async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  if (delayMs > 0) await setTimeout(delayMs, undefined, { signal });
  else await setImmediate(undefined, { signal });
}

/** Destroys the connection, or keeps it silent until the client leaves. */
export async function breakOff(exchange: Exchange, kind: 'cut' | 'stall'): Promise<void> {
  // After one turn, everything written before is on its way.
  await pause(0, exchange.signal);
  if (kind === 'cut') exchange.request.socket.destroy();
  else await once(exchange.signal, 'abort');
}

/** Answers with JSON, or with half of it when the answer should break off. */
export async function sendJson(exchange: Exchange, answer: JsonAnswer): Promise<void> {
  const { response } = exchange;
  const body = Buffer.from(JSON.stringify(answer.body));
  const interruption = answer.interruption?.kind;
  const isInterrupted = interruption === 'cut' || interruption === 'stall';
  response.writeHead(answer.status, { ...answer.headers, 'content-length': String(body.length) });
  const end = isInterrupted ? Math.ceil(body.length / 2) : body.length;
  for (let start = 0; start < end; start += SLICE_BYTES) {
    await write(exchange, body.subarray(start, Math.min(end, start + SLICE_BYTES)));
  }
  if (isInterrupted) await breakOff(exchange, interruption);
  else response.end();
}

/** Answers with server-sent events, each flushed separately. */
export async function sendFrames(exchange: Exchange, stream: FrameStream): Promise<void> {
  const { response, signal } = exchange;
  response.writeHead(200, stream.headers);
  response.flushHeaders();
  await pause(stream.silenceMs, signal);
  let contentChunks = 0;
  for (const { kind, payload } of stream.frames) {
    const isBreakDue = kind === 'end' || contentChunks === stream.interruption?.afterChunks;
    if (stream.interruption !== undefined && isBreakDue) {
      return breakStream(exchange, stream.interruption);
    }
    await pause(kind === 'content' && contentChunks > 0 ? stream.chunkDelayMs : 0, signal);
    await writeEvent(exchange, JSON.stringify(payload));
    if (kind === 'content') contentChunks += 1;
  }
  await writeEvent(exchange, '[DONE]');
  response.end();
}

async function breakStream(exchange: Exchange, { kind }: Interruption): Promise<void> {
  if (kind !== 'error_event') return breakOff(exchange, kind);
  const error = {
    message: 'The server had an error while processing your request. Sorry about that!',
    type: 'server_error',
    param: null,
    code: 'server_error',
  };
  await writeEvent(exchange, JSON.stringify({ error }));
  exchange.response.end();
}

async function writeEvent(exchange: Exchange, data: string): Promise<void> {
  await write(exchange, `data: ${data}\n\n`);
}

async function write({ response, signal }: Exchange, data: string | Uint8Array): Promise<void> {
  signal.throwIfAborted();
  if (!response.write(data)) await once(response, 'drain', { signal });
}
