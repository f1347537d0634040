import { type HttpError, toErrorBody, UpstreamError } from '../base/errors.ts';
import {
  errorOfEvent,
  isDone,
  isOfTheRequest,
  isPreamble,
  readUsage,
  type Usage,
  usageOf,
} from '../chat-format/event-data.ts';
import { createSplitter, endOfEvent, type Splitter } from '../chat-format/event-splitter.ts';
import type { Bytes } from '../upstream/answer-body.ts';
import { brokenOff, tooLarge } from '../upstream/read-answer.ts';

/** How long a deployment may keep its connection open behind [DONE]; the client waits for it. */
const CLOSE_AFTER_MS = 100;

type OpenOptions = {
  /** False: the usage chunk, for which only the router asked, is left out. */
  readonly includeUsage: boolean;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  /** Told of each chunk that comes. */
  readonly onByte: () => void;
};

/** How a stream ended. */
export type StreamEnd = {
  /** What ended it early, if something did. */
  readonly error?: HttpError;
  /** What the deployment counted, if it said so. */
  readonly usage?: Usage;
  /** How many events came: about as many as tokens. */
  readonly events: number;
};

/** A stream whose first content is there, or that ended without any. */
export type OpenEvents = {
  /** The deployment ended it with an error of its own before any content. */
  readonly isError: boolean;
  /** The same, and the error does not say that the request is at fault. */
  readonly mayFallBack: boolean;
  /** What the deployment has counted, once it has said so. */
  usage(): Usage | undefined;
  /**
   * All events, those before the first content included. To be read once; never throws. `onEnd` is
   * told once, when the stream has ended.
   */
  pass(onEnd: (end: StreamEnd) => void): AsyncGenerator<Uint8Array>;
  /** Gives the stream up instead. */
  discard(): Promise<void>;
};

/** What has been seen of a stream. */
type Seen = {
  content: boolean;
  done: boolean;
  error: unknown;
  usage: Usage | undefined;
  events: number;
};

/**
 * Reads server-sent events until the first content, so that another deployment can still answer
 * when none comes. Throws an HttpError when the stream breaks before that.
 */
export async function openEvents(body: Bytes, options: OpenOptions): Promise<OpenEvents> {
  const seen: Seen = { content: false, done: false, error: undefined, usage: undefined, events: 0 };
  const splitter = createSplitter();
  const events = readEvents(body, { ...options, splitter, seen });
  const held: Uint8Array[] = [];
  try {
    while (!seen.content && !isOver(seen)) {
      const next = await events.next();
      if (next.done) break;
      held.push(next.value);
    }
  } catch (cause) {
    body.destroy();
    throw asHttpError(cause, options.signal);
  }
  if (!seen.content && !isOver(seen) && !isDone(splitter.rest())) {
    body.destroy();
    throw brokenOff(new Error('The stream ended before [DONE].'), options.signal);
  }
  const isError = seen.error !== undefined && !seen.content;
  return {
    isError,
    mayFallBack: isError && !isOfTheRequest(seen.error),
    usage: () => seen.usage,
    pass: (onEnd) => passEvents(body, { ...options, held, events, splitter, seen, onEnd }),
    discard: async () => {
      body.destroy();
      await events.return(undefined);
    },
  };
}

/**
 * Passes events through as they arrive, byte for byte and whole event by whole event, so that what
 * follows a break is never read as part of a broken event. A stream that does not reach `[DONE]`
 * ends with an error event instead.
 */
async function* passEvents(
  body: Bytes,
  options: OpenOptions & {
    readonly held: readonly Uint8Array[];
    readonly events: AsyncGenerator<Uint8Array>;
    readonly splitter: Splitter;
    readonly seen: Seen;
    readonly onEnd: (end: StreamEnd) => void;
  },
): AsyncGenerator<Uint8Array> {
  const { held, events, splitter, seen, signal, onEnd } = options;
  let failure: unknown = new Error('The stream ended before [DONE].');
  let error: HttpError | undefined;
  try {
    // Together, so that the content is in the first bytes that the client gets.
    if (held.length > 0) yield held.length === 1 && held[0] ? held[0] : Buffer.concat(held);
    try {
      yield* events;
    } catch (cause) {
      failure = cause;
    }
    if (seen.error !== undefined) {
      error = errorInside();
    } else if (!seen.done && isDone(splitter.rest())) {
      yield Buffer.from('data: [DONE]\n\n');
    } else if (!seen.done) {
      error = asHttpError(failure, signal);
      yield Buffer.from(`data: ${JSON.stringify(toErrorBody(error))}\n\n`);
    }
  } finally {
    body.destroy();
    onEnd({
      ...(error && { error }),
      ...(seen.usage && { usage: seen.usage }),
      events: seen.events,
    });
  }
}

function isOver({ done, error }: Seen): boolean {
  return done || error !== undefined;
}

function asHttpError(cause: unknown, signal: AbortSignal): HttpError {
  return cause instanceof UpstreamError ? cause : brokenOff(cause, signal);
}

/** Yields complete events, and notes in `seen` what they were. Throws as the body does. */
async function* readEvents(
  body: Bytes,
  options: OpenOptions & { readonly splitter: Splitter; readonly seen: Seen },
): AsyncGenerator<Uint8Array> {
  const { splitter, seen, includeUsage, maxBytes, onByte } = options;
  let closing: NodeJS.Timeout | undefined;
  let size = 0;
  try {
    for await (const chunk of body) {
      onByte();
      size += chunk.byteLength;
      if (size > maxBytes) throw tooLarge(maxBytes);
      const events = splitter.push(toBuffer(chunk));
      if (events !== undefined) yield* selectEvents(events, includeUsage, seen);
      // Usually the end follows at once, and the connection can be used again.
      if (seen.error !== undefined) return;
      if (seen.done) closing ??= setTimeout(() => body.destroy(), CLOSE_AFTER_MS);
    }
  } finally {
    clearTimeout(closing);
  }
}

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

/** Yields the events in runs as long as possible, without those that the client did not ask for. */
function* selectEvents(events: Buffer, includeUsage: boolean, seen: Seen): Generator<Uint8Array> {
  let runStart = 0;
  let start = 0;
  while (start < events.length) {
    const eventEnd = endOfEvent(events, start);
    const event = events.subarray(start, eventEnd);
    const usage = usageOf(event);
    note(event, usage, seen);
    // Nothing follows an error: a [DONE] behind it would say that all is well.
    if (seen.error !== undefined) {
      yield events.subarray(runStart, eventEnd);
      return;
    }
    if (!includeUsage && usage !== undefined) {
      if (start > runStart) yield events.subarray(runStart, start);
      runStart = eventEnd;
    }
    start = eventEnd;
  }
  if (events.length > runStart) yield events.subarray(runStart);
}

function note(event: Buffer, usage: unknown, seen: Seen): void {
  seen.events += 1;
  seen.error = errorOfEvent(event);
  if (seen.error !== undefined) return;
  if (isDone(event)) seen.done = true;
  else if (usage !== undefined) seen.usage = readUsage(usage);
  else if (!seen.content) seen.content = !isPreamble(event);
}
