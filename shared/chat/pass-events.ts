import { dataEvent } from '../base/answer.ts';
import { CallEndedError, HttpError, toErrorBody, UpstreamError } from '../base/errors.ts';
import { createSplitter } from '../chat-format/event-splitter.ts';
import {
  hasFinishReason,
  isOfTheRequest,
  isTooLong,
  StreamEvent,
} from '../chat-format/stream-event.ts';
import type { Usage } from '../chat-format/usage.ts';
import type { Bytes } from '../upstream/answer-body.ts';
import { brokenOff } from '../upstream/read-answer.ts';
import { type OpenOptions, type Reading, type Run, readRuns, type Seen } from './read-runs.ts';

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
    mayFallBack: isError && (!isOfTheRequest(seen.error) || isTooLong(seen.error)),
    pass: (reader) => passRuns(body, runs, { ...reading, ...reader, opening, held: join(held) }),
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
  { held, opening, onEvent, ...reading }: Passing,
): AsyncGenerator<Uint8Array> {
  const { seen, splitter, signal } = reading;
  const ending = createEnding(reading);
  let error: HttpError | undefined;
  seen.onEvent = onEvent;
  try {
    // The reader may refuse an event: that ends the stream as a break does.
    const failure = tellOpening(opening, onEvent) ?? (yield* passToEnd(held, runs, ending));
    if (ending.isTold()) return;
    if (seen.error !== undefined) {
      error = errorInside();
    } else if (isComplete(seen, splitter.rest(), failure)) {
      yield errorEventOf(await ending.tell(true)) ?? Buffer.from('data: [DONE]\n\n');
    } else {
      const cause = failure ?? new Error('The stream ended before [DONE].');
      // Since the first content, only the time of a stream counts.
      error = asHttpError(cause, signal, 'STREAM_TIMEOUT_MS');
      yield errorEventOf(error);
    }
  } finally {
    body.destroy();
    await runs.return(undefined);
    if (!ending.isTold()) await ending.tell(false, error);
  }
}

type Passing = Reading &
  StreamReader & {
    /** The events before the first content, which the reader has not been told of. */
    readonly opening: readonly StreamEvent[];
    readonly held: Run[];
  };

/** Returns what the reader throws. */
function tellOpening(events: readonly StreamEvent[], onEvent: StreamReader['onEvent']): unknown {
  try {
    if (onEvent) events.forEach(onEvent);
    return undefined;
  } catch (cause) {
    return cause;
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
      // Some gateways say twice that it is done.
      if (run === undefined || (run.isEnd && ending.isTold())) return undefined;
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
  return error && dataEvent(toErrorBody(error));
}

function isOver({ done, error }: Seen): boolean {
  return done || error !== undefined;
}

function asHttpError(cause: unknown, signal: AbortSignal, limit?: string): HttpError {
  // What is read of a call that has ended fails for that reason.
  if (signal.reason instanceof CallEndedError) return signal.reason;
  return cause instanceof HttpError ? cause : brokenOff(cause, signal, limit);
}

/** The error's own text is not repeated: the client has the deployment's event. */
function errorInside(): UpstreamError {
  return new UpstreamError('The deployment ended its stream with an error.', {
    status: 502,
    code: 'upstream_error_event',
  });
}
