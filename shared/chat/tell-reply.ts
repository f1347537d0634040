import { UpstreamError } from '../base/errors.ts';
import type { CallEnd, CallTrace } from '../calls/telemetry.ts';
import { finishReasonOf } from '../chat-format/collect-answer.ts';
import type { PlainAnswer } from '../chat-format/plain-answer.ts';
import { readUsage } from '../chat-format/usage.ts';
import type { Blame } from '../upstream/blame.ts';
import type { Outcome } from '../upstream/circuit.ts';
import { errorOf } from '../upstream/error-body.ts';
import { isFailure } from '../upstream/protect-upstream.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { Attempt } from './attempts.ts';
import { isTooMuch, type Reply } from './reply.ts';

/** The codes of failures that are known without a call. */
const NOT_CALLED = new Set(['circuit_open', 'deployment_resting', 'deployment_busy']);

/** Ends the trace of a call, except that of a stream that has begun: it ends later. */
export function tellTrace(
  trace: CallTrace | undefined,
  reply: Reply,
  { status, code }: Attempt,
): void {
  if (trace === undefined) return;
  if (reply.kind === 'events' && !reply.events.isError) {
    trace.firstChunk();
    return;
  }
  const error = code ?? (status === 200 ? undefined : String(status ?? 'failed'));
  trace.end({ status, error, ...(reply.kind === 'plain' && describePlain(reply.answer)) });
}

function describePlain({ parsed }: PlainAnswer): CallEnd {
  const { id, model, usage } = parsed;
  const reason = finishReasonOf(parsed);
  return {
    usage: readUsage(usage),
    ...(typeof id === 'string' && { responseId: id }),
    ...(typeof model === 'string' && { responseModel: model }),
    ...(reason !== undefined && { finishReasons: [reason] }),
  };
}

export function toAttempt(upstream: Upstream, reply: Reply, ms: number): Attempt {
  const { deployment } = upstream;
  switch (reply.kind) {
    case 'plain':
      return { deployment, ms, called: true, status: 200 };
    case 'events':
      return {
        deployment,
        ms,
        called: true,
        status: 200,
        ...(reply.events.isError && { code: 'upstream_error_event' }),
      };
    case 'refusal':
      return { deployment, ms, called: true, status: reply.status, ...errorOf(reply.bytes) };
    case 'failure': {
      const { code, message } = reply.error;
      const called = !NOT_CALLED.has(code ?? '');
      return { deployment, ms, called, message, ...(code !== null && { code }) };
    }
  }
}

/** Tells whether the request was answered, where the status of the reply does not say so. */
export function tellBlame(blame: Blame, reply: Reply): void {
  const outcome = outcomeOfReply(reply);
  if (outcome === 'answered') blame.answered();
  else blame.tell(outcome);
}

function outcomeOfReply(reply: Reply): Outcome | 'answered' {
  switch (reply.kind) {
    case 'plain':
      return 'answered';
    case 'events': {
      const { isError, mayFallBack } = reply.events;
      if (!isError) return 'answered';
      return mayFallBack ? 'failed' : 'alive';
    }
    case 'refusal':
      return isFailure(reply.status) ? 'failed' : 'alive';
    case 'failure':
      // Too much of an answer is an answer.
      if (isTooMuch(reply.error)) return 'alive';
      return reply.error instanceof UpstreamError ? 'failed' : 'unknown';
  }
}
