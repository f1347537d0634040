import { toErrorBody, UpstreamError } from '../errors.ts';
import { brokenOff, tooLarge } from '../upstream/read-answer.ts';
import type { UpstreamAnswer } from '../upstream/upstream.ts';

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
  const end = { reached: false };
  let error: UpstreamError | undefined;
  let held: Buffer = Buffer.alloc(0);
  let size = 0;
  try {
    for await (const chunk of body) {
      size += chunk.byteLength;
      if (size > options.maxBytes) throw tooLarge(options.maxBytes);
      const bytes = held.length === 0 ? toBuffer(chunk) : Buffer.concat([held, chunk]);
      const complete = endOfEvents(bytes);
      held = bytes.subarray(complete);
      yield* selectEvents(bytes.subarray(0, complete), options.includeUsage, end);
    }
    if (!end.reached && isDone(held)) {
      end.reached = true;
      yield Buffer.from('data: [DONE]\n\n');
    }
    if (!end.reached) throw new Error('The stream ended before [DONE].');
  } catch (cause) {
    error = cause instanceof UpstreamError ? cause : brokenOff(cause, options.signal);
    yield Buffer.from(`data: ${JSON.stringify(toErrorBody(error))}\n\n`);
  } finally {
    body.destroy();
    options.onEnd(error);
  }
}

function toBuffer(chunk: Uint8Array): Buffer {
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
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
  end: { reached: boolean },
): Generator<Uint8Array> {
  let runStart = 0;
  let start = 0;
  while (start < events.length) {
    const eventEnd = endOfEvent(events, start);
    const event = events.subarray(start, eventEnd);
    if (isDone(event) || isError(event)) end.reached = true;
    if (!includeUsage && isUsageChunk(event)) {
      if (start > runStart) yield events.subarray(runStart, start);
      runStart = eventEnd;
    }
    start = eventEnd;
  }
  if (events.length > runStart) yield events.subarray(runStart);
}

function endOfEvent(events: Buffer, start: number): number {
  const lf = events.indexOf('\n\n', start);
  const crlf = events.indexOf('\r\n\r\n', start);
  if (crlf !== -1 && (lf === -1 || crlf < lf)) return crlf + 4;
  return lf === -1 ? events.length : lf + 2;
}

function isDone(event: Buffer): boolean {
  return event.length < 64 && /^data: ?\[DONE\]\s*$/.test(event.toString('latin1'));
}

/** An error inside a stream ends it: Azure OpenAI sends no [DONE] behind one. */
function isError(event: Buffer): boolean {
  return /^data: ?\{\s*"error"\s*:/.test(event.toString('latin1', 0, 32));
}

/** `choices: []` with a usage object. Looks closer only at the few events that can be it. */
function isUsageChunk(event: Buffer): boolean {
  if (!event.includes('"usage"') || event.includes('"usage":null')) return false;
  const json = event.toString('utf8').replace(/^data: ?/, '');
  try {
    const chunk: unknown = JSON.parse(json);
    if (typeof chunk !== 'object' || chunk === null) return false;
    const { choices, usage } = chunk as { choices?: unknown; usage?: unknown };
    return Array.isArray(choices) && choices.length === 0 && usage != null;
  } catch {
    return false;
  }
}
