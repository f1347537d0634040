import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { PassThrough, type Writable } from 'node:stream';
import { setImmediate, setTimeout } from 'node:timers/promises';
import {
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createGzip,
  gzipSync,
} from 'node:zlib';
import { type CombinedForm, createEventWriter, type Encoding } from './answer-forms.ts';
import { AzureError, invalidRequest } from './azure-error.ts';
import type { ChatFrame } from './chat-frame.ts';
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
  readonly encoding?: Encoding | undefined;
  readonly interruption?: Interruption | undefined;
};

type FrameStream = {
  readonly frames: Iterable<ChatFrame>;
  readonly form: CombinedForm;
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
  const text = Buffer.from(JSON.stringify(answer.body));
  const body = answer.encoding === undefined ? text : ENCODERS[answer.encoding].whole(text);
  const interruption = answer.interruption?.kind;
  const isInterrupted = interruption === 'cut' || interruption === 'stall';
  response.writeHead(answer.status, { ...answer.headers, 'content-length': String(body.length) });
  const end = isInterrupted ? Math.ceil(body.length / 2) : body.length;
  for (let start = 0; start < end; start += SLICE_BYTES) {
    await write(exchange, response, body.subarray(start, Math.min(end, start + SLICE_BYTES)));
  }
  if (isInterrupted) await breakOff(exchange, interruption);
  else response.end();
}

/** Answers with server-sent events, each flushed separately. */
export async function sendFrames(exchange: Exchange, stream: FrameStream): Promise<void> {
  const { response, signal } = exchange;
  const { interruption } = stream;
  response.writeHead(200, stream.headers);
  response.flushHeaders();
  await pause(stream.silenceMs, signal);
  const sink = openSink(exchange, stream.form);
  let contentChunks = 0;
  for (const frame of stream.frames) {
    const isContent = frame.kind === 'content';
    const isEnding = !isContent && frame.kind !== 'start';
    if (interruption && (isEnding || contentChunks === interruption.afterChunks)) {
      return breakStream(exchange, interruption, sink);
    }
    await pause(isContent && contentChunks > 0 ? stream.chunkDelayMs : 0, signal);
    await sink.send(frame);
    if (isContent) contentChunks += 1;
  }
  await sink.end();
}

type Sink = {
  readonly send: (frame: ChatFrame) => Promise<void>;
  readonly end: () => Promise<void>;
};

function openSink(exchange: Exchange, form: CombinedForm): Sink {
  const { response, signal } = exchange;
  const encoder = form.encoding && ENCODERS[form.encoding].stream();
  encoder?.pipe(response);
  const target = encoder ?? response;
  const toText = createEventWriter(form);
  return {
    send: (frame) => write(exchange, target, toText(frame)),
    async end() {
      target.end();
      if (encoder) await once(response, 'finish', { signal });
    },
  };
}

async function breakStream(exchange: Exchange, { kind }: Interruption, sink: Sink): Promise<void> {
  if (kind !== 'error_event') return breakOff(exchange, kind);
  await sink.send(ERROR_FRAME);
  await sink.end();
}

const ERROR_FRAME: ChatFrame = {
  kind: 'done',
  payload: {
    error: {
      message: 'The server had an error while processing your request. Sorry about that!',
      type: 'server_error',
      param: null,
      code: 'server_error',
    },
  },
};

async function write(
  { signal }: Exchange,
  target: Writable,
  data: string | Uint8Array,
): Promise<void> {
  signal.throwIfAborted();
  if (!target.write(data)) await once(target, 'drain', { signal });
}

/** The encoders, of which those for streams send each event on at once. */
const ENCODERS = {
  gzip: {
    whole: (body: Uint8Array) => gzipSync(body),
    stream: () => createGzip({ flush: constants.Z_SYNC_FLUSH }),
  },
  br: {
    whole: (body: Uint8Array) => brotliCompressSync(body),
    stream: () => createBrotliCompress({ flush: constants.BROTLI_OPERATION_FLUSH }),
  },
  identity: { whole: (body: Uint8Array) => body, stream: () => new PassThrough() },
} as const;
