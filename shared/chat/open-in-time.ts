import { type Answer, dataEvent, EVENT_STREAM } from '../base/answer.ts';
import { type HttpError, toErrorBody } from '../base/errors.ts';

type Headers = Answer['headers'];

export type OpenInTimeOptions = {
  /** How long the answer is waited for before the client gets its status and headers, in ms. */
  readonly openMs: number;
  /** The time between two comments while the answer is waited for, in ms. */
  readonly commentMs: number;
  /** The headers as they are known while the answer is waited for. */
  readonly headers: () => Headers;
  /** Describes an error that comes after the status has been sent. */
  readonly describe: (error: unknown) => HttpError;
};

/**
 * Answers a request for a stream in time, whatever the deployments do: proxies end what is silent for
 * minutes. A client whose answer is late gets status 200, the headers known by then, and comments, until
 * the answer is there. Its first comment after that tells the headers that have changed, as a JSON object.
 * An error that is not a stream becomes an error event. Throws what `answer` throws in time.
 */
export async function openInTime(
  answer: Promise<Answer>,
  options: OpenInTimeOptions,
): Promise<Answer> {
  const early = await within(answer, options.openMs);
  if (early !== undefined) return early;
  const headers = options.headers();
  return {
    status: 200,
    headers: { ...headers, ...EVENT_STREAM },
    body: waitForAnswer(answer, headers, options),
  };
}

async function* waitForAnswer(
  answer: Promise<Answer>,
  told: Headers,
  { commentMs, describe }: OpenInTimeOptions,
): AsyncGenerator<Uint8Array> {
  let isRead = false;
  try {
    let late: Answer | undefined;
    while (late === undefined) {
      yield comment('waiting for the deployment');
      late = await within(answer, commentMs);
    }
    const changed = changesOf(told, late.headers);
    if (changed !== undefined) yield comment(changed);
    isRead = true;
    yield* eventsOf(late);
  } catch (error) {
    yield dataEvent(toErrorBody(describe(error)));
  } finally {
    if (!isRead) void answer.then(discard, () => undefined);
  }
}

/** Gives a stream up that the client did not wait for, so that it is settled. */
async function discard({ body }: Answer): Promise<void> {
  if (isWhole(body)) return;
  // A generator that has not begun would end without its own ending.
  for await (const _ of body) break;
}

async function* eventsOf({ body }: Answer): AsyncGenerator<Uint8Array> {
  if (isWhole(body)) yield dataEvent(JSON.parse(String(body)));
  else yield* body;
}

function isWhole(body: Answer['body']): body is string | Uint8Array {
  return typeof body === 'string' || body instanceof Uint8Array;
}

/** Undefined if the answer is not there after `ms`. */
async function within(answer: Promise<Answer>, ms: number): Promise<Answer | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), Math.max(0, ms));
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The headers that say something else than the client was told; undefined if none does. */
function changesOf(told: Headers, headers: Headers): string | undefined {
  const changed = Object.entries(headers).filter(
    ([name, value]) => told[name] !== value && !OF_THE_BODY.has(name),
  );
  return changed.length === 0 ? undefined : JSON.stringify(Object.fromEntries(changed));
}

const OF_THE_BODY = new Set(['content-type', 'content-length', 'cache-control']);

/** A line that clients of server-sent events skip. */
function comment(text: string): Buffer {
  return Buffer.from(`: ${text}\n\n`);
}
