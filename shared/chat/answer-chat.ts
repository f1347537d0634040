import { type Answer, EVENT_STREAM, errorAnswer } from '../base/answer.ts';
import type { HttpError } from '../base/errors.ts';
import { takeMemory } from '../base/memory-budget.ts';
import type { CallTrace } from '../calls/telemetry.ts';
import { answerOf, createCollector } from '../chat-format/collect-answer.ts';
import { addAnswerFields, type PlainAnswer } from '../chat-format/plain-answer.ts';
import { readUsage } from '../chat-format/usage.ts';
import { passAnswerHeaders } from '../upstream/passed-headers.ts';
import type { Turn } from './ask-deployment.ts';
import { addAttemptHeaders, modelSelectionDetails } from './attempts.ts';
import { addThreadHeaders, stepOf } from './continue-thread.ts';
import { addDecisionHeaders, decisionFacts } from './decision-facts.ts';
import type { Exchange } from './exchange.ts';
import { passError } from './pass-error.ts';
import type { OpenEvents } from './pass-events.ts';
import { type SettleOptions, settle } from './settle.ts';

/**
 * Turns the last deployment's reply into the caller's answer, and settles the request: that of a stream at
 * its end.
 */
export async function answerChat(
  options: SettleOptions,
  exchange: Exchange,
  turn: Turn,
): Promise<Answer> {
  const { reply, warnings, trace } = turn;
  const headers = answerHeaders(exchange, 'headers' in reply ? reply.headers : {}, warnings);
  const isShadowed = options.shadow?.wants(exchange) ?? false;
  switch (reply.kind) {
    case 'plain': {
      const { parsed } = reply.answer;
      const error = await settle(options, exchange, {
        status: 200,
        usage: readUsage(parsed.usage),
        answer: () => answerOf(parsed),
        isWhole: true,
        isShadowed,
      });
      return error ? errorAnswer(error, headers) : plainAnswer(exchange, headers, reply.answer);
    }
    case 'events': {
      exchange.call.beginStream();
      const streamed = { ...exchange, firstTokenAt: performance.now() };
      const body = streamBody(options, streamed, { events: reply.events, trace, isShadowed });
      return { status: 200, headers: { ...headers, ...EVENT_STREAM }, body };
    }
    case 'refusal': {
      const answer = passError(reply.status, reply.bytes, headers);
      await settle(options, exchange, { status: answer.status, isWhole: false, isShadowed });
      return answer;
    }
    case 'failure': {
      const { error } = reply;
      await settle(options, exchange, {
        status: error.status,
        error,
        // The deployment has read the prompt, and may have answered: nobody knows how much.
        ...(wasReached(error) && { usage: { completion: 0 } }),
        isWhole: false,
        isShadowed,
      });
      return errorAnswer(error, headers);
    }
  }
}

/**
 * Whether a deployment took a request on whose answer then ended early, so that at least its prompt is paid
 * for.
 */
function wasReached({ code }: HttpError): boolean {
  return ENDED_EARLY.has(code ?? '');
}

const ENDED_EARLY = new Set([
  'client_gone',
  'shutting_down',
  'upstream_timeout',
  'upstream_incomplete',
  'answer_too_large',
  'too_many_bytes',
]);

function plainAnswer(
  exchange: Exchange,
  headers: Record<string, string>,
  answer: PlainAnswer,
): Answer {
  const { call, ask, decision, attempts, decisionMs, continued } = exchange;
  const { explain, mode } = ask.request.routing;
  const step = continued && stepOf(continued, decision.member);
  // A client of Foundry's model router asks for the same by this header.
  const wantsDetails = explain || call.header('foundry-features')?.includes('ModelRouterControls');
  const body = addAnswerFields(answer, {
    selected_model: decision.member.upstream.deployment.modelName,
    ...(explain && { routing: decisionFacts(decision, ask) }),
    ...(wantsDetails && {
      model_selection_details: modelSelectionDetails(attempts, {
        ...(mode && { mode }),
        ...(continued && step && { affinity: { mode: continued.affinity, decision: step } }),
        decisionMs,
      }),
    }),
  });
  headers['content-type'] = 'application/json';
  return { status: 200, headers, body };
}

type Streaming = {
  readonly events: OpenEvents;
  /** The trace of the call, which ends with its stream. */
  readonly trace: CallTrace | undefined;
  readonly isShadowed: boolean;
};

/** The answer is put together only where it is kept or compared: that parses each event. */
function streamBody(
  options: SettleOptions,
  exchange: Exchange,
  { events, trace, isShadowed }: Streaming,
): AsyncGenerator<Uint8Array> {
  const isRead = exchange.continued !== undefined || options.isContentKept || isShadowed;
  const collector = isRead ? createCollector() : undefined;
  return events.pass({
    onEvent:
      collector &&
      (({ bytes, data }) => {
        takeMemory(exchange.call.hold, bytes.length);
        collector.push(data);
      }),
    // A client that leaves early has been answered with a 200 all the same.
    onEnd: ({ isWhole, error, usage, events: completion }) => {
      // The trace has only the tokens that the deployment counted.
      trace?.end({ status: 200, usage, error: error?.code ?? undefined });
      return settle(options, exchange, {
        status: 200,
        error,
        usage: { completion, ...usage },
        answer: collector?.answer,
        isWhole,
        isShadowed,
      });
    },
  });
}

/** The headers of an answer: the deployment's own, and what was decided and tried. */
export function answerHeaders(
  { call, decision, attempts, upstreamMs, continued }: Exchange,
  upstream: Readonly<Record<string, string>>,
  warnings: readonly string[],
): Record<string, string> {
  const overheadMs = performance.now() - call.startedAt - upstreamMs;
  const cut =
    continued !== undefined && continued.unsent > 0 ? [`history;cut=${continued.unsent}`] : [];
  const all = [...cut, ...warnings];
  // One object is filled from the beginning: the host copies it in any case.
  const headers = passAnswerHeaders(upstream);
  addDecisionHeaders(headers, decision);
  addAttemptHeaders(headers, attempts);
  if (continued !== undefined) addThreadHeaders(headers, continued, decision.member);
  if (all.length > 0) headers['x-smart-router-warnings'] = all.join(', ');
  headers['x-smart-router-overhead-ms'] = overheadMs.toFixed(3);
  return headers;
}
