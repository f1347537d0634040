import { toErrorBody, UpstreamError } from '../errors.ts';
import { brokenOff, tooLarge } from '../upstream/read-answer.ts';
import type { UpstreamAnswer } from '../upstream/upstream.ts';

/** How long a deployment may keep its connection open behind [DONE]; the client waits for it. */
const CLOSE_AFTER_MS = 100;

const LF = 10;
const CR = 13;

type PassEventsOptions = {
  /** False: the usage chunk, for which only the router asked, is left out. */
  readonly includeUsage: boolean;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  /** Told once, when the stream has ended; with the error that ended it early, if one did. */
  readonly onEnd: (error?: UpstreamError) => void;
};

/**
 * Passes server-sent events through as they arrive, byte for byte and whole event by whole event,
 * so that what follows a break is never read as part of a broken event. A stream that does not
 * reach `[DONE]` ends with an error event instead. Never throws.
 */
export async function* passEvents(
  body: UpstreamAnswer['body'],
  options: PassEventsOptions,
): AsyncGenerator<Uint8Array> {
  const end: StreamEnd = { reached: false, isError: false };
  const splitter = createSplitter();
  let failure: unknown = new Error('The stream ended before [DONE].');
  let error: UpstreamError | undefined;
  try {
    try {
      yield* readEvents(body, { ...options, splitter, end });
    } catch (cause) {
      failure = cause;
    }
    if (end.reached) {
      if (end.isError) error = errorInside();
    } else if (isDone(splitter.rest())) {
      yield Buffer.from('data: [DONE]\n\n');
    } else {
      error = failure instanceof UpstreamError ? failure : brokenOff(failure, options.signal);
      yield Buffer.from(`data: ${JSON.stringify(toErrorBody(error))}\n\n`);
    }
  } finally {
    body.destroy();
    options.onEnd(error);
  }
}

/** Yields complete events, and notes in `end` when the last one has come. Throws as the body does. */
async function* readEvents(
  body: UpstreamAnswer['body'],
  options: PassEventsOptions & { readonly splitter: Splitter; readonly end: StreamEnd },
): AsyncGenerator<Uint8Array> {
  const { splitter, end, includeUsage, maxBytes } = options;
  let closing: NodeJS.Timeout | undefined;
  let size = 0;
  try {
    for await (const chunk of body) {
      size += chunk.byteLength;
      if (size > maxBytes) throw tooLarge(maxBytes);
      const events = splitter.push(toBuffer(chunk));
      if (events !== undefined) yield* selectEvents(events, includeUsage, end);
      // Usually the end follows at once, and the connection can be used again.
      if (end.reached) closing ??= setTimeout(() => body.destroy(), CLOSE_AFTER_MS);
    }
  } finally {
    clearTimeout(closing);
  }
}

/** `isError`: it was not [DONE] that was reached, but an error of the deployment's. */
type StreamEnd = { reached: boolean; isError: boolean };

/** Not sent: the client has the deployment's own. */
function errorInside(): UpstreamError {
  return new UpstreamError('The deployment ended its stream with an error.', {
    status: 502,
    code: 'upstream_error_event',
  });
}

function toBuffer(chunk: Uint8Array): Buffer {
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

type Splitter = {
  /** The events that this chunk completes, if it completes any. */
  push(chunk: Buffer): Buffer | undefined;
  /** What is left of an event that is not complete. */
  rest(): Buffer;
};

/** Looks at each byte once, so that one event in very many chunks takes no quadratic time. */
function createSplitter(): Splitter {
  let held: Buffer[] = [];
  /** The last bytes held: the blank line may come in two chunks. */
  let tail: Buffer = Buffer.alloc(0);
  return {
    push: (chunk) => {
      const seam = tail.length === 0 ? chunk : Buffer.concat([tail, chunk]);
      const complete = endOfEvents(seam);
      if (complete === 0) {
        held.push(chunk);
        tail = seam.subarray(-3);
        return undefined;
      }
      const rest = seam.subarray(complete);
      const head = chunk.subarray(0, chunk.length - rest.length);
      const events = held.length === 0 ? head : Buffer.concat([...held, head]);
      held = rest.length === 0 ? [] : [rest];
      tail = rest.subarray(-3);
      return events;
    },
    rest: () => Buffer.concat(held),
  };
}

/** Where the last complete event ends: behind its blank line, with LF or CRLF. */
function endOfEvents(bytes: Buffer): number {
  const lf = bytes.lastIndexOf('\n\n');
  const crlf = bytes.lastIndexOf('\r\n\r\n');
  return Math.max(lf === -1 ? 0 : lf + 2, crlf === -1 ? 0 : crlf + 4);
}

/** Yields the events in runs as long as possible, without those that the client did not ask for. */
function* selectEvents(
  events: Buffer,
  includeUsage: boolean,
  end: StreamEnd,
): Generator<Uint8Array> {
  let runStart = 0;
  let start = 0;
  while (start < events.length) {
    const eventEnd = endOfEvent(events, start);
    const event = events.subarray(start, eventEnd);
    if (isDone(event)) end.reached = true;
    if (isError(event)) {
      end.reached = true;
      end.isError = true;
    }
    if (!includeUsage && isUsageChunk(event)) {
      if (start > runStart) yield events.subarray(runStart, start);
      runStart = eventEnd;
    }
    start = eventEnd;
  }
  if (events.length > runStart) yield events.subarray(runStart);
}

/** Line by line: a search for each kind of blank line would look through all that follows. */
function endOfEvent(events: Buffer, start: number): number {
  for (let at = events.indexOf('\n', start); at !== -1; at = events.indexOf('\n', at + 1)) {
    if (events[at + 1] === LF) return at + 2;
    if (events[at - 1] === CR && events[at + 1] === CR && events[at + 2] === LF) return at + 3;
  }
  return events.length;
}

function isDone(event: Buffer): boolean {
  return event.length < 64 && /(?:^|\n)data: ?\[DONE\]\s*$/.test(event.toString('latin1'));
}

/** An error inside a stream ends it: Azure OpenAI sends no [DONE] behind one. */
function isError(event: Buffer): boolean {
  return event.includes('"error"') && parseData(event).error != null;
}

/** `choices: []` with a usage object. Looks closer only at the few events that can be it. */
function isUsageChunk(event: Buffer): boolean {
  if (!event.includes('"usage"')) return false;
  const { choices, usage } = parseData(event);
  return Array.isArray(choices) && choices.length === 0 && usage != null;
}

type Data = { readonly choices?: unknown; readonly usage?: unknown; readonly error?: unknown };

/** What an event's line of data says; nothing when that is no JSON object. */
function parseData(event: Buffer): Data {
  const data = /(?:^|\n)data: ?([^\r\n]*)/.exec(event.toString('utf8'))?.[1] ?? '';
  try {
    const parsed: unknown = JSON.parse(data);
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}
