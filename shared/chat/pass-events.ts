import { type HttpError, toErrorBody, UpstreamError } from '../base/errors.ts';
import { createSplitter, endOfEvent, type Splitter } from '../chat-format/event-splitter.ts';
import {
  errorOfEvent,
  hasFinishReason,
  hasNoChoices,
  isOfTheRequest,
  isPreamble,
  StreamEvent,
  usageOfEvent,
} from '../chat-format/stream-event.ts';
import { readUsage, type Usage } from '../chat-format/usage.ts';
import type { Bytes } from '../upstream/answer-body.ts';
import { brokenOff, tooLarge } from '../upstream/read-answer.ts';

/** How long a deployment may keep its connection open after [DONE], in ms; the client waits for it. */
const CLOSE_AFTER_MS = 100;

type OpenOptions = {
  /** False: the usage event, for which only the router asked, is left out. */
  readonly includeUsage: boolean;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  /** Called for each chunk that comes. */
  readonly onByte: () => void;
};

/** How a stream ended. */
export type StreamEnd = {
  /** True when it reached [DONE]; false when it broke off, or its reader left. */
  readonly isWhole: boolean;
  /** The error that ended it, if one did. */
  readonly error?: HttpError;
  /** The tokens that the deployment counted, if it said so. */
  readonly usage?: Usage;
  /** The number of events, which is about the number of tokens. */
  readonly events: number;
};

/** Follows a stream while it is passed on. */
export type StreamReader = {
  /** Called for each event of the answer, before it is passed on. */
  readonly onEvent?: ((event: StreamEvent) => void) | undefined;
  /**
   * Called once: before [DONE] is passed on, or when the stream has ended without it. The error that it
   * gives ends the stream instead of [DONE]. It must not throw.
   */
  readonly onEnd: (end: StreamEnd) => HttpError | undefined | Promise<HttpError | undefined>;
};

/** A stream whose first content is there, or that ended without any. */
export type OpenEvents = {
  /** True when the deployment ended it with its own error before any content. */
  readonly isError: boolean;
  /** True for such an error that does not blame the request. */
  readonly mayFallBack: boolean;
  /** All events, those before the first content included. It can be read once, and never throws. */
  pass(reader: StreamReader): AsyncGenerator<Uint8Array>;
  /** Gives the stream up instead. */
  discard(): Promise<void>;
};

/** Whole events, one after another. */
type Run = {
  readonly bytes: Uint8Array;
  /** True for the run that begins with [DONE]. */
  readonly isEnd: boolean;
};

/** What has come of a stream. */
type Seen = {
  content: boolean;
  done: boolean;
  error: unknown;
  usage: Usage | undefined;
  events: number;
  /** The newest events with a `finish_reason`, null or not. */
  last: StreamEvent[];
  /** Called for each event of the answer. */
  onEvent: ((event: StreamEvent) => void) | undefined;
};

/** The events among which the end of an answer stands: some services send annotations after it. */
const LAST_EVENTS = 4;

type Reading = OpenOptions & { readonly splitter: Splitter; readonly seen: Seen };

/**
 * Reads server-sent events until the first content, so that another deployment can still answer
 * when none comes. Throws an HttpError when the stream breaks before that.
 */
export async function openEvents(body: Bytes, options: OpenOptions): Promise<OpenEvents> {
  const opening: StreamEvent[] = [];
  const seen: Seen = {
    content: false,
    done: false,
    error: undefined,
    usage: undefined,
    events: 0,
    last: [],
    onEvent: (event) => opening.push(event),
  };
  const reading = { ...options, splitter: createSplitter(), seen };
  const runs = readRuns(body, reading);
  const held: Run[] = [];
  try {
    while (!seen.content && !isOver(seen)) {
      const next = await runs.next();
      if (next.done) break;
      held.push(next.value);
    }
  } catch (cause) {
    body.destroy();
    throw asHttpError(cause, options.signal);
  }
  if (!seen.content && seen.error === undefined) {
    body.destroy();
    throw brokenOff(new Error('The stream ended without an answer.'), options.signal);
  }
  const isError = seen.error !== undefined && !seen.content;
  return {
    isError,
    mayFallBack: isError && !isOfTheRequest(seen.error),
    pass: (reader) => {
      if (reader.onEvent) opening.forEach(reader.onEvent);
      opening.length = 0;
      seen.onEvent = reader.onEvent;
      return passRuns(body, runs, { ...reading, held: join(held), onEnd: reader.onEnd });
    },
    discard: async () => {
      body.destroy();
      await runs.return(undefined);
    },
  };
}

/** Puts the runs before [DONE] together, so that the content is in the first bytes that the client gets. */
function join(held: readonly Run[]): Run[] {
  const opening = held.filter(({ isEnd }) => !isEnd).map(({ bytes }) => bytes);
  const ending = held.filter(({ isEnd }) => isEnd);
  return opening.length === 0
    ? ending
    : [{ bytes: Buffer.concat(opening), isEnd: false }, ...ending];
}

/**
 * Passes events through as they arrive, byte for byte and whole event by whole event, so that what
 * follows a break is never read as part of a broken event. A stream that does not reach `[DONE]`
 * ends with an error event instead.
 */
async function* passRuns(
  body: Bytes,
  runs: AsyncGenerator<Run>,
  { held, ...reading }: Reading & Pick<StreamReader, 'onEnd'> & { readonly held: Run[] },
): AsyncGenerator<Uint8Array> {
  const { seen, splitter, signal } = reading;
  const ending = createEnding(reading);
  let error: HttpError | undefined;
  try {
    const failure = yield* passToEnd(held, runs, ending);
    if (ending.isTold()) return;
    if (seen.error !== undefined) {
      error = errorInside();
    } else if (isComplete(seen, splitter.rest(), failure)) {
      yield errorEventOf(await ending.tell(true)) ?? Buffer.from('data: [DONE]\n\n');
    } else {
      error = asHttpError(failure ?? new Error('The stream ended before [DONE].'), signal);
      yield errorEventOf(error);
    }
  } finally {
    body.destroy();
    await runs.return(undefined);
    if (!ending.isTold()) await ending.tell(false, error);
  }
}

/** Some deployments leave [DONE] out, or end their connection within it: the answer is there all the same. */
function isComplete({ last }: Seen, rest: Buffer, failure: unknown): boolean {
  return new StreamEvent(rest).isDone || (failure === undefined && last.some(hasFinishReason));
}

/** Returns what broke the stream off; undefined when it ended by itself. */
async function* passToEnd(
  held: Run[],
  runs: AsyncGenerator<Run>,
  ending: Ending,
): AsyncGenerator<Uint8Array, unknown> {
  try {
    for (;;) {
      const run = held.shift() ?? (await runs.next()).value;
      if (run === undefined) return undefined;
      const unsettled = run.isEnd ? await ending.tell(true) : undefined;
      yield errorEventOf(unsettled) ?? run.bytes;
      if (unsettled !== undefined) return undefined;
    }
  } catch (cause) {
    return cause;
  }
}

type Ending = {
  readonly isTold: () => boolean;
  readonly tell: (isWhole: boolean, error?: HttpError) => ReturnType<StreamReader['onEnd']>;
};

function createEnding({ seen, onEnd }: Reading & Pick<StreamReader, 'onEnd'>): Ending {
  let isTold = false;
  return {
    isTold: () => isTold,
    tell: (isWhole, error) => {
      isTold = true;
      const { usage, events } = seen;
      return onEnd({ isWhole, ...(error && { error }), ...(usage && { usage }), events });
    },
  };
}

function errorEventOf(error: HttpError): Buffer;
function errorEventOf(error: HttpError | undefined): Buffer | undefined;
function errorEventOf(error: HttpError | undefined): Buffer | undefined {
  return error && Buffer.from(`data: ${JSON.stringify(toErrorBody(error))}\n\n`);
}

function isOver({ done, error }: Seen): boolean {
  return done || error !== undefined;
}

function asHttpError(cause: unknown, signal: AbortSignal): HttpError {
  return cause instanceof UpstreamError ? cause : brokenOff(cause, signal);
}

/** Yields complete events, and notes in `seen` what they were. Throws as the body does. */
async function* readRuns(body: Bytes, reading: Reading): AsyncGenerator<Run> {
  const { splitter, seen, includeUsage, maxBytes, onByte } = reading;
  let closing: NodeJS.Timeout | undefined;
  let size = 0;
  try {
    for await (const chunk of body) {
      onByte();
      size += chunk.byteLength;
      if (size > maxBytes) throw tooLarge(maxBytes);
      const events = splitter.push(toBuffer(chunk));
      if (events !== undefined) yield* selectRuns(events, includeUsage, seen);
      // Usually the end follows immediately, and the connection can be used again.
      if (seen.error !== undefined) return;
      if (seen.done) closing ??= setTimeout(() => body.destroy(), CLOSE_AFTER_MS);
    }
    // The blank line of the last event may be missing where the event itself is whole.
    const rest = splitter.rest();
    if (new StreamEvent(rest).data !== undefined) {
      yield* selectRuns(Buffer.concat([rest, Buffer.from('\n\n')]), includeUsage, seen);
    }
  } finally {
    clearTimeout(closing);
  }
}

/** The error's own text is not repeated: the client has the deployment's event. */
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
function* selectRuns(events: Buffer, includeUsage: boolean, seen: Seen): Generator<Run> {
  let isEnd = false;
  let runStart = 0;
  for (let start = 0; start < events.length; ) {
    const end = endOfEvent(events, start);
    const kind = note(new StreamEvent(events.subarray(start, end)), seen);
    const next = nextRunStart(kind, { start, end, includeUsage });
    if (next !== undefined) {
      // Content that comes together with [DONE] does not wait until the answer is kept.
      if (start > runStart) yield { bytes: events.subarray(runStart, start), isEnd };
      isEnd = kind === 'done';
      runStart = next;
    }
    // Nothing follows an error: a [DONE] after it would say that all is well.
    if (kind === 'error') {
      yield { bytes: events.subarray(runStart, end), isEnd };
      return;
    }
    start = end;
  }
  if (events.length > runStart) yield { bytes: events.subarray(runStart), isEnd };
}

type Kind = 'error' | 'done' | 'usage' | 'other';

/** Undefined for an event that is passed on together with those before it. */
function nextRunStart(
  kind: Kind,
  at: { readonly start: number; readonly end: number; readonly includeUsage: boolean },
): number | undefined {
  if (kind === 'done') return at.start;
  return kind === 'usage' && !at.includeUsage ? at.end : undefined;
}

/** Notes what an event says. */
function note(event: StreamEvent, seen: Seen): Kind {
  seen.events += 1;
  seen.error = errorOfEvent(event);
  if (seen.error !== undefined) return 'error';
  if (event.isDone) {
    seen.done = true;
    return 'done';
  }
  const usage = usageOfEvent(event);
  if (usage !== undefined) seen.usage = readUsage(usage);
  const isUsage = usage !== undefined && hasNoChoices(event);
  if (!seen.content && !isUsage) seen.content = !isPreamble(event);
  if (event.bytes.includes('"finish_reason"')) keepLast(seen, event);
  seen.onEvent?.(event);
  return isUsage ? 'usage' : 'other';
}

function keepLast({ last }: Seen, event: StreamEvent): void {
  last.push(event);
  if (last.length > LAST_EVENTS) last.shift();
}
