import type { ChatCompletionChunk, ChatCompletionStream } from './chat-completion.ts';
import {
  createForeignAnswerError,
  findStreamError,
  parseJson,
  RouterConnectionError,
} from './errors.ts';
import { readRequestId, readRoutingFacts } from './routing-facts.ts';
import type { CallClock } from './transport.ts';

type StreamOptions = {
  readonly response: Response;
  readonly clock: CallClock;
  /** The longest gap between bytes, in milliseconds. */
  readonly timeoutMs: number;
};

/**
 * The body's end follows `[DONE]` immediately; reading it keeps the connection for the next call.
 */
const DRAIN_LIMIT_MS = 100;

export function createChatCompletionStream(options: StreamOptions): ChatCompletionStream {
  const { response, clock } = options;
  // The limit does not include the caller's time until the first read.
  clock.stop();
  const contentType = response.headers.get('content-type') ?? '';
  if (response.body === null || !contentType.startsWith('text/event-stream')) {
    clock.close();
    void response.body?.cancel().catch(() => undefined);
    throw createForeignAnswerError(response, 'a stream of events');
  }
  const reader = response.body.getReader();
  const cancel = async () => {
    clock.close();
    // A body that has failed has already thrown its reason to its reader.
    await reader.cancel().catch(() => undefined);
  };
  let isTaken = false;
  return {
    routing: readRoutingFacts(response.headers),
    cancel,
    [Symbol.asyncIterator]: () => {
      if (isTaken)
        throw new TypeError('A stream can be read only once: keep the chunks that you need.');
      isTaken = true;
      return readChunks(reader, options, cancel);
    },
  };
}

async function* readChunks(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  options: StreamOptions,
  cancel: () => Promise<void>,
): AsyncGenerator<ChatCompletionChunk, undefined> {
  const parser = createEventParser();
  try {
    for (;;) {
      const bytes = await readBytes(reader, options);
      for (const data of bytes === undefined ? parser.end() : parser.push(bytes)) {
        if (data === '[DONE]') return await drain(reader, options.clock);
        yield parseChunk(data, options.response);
      }
      if (bytes === undefined) throw createIncompleteError(options.response);
    }
  } finally {
    await cancel();
  }
}

/** Reads the next bytes; undefined at the end of the body. */
async function readBytes(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  { response, clock, timeoutMs }: StreamOptions,
): Promise<Uint8Array | undefined> {
  clock.start(
    timeoutMs,
    `The stream sent nothing for ${timeoutMs} ms, so the answer is incomplete: ask again, or raise timeoutMs.`,
  );
  try {
    const { value } = await clock.wait(reader.read());
    return value;
  } catch (cause) {
    clock.signal.throwIfAborted();
    throw createIncompleteError(response, cause);
  } finally {
    // The caller's time between chunks does not count as the router's.
    clock.stop();
  }
}

async function drain(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  clock: CallClock,
): Promise<undefined> {
  clock.start(DRAIN_LIMIT_MS, 'The body did not end after the answer.');
  try {
    while (!(await clock.wait(reader.read())).done);
  } catch {
    // The answer is complete, whatever happens to the connection.
  }
}

function parseChunk(data: string, response: Response): ChatCompletionChunk {
  const event = parseJson(data);
  const error = findStreamError(event, response);
  if (error !== undefined) throw error;
  if (typeof event !== 'object' || event === null) {
    throw createForeignAnswerError(response, 'a stream of JSON events');
  }
  // The router passes on the chunks of the service unchanged; this is their type.
  return event as ChatCompletionChunk;
}

function createIncompleteError(response: Response, cause?: unknown): RouterConnectionError {
  return new RouterConnectionError(
    'The stream ended before [DONE], so the answer is incomplete: ask again.',
    { requestId: readRequestId(response.headers), cause },
  );
}

/** Parses server-sent events, of which only the data is used (WHATWG HTML 9.2.6). */
function createEventParser() {
  const decoder = new TextDecoder();
  let rest = '';
  let data: string[] = [];

  function takeLine(line: string): string | undefined {
    if (line === '') {
      const event = data.join('\n');
      data = [];
      return event === '' ? undefined : event;
    }
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === 'data') data.push(value);
    return undefined;
  }

  function takeText(text: string): string[] {
    // A carriage return at the very end may be the first half of a CRLF.
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    return lines.map(takeLine).filter((event) => event !== undefined);
  }

  return {
    /** Returns the data of each event that these bytes complete. */
    push: (bytes: Uint8Array) => takeText(decoder.decode(bytes, { stream: true })),
    /** Returns the data of a last event without its closing blank line, as some servers send it. */
    end: () => takeText(`${decoder.decode()}\n\n`),
  };
}
