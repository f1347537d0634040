import { Readable } from 'node:stream';
import { CallEndedError, type HttpError, UpstreamError } from '../base/errors.ts';
import { TooManyBytesError } from '../base/memory-budget.ts';
import { toJson } from '../base/wire-json.ts';
import type { Call } from '../calls/call.ts';
import type { CallTrace } from '../calls/telemetry.ts';
import { adaptBody } from '../capabilities/adapt-body.ts';
import type { Lessons } from '../capabilities/lessons.ts';
import type { ChatRequest } from '../chat-format/chat-request.ts';
import { giveBack } from '../chat-format/given-back.ts';
import { parseAnswer, statusOfError, withoutKey } from '../chat-format/plain-answer.ts';
import { streamOf } from '../chat-format/stream-answer.ts';
import { isTooLong } from '../chat-format/stream-event.ts';
import type { Blame } from '../upstream/blame.ts';
import { upstreamNameOf } from '../upstream/deployment.ts';
import { errorOf } from '../upstream/error-body.ts';
import { passRequestHeaders } from '../upstream/passed-headers.ts';
import { readAnswer, readRefusal } from '../upstream/read-answer.ts';
import type { Redact } from '../upstream/redact-key.ts';
import type { Upstream, UpstreamAnswer } from '../upstream/upstream.ts';
import type { Attempt } from './attempts.ts';
import { openEvents } from './pass-events.ts';
import { type Headers, isTooMuch, type Reply } from './reply.ts';
import { tellBlame, tellTrace, toAttempt } from './tell-reply.ts';

/** What came of one deployment's turn. */
export type Turn = {
  readonly reply: Reply;
  /** The changes that were made to the request for this deployment. */
  readonly warnings: readonly string[];
  /** True while nothing of an answer has come that another deployment could not give instead. */
  readonly mayFallBack: boolean;
  /** The trace of a stream that has begun, which has to be told of its end. */
  readonly trace?: CallTrace | undefined;
};

/** A request on its way to one deployment. */
type Order = {
  readonly call: Call;
  readonly request: ChatRequest;
  readonly lessons: Lessons;
  readonly maxAnswerBytes: number;
  /** How long the first byte is waited for, in ms; absent when no other deployment could answer. */
  readonly firstByteMs?: number;
  /** How long a stream may be silent after its first content, in ms; absent where no stream is asked for. */
  readonly idleMs?: number;
  /** Told whether each call was an answer, and which deployment failed. */
  readonly blame: Blame;
  /** The calls that may still be made: one or more. */
  readonly callsLeft: number;
  /** Called after each attempt. */
  readonly onAttempt: (attempt: Attempt) => void;
};

/** One call of an order: its body in the words of the deployment, and its limit in time. */
type Sent = {
  readonly upstream: Upstream;
  readonly body: Readonly<Record<string, unknown>>;
  readonly firstByteMs: number | undefined;
  readonly trace: CallTrace | undefined;
};

/**
 * Asks a deployment in the words that it takes, and once more where its refusal teaches what those are.
 * Throws only what is wrong with the request itself.
 */
export async function askDeployment(upstream: Upstream, order: Order): Promise<Turn> {
  const { request, lessons, call } = order;
  const { capabilities, name } = upstream.deployment;
  const { upstreamBody } = request;
  const asked = { ...upstreamBody, messages: giveBack(upstreamBody['messages'], name) };
  for (let isCorrected = false; ; isCorrected = true) {
    const { body, warnings } = adaptBody(asked, capabilities, lessons);
    // The last call that may be made has all the time there is.
    const isLastCall = order.callsLeft - Number(isCorrected) <= 1;
    const from = performance.now();
    const trace = call.trace?.startCall({
      operation: 'chat',
      deployment: upstream.deployment,
      body,
      threadId: request.threadId,
    });
    const firstByteMs = isLastCall ? undefined : order.firstByteMs;
    const reply = await callOnce(order, { upstream, body, firstByteMs, trace });
    const attempt = toAttempt(upstream, reply, performance.now() - from);
    tellTrace(trace, reply, attempt);
    tellBlame(order.blame, reply);
    order.onAttempt(attempt);
    const isWrong = reply.kind === 'refusal' && WRONG_REQUEST.has(reply.status);
    if (isWrong && !isCorrected && !isLastCall && lessons.learn(body, reply.bytes)) continue;
    return { reply, warnings, trace, mayFallBack: !call.signal.aborted && mayFallBack(reply) };
  }
}

async function callOnce(
  { call, request, maxAnswerBytes, idleMs, blame }: Order,
  { upstream, body, firstByteMs, trace }: Sent,
): Promise<Reply> {
  const { hold } = call;
  const limit = createFirstByteLimit(call.signal, firstByteMs);
  try {
    const answer = await upstream.send({
      operation: 'chat/completions',
      body: toJson({ ...body, model: upstreamNameOf(upstream.deployment) }),
      headers: { ...passRequestHeaders(call.header), ...trace?.headers },
      signal: limit.signal,
      blame,
    });
    const { signal } = limit;
    if (request.stream && isEventStream(answer)) {
      const events = await openEvents(answer.body, {
        includeUsage: request.includeUsage,
        maxBytes: maxAnswerBytes,
        idleMs,
        redact: answer.redact,
        signal,
        onByte: limit.lift,
      });
      return { kind: 'events', headers: answer.headers, events };
    }
    const { status, headers } = answer;
    if (status !== 200) {
      limit.lift();
      const bytes = await readRefusal(answer, { maxBytes: maxAnswerBytes, signal, hold });
      return { kind: 'refusal', status, headers, bytes };
    }
    const bytes = await readAnswer(answer, {
      maxBytes: maxAnswerBytes,
      signal,
      hold,
      onByte: limit.lift,
    });
    const reply = toReply(headers, bytes, answer.redact);
    if (!request.stream || reply.kind !== 'plain') return reply;
    // A client of streams cannot read a whole answer.
    const events = await openEvents(Readable.from([Buffer.from(streamOf(reply.answer.parsed))]), {
      includeUsage: request.includeUsage,
      maxBytes: Number.POSITIVE_INFINITY,
      signal,
      onByte: () => undefined,
    });
    return { kind: 'events', headers, events };
  } catch (error) {
    const failure = failureOf(error, call.signal);
    if (failure !== undefined) return { kind: 'failure', error: failure };
    throw error;
  } finally {
    limit.lift();
  }
}

/** Why there is no answer to pass on; undefined for what is wrong with the request, or the router. */
function failureOf(error: unknown, { reason }: AbortSignal): HttpError | undefined {
  // What is read of a call that has ended fails for that reason.
  if (reason instanceof CallEndedError) return reason;
  return error instanceof UpstreamError || error instanceof TooManyBytesError ? error : undefined;
}

/** A whole answer of status 200, which may be an error all the same. */
function toReply(headers: Headers, bytes: Buffer, redact: Redact): Reply {
  const answer = parseAnswer(bytes);
  const status = statusOfError(answer);
  if (status !== undefined) return { kind: 'refusal', status, headers, bytes: redact(bytes) };
  const isClean = redact(bytes) === bytes;
  return { kind: 'plain', headers, answer: isClean ? answer : withoutKey(answer, redact) };
}

function isEventStream({ status, headers }: UpstreamAnswer): boolean {
  return status === 200 && /text\/event-stream/i.test(headers['content-type'] ?? '');
}

/** A limit in time besides the request's own, which is lifted when the first byte is there. */
function createFirstByteLimit(
  signal: AbortSignal,
  timeoutMs: number | undefined,
): { readonly signal: AbortSignal; readonly lift: () => void } {
  if (timeoutMs === undefined) return { signal, lift: () => undefined };
  // By hand: AbortSignal.any leaves its links to the garbage collector.
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), timeoutMs);
  const abort = () => controller.abort(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  return { signal: controller.signal, lift: () => clearTimeout(timer) };
}

/**
 * Whether the deployment could not answer because it is busy, failing or gone. Refused prompts (400),
 * credentials (401) and rights (403) are final: they would be refused elsewhere, or have to be seen.
 */
function mayFallBack(reply: Reply): boolean {
  switch (reply.kind) {
    case 'plain':
      return false;
    case 'events':
      return reply.events.mayFallBack;
    case 'refusal':
      // Another deployment may have the room: the limits of a model are not always known.
      return isUnavailable(reply.status) || isTooLong(errorOf(reply.bytes));
    case 'failure':
      return !isTooMuch(reply.error);
  }
}

/** 404 and 410 mean that the deployment or its model is gone, since the router itself makes the path. */
function isUnavailable(status: number): boolean {
  return status < 400 || status >= 500 || [404, 408, 410, 429].includes(status);
}

/** The statuses of requests that a deployment does not take as they are worded. */
const WRONG_REQUEST = new Set([400, 422]);
