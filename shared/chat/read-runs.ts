import { endOfEvent, type Splitter } from '../chat-format/event-splitter.ts';
import {
  errorOfEvent,
  hasChoices,
  hasNoChoices,
  isPreamble,
  StreamEvent,
  usageOfEvent,
} from '../chat-format/stream-event.ts';
import { readUsage, type Usage } from '../chat-format/usage.ts';
import type { Bytes } from '../upstream/answer-body.ts';
import { limitSilence } from '../upstream/limit-silence.ts';
import { tooLarge } from '../upstream/read-answer.ts';
import type { Redact } from '../upstream/redact-key.ts';

/** How long a deployment may keep its connection open after [DONE], in ms; the client waits for it. */
const CLOSE_AFTER_MS = 100;

export type OpenOptions = {
  /** False: the usage event, for which only the router asked, is left out. */
  readonly includeUsage: boolean;
  readonly maxBytes: number;
  /** How long the next chunk is waited for once there is content, in ms; undefined: there is no limit. */
  readonly idleMs?: number | undefined;
  /** Removes the deployment's own key from events that are not the model's words; absent: it has none. */
  readonly redact?: Redact;
  readonly signal: AbortSignal;
  /** Called for each chunk that comes. */
  readonly onByte: () => void;
};

/** Whole events, one after another. */
export type Run = {
  readonly bytes: Uint8Array;
  /** True for the run that begins with [DONE]. */
  readonly isEnd: boolean;
};

/** What has come of a stream. */
export type Seen = {
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

export type Reading = OpenOptions & { readonly splitter: Splitter; readonly seen: Seen };

/** Yields complete events, and notes in `seen` what they were. Throws as the body does. */
export async function* readRuns(body: Bytes, reading: Reading): AsyncGenerator<Run> {
  const { splitter, seen, maxBytes, idleMs, onByte } = reading;
  let closing: NodeJS.Timeout | undefined;
  let size = 0;
  try {
    for await (const chunk of limitSilence(body, () => (seen.content ? idleMs : undefined))) {
      onByte();
      size += chunk.byteLength;
      if (size > maxBytes) throw tooLarge(maxBytes);
      const events = splitter.push(toBuffer(chunk));
      if (events !== undefined) yield* selectRuns(events, reading);
      // Usually the end follows immediately, and the connection can be used again.
      if (seen.error !== undefined) return;
      if (seen.done) closing ??= setTimeout(() => body.destroy(), CLOSE_AFTER_MS);
    }
    // The blank line of the last event may be missing where the event itself is whole.
    const rest = splitter.rest();
    if (new StreamEvent(rest).data !== undefined) {
      yield* selectRuns(Buffer.concat([rest, Buffer.from('\n\n')]), reading);
    }
  } finally {
    clearTimeout(closing);
  }
}

function toBuffer(chunk: Uint8Array): Buffer {
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

/** Yields the events in runs as long as possible, without those that the client did not ask for. */
function* selectRuns(given: Buffer, { includeUsage, seen, redact }: Reading): Generator<Run> {
  const isClean = redact === undefined || redact(given) === given;
  const events = isClean ? given : withoutKey(given, redact);
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

/** Removes a secret from all events but those with choices, which are the model's own words. */
function withoutKey(events: Buffer, redact: Redact): Buffer {
  const clean: Buffer[] = [];
  for (let start = 0; start < events.length; ) {
    const end = endOfEvent(events, start);
    const event = events.subarray(start, end);
    clean.push(isOfModel(new StreamEvent(event)) ? event : redact(event));
    start = end;
  }
  return Buffer.concat(clean);
}

function isOfModel(event: StreamEvent): boolean {
  return hasChoices(event) && errorOfEvent(event) === undefined;
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
