import { type Answer, EVENT_STREAM, errorAnswer } from '../base/answer.ts';
import type { Background } from '../base/background.ts';
import type { Log } from '../base/log.ts';
import type { Call } from '../calls/call.ts';
import type { CallTrace } from '../calls/telemetry.ts';
import { finishReasonOf, messageOf } from '../chat-format/collect-answer.ts';
import { readUsage, type Usage } from '../chat-format/event-data.ts';
import { findNewestAsk } from '../chat-format/newest-ask.ts';
import { addAnswerFields, type PlainAnswer } from '../chat-format/plain-answer.ts';
import type { DecisionRecord } from '../decisions/decision-record.ts';
import { costOf } from '../spending/cost.ts';
import { passAnswerHeaders } from '../upstream/passed-headers.ts';
import type { Turn } from './ask-deployment.ts';
import { addAttemptHeaders, modelSelectionDetails } from './attempts.ts';
import { addDecisionHeaders, decisionFacts } from './decision-facts.ts';
import type { End, Exchange } from './exchange.ts';
import { keepAnswer } from './keep-answer.ts';
import { keepStream, watchStream } from './keep-stream.ts';
import { passError } from './pass-error.ts';
import type { OpenEvents } from './pass-events.ts';
import { toLogFields, toRecord } from './record-decision.ts';
import { redactText } from './redact.ts';
import { addThreadHeaders, stepOf } from './session-facts.ts';
import type { Shadow } from './shadow.ts';

/** Who is told how a request ended. */
export type AnswerChat = {
  /** Told the tokens of an answer, as its deployment counted them. */
  readonly countTokens: (call: Call, tokens: number) => void;
  /** Told what an answer has cost, in USD. */
  readonly spend: (call: Call, usd: number) => void;
  /** Told what was decided, and how it ended. */
  readonly record: (decision: DecisionRecord) => void;
  /** What a client that has left does not wait for. */
  readonly background: Background;
  /** Absent: no answers are compared with the strongest model's. */
  readonly shadow?: Shadow | undefined;
  /** The operator keeps what was asked and answered, redacted. */
  readonly isContentKept: boolean;
  readonly log: Log;
};

/** What goes back to the caller of what came of the last turn; tells everybody how it ended. */
export async function answerChat(
  options: AnswerChat,
  exchange: Exchange,
  turn: Turn,
): Promise<Answer> {
  const { reply, warnings } = turn;
  const headers = answerHeaders(exchange, 'headers' in reply ? reply.headers : {}, warnings);
  exchange.isShadowed = options.shadow?.wants(exchange) ?? false;
  switch (reply.kind) {
    case 'plain': {
      const { parsed } = reply.answer;
      const usage = readUsage(parsed.usage);
      const answer = () => ({
        message: messageOf(parsed),
        finishReason: finishReasonOf(parsed),
      });
      const error =
        exchange.continued &&
        (await keepAnswer(options.log, exchange, { ...answer(), usage, isWhole: true }));
      finish(options, exchange, error?.status ?? 200, { usage, error, answer });
      return error ? errorAnswer(error, headers) : plainAnswer(exchange, headers, reply.answer);
    }
    case 'events':
      return streamedAnswer(options, exchange, headers, reply.events, turn.trace);
    case 'refusal': {
      const answer = passError(reply.status, reply.bytes, headers);
      finish(options, exchange, answer.status, {});
      return answer;
    }
    case 'failure':
      finish(options, exchange, reply.error.status, { error: reply.error });
      return errorAnswer(reply.error, headers);
  }
}

function plainAnswer(
  exchange: Exchange,
  headers: Record<string, string>,
  answer: PlainAnswer,
): Answer {
  const { call, request, decision, attempts, decisionMs, continued } = exchange;
  const { explain, mode } = request.routing;
  const step = continued && stepOf(continued, decision.member);
  // How a client of Foundry's model router asks for the same.
  const wantsDetails = explain || call.header('foundry-features')?.includes('ModelRouterControls');
  const body = addAnswerFields(answer, {
    selected_model: decision.member.upstream.deployment.modelName,
    ...(explain && { routing: decisionFacts(decision, true) }),
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

function streamedAnswer(
  options: AnswerChat,
  exchange: Exchange,
  headers: Record<string, string>,
  events: OpenEvents,
  trace: CallTrace | undefined,
): Answer {
  exchange.firstTokenAt = performance.now();
  let answer: End['answer'];
  let passed = events.pass(({ error, usage = {}, events: completion }) => {
    trace?.end({ status: 200, usage, error: error?.code ?? undefined });
    // Who leaves early has been answered so far.
    finish(options, exchange, 200, { error, usage: { completion, ...usage }, answer });
  });
  if (options.isContentKept || exchange.isShadowed) {
    ({ chunks: passed, answer } = watchStream(passed));
  }
  return {
    status: 200,
    headers: { ...headers, ...EVENT_STREAM },
    body:
      exchange.continued === undefined
        ? passed
        : keepStream(passed, (given) => {
            const keeping = keepAnswer(options.log, exchange, { ...given, usage: events.usage() });
            // A client that has left does not wait for it.
            options.background.run(keeping);
            return keeping;
          }),
  };
}

function answerHeaders(
  { call, decision, attempts, upstreamMs, continued }: Exchange,
  upstream: Readonly<Record<string, string>>,
  warnings: readonly string[],
): Record<string, string> {
  const overheadMs = performance.now() - call.startedAt - upstreamMs;
  const cut =
    continued !== undefined && continued.left > 0 ? [`history;cut=${continued.left}`] : [];
  const all = [...cut, ...warnings];
  // One object from the beginning: it is copied for its host in any case.
  const headers = passAnswerHeaders(upstream);
  addDecisionHeaders(headers, decision);
  addAttemptHeaders(headers, attempts);
  if (continued !== undefined) addThreadHeaders(headers, continued, decision.member);
  if (all.length > 0) headers['x-smart-router-warnings'] = all.join(', ');
  headers['x-smart-router-overhead-ms'] = overheadMs.toFixed(3);
  return headers;
}

/** Counts what it took, keeps what was decided, and logs the same in one line. */
function finish(options: AnswerChat, exchange: Exchange, status: number, end: End): void {
  const { call } = exchange;
  const { error, usage } = end;
  const tokens = usage?.total;
  const usd = usage && costOfAnswer(exchange, usage);
  if (tokens !== undefined) options.countTokens(call, tokens);
  if (usd !== undefined) options.spend(call, usd);
  const content = options.isContentKept ? contentOf(exchange, end) : undefined;
  const record = toRecord(exchange, status, end, { usd, prompt: content?.prompt });
  options.record(record);
  if (exchange.isShadowed && error === undefined) compareInShadow(options, exchange, end);
  call.trace?.decided(record, exchange.decision.times);
  options.log(error === undefined || error.status < 500 ? 'info' : 'warning', 'chat', () =>
    toLogFields(record, { tokens, usd, answer: content?.answer }),
  );
}

/** An answer that was cut, or breaks off, is no match. */
function compareInShadow({ shadow, background }: AnswerChat, exchange: Exchange, end: End): void {
  const { message, finishReason } = end.answer?.() ?? {};
  const text = message?.content;
  if (shadow === undefined || typeof text !== 'string' || finishReason !== 'stop') return;
  background.run(shadow.compare(exchange, text));
}

function contentOf({ request }: Exchange, { answer }: End) {
  const asked = findNewestAsk(request.messages);
  const content = answer?.().message?.content;
  return {
    prompt: asked === undefined ? undefined : redactText(asked),
    answer: typeof content === 'string' ? redactText(content) : undefined,
  };
}

/** In USD; undefined without a price. What its deployment did not count is estimated. */
function costOfAnswer({ needs, decision }: Exchange, usage: Usage): number | undefined {
  const { price } = decision.member;
  return price && costOf(price, { ...needs.tokens(), ...usage });
}
