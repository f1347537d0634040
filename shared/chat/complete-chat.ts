import { type Answer, type Call, errorAnswer } from '../answer.ts';
import { createLessons, type Lessons } from '../capabilities/lessons.ts';
import type { Controller, RoutingDecision } from '../controller.ts';
import type { HttpError } from '../errors.ts';
import type { Candidate } from '../find-candidates.ts';
import { errorKind, type Log } from '../log.ts';
import { readControls } from '../routing/controls.ts';
import { passError } from '../upstream/pass-error.ts';
import { passAnswerHeaders } from '../upstream/passed-headers.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { askDeployment, type Turn } from './ask-deployment.ts';
import {
  type Attempt,
  attemptChain,
  attemptHeaders,
  callsMade,
  modelSelectionDetails,
} from './attempts.ts';
import { type ChatRequest, parseChatRequest } from './chat-request.ts';
import { decisionFacts, decisionHeaders } from './decision-facts.ts';
import { totalTokensOf } from './event-data.ts';
import { findObstacleFor } from './guards.ts';
import { findNewestAsk } from './newest-ask.ts';
import type { OpenEvents } from './pass-events.ts';
import { addAnswerFields, type PlainAnswer } from './plain-answer.ts';
import { findTarget } from './target.ts';

export type CompleteChat = (call: Call) => Promise<Answer>;

type CompleteChatOptions = {
  readonly controller: Controller;
  /** The deployments that a request may name. */
  readonly upstreams: readonly Upstream[];
  readonly maxAnswerBytes: number;
  /** How long a deployment's first byte is waited for while another could answer. */
  readonly firstByteTimeoutMs: number;
  /** Calls to deployments that one request may cost. */
  readonly maxAttempts: number;
  /** Told what an answer has cost. */
  readonly countTokens: (call: Call, tokens: number) => void;
  readonly log: Log;
};

/** A request that was decided on, on its way through. */
type Exchange = {
  readonly call: Call;
  readonly request: ChatRequest;
  readonly decisionMs: number;
  /** What was decided; with the deployment that answered in the place of the chosen one. */
  decision: RoutingDecision;
  readonly attempts: Attempt[];
  /** Time spent waiting for deployments. */
  upstreamMs: number;
};

/** The request path: validate, guard, decide, adapt, send, fall back, pass the answer through. */
export function createCompleteChat(options: CompleteChatOptions): CompleteChat {
  const lessons = new WeakMap<Upstream, Lessons>();
  return async (call) => {
    const request = parseChatRequest(call.body);
    const from = performance.now();
    const decision = await decide(options, call, request);
    const decisionMs = performance.now() - from;
    const exchange: Exchange = {
      call,
      request,
      decision,
      decisionMs,
      attempts: [],
      upstreamMs: 0,
    };
    const turn = await askInTurn(options, exchange, lessons);
    return toAnswer(options, exchange, turn);
  };
}

async function decide(
  { controller, upstreams }: CompleteChatOptions,
  call: Call,
  request: ChatRequest,
): Promise<RoutingDecision> {
  const { controls, deployment } =
    call.deployment === undefined
      ? findTarget(request.model ?? 'smart-router', 'model', upstreams)
      : findTarget(call.deployment, 'deployment', upstreams);
  return controller.route({
    text: findNewestAsk(request.messages),
    controls: readControls(request.routing, call.header, controls),
    signal: call.signal,
    caller: call.caller,
    findObstacle: findObstacleFor(request),
    ...(deployment && { deployment }),
  });
}

/** Asks the chosen deployment, and the others in their order while none has answered. */
async function askInTurn(
  options: CompleteChatOptions,
  exchange: Exchange,
  lessons: WeakMap<Upstream, Lessons>,
): Promise<Turn> {
  const { call, request, attempts, decision } = exchange;
  const waiting = [...decision.others];
  for (;;) {
    const { upstream } = exchange.decision;
    const callsLeft = options.maxAttempts - callsMade(attempts);
    const isLast = callsLeft <= 1 || !waiting.some(canBeAsked);
    const known = lessons.get(upstream) ?? createLessons();
    lessons.set(upstream, known);
    const from = performance.now();
    const turn = await askDeployment(upstream, {
      call,
      request,
      lessons: known,
      maxAnswerBytes: options.maxAnswerBytes,
      ...(!isLast && { firstByteMs: options.firstByteTimeoutMs }),
      callsLeft,
      onAttempt: (attempt) => attempts.push(attempt),
    });
    exchange.upstreamMs += performance.now() - from;
    const mayAskOn = turn.mayFallBack && callsMade(attempts) < options.maxAttempts;
    const next = mayAskOn ? waiting.shift() : undefined;
    if (next === undefined) return turn;
    if (turn.reply.kind === 'events') await turn.reply.events.discard();
    exchange.decision = { ...exchange.decision, ...next, reason: 'fallback' };
  }
}

/** While nobody else would take the request, the one that has it is given all the time there is. */
function canBeAsked({ upstream }: Candidate): boolean {
  const { circuit, resting_ms } = upstream.state();
  return circuit !== 'open' && resting_ms === undefined;
}

function toAnswer(options: CompleteChatOptions, exchange: Exchange, turn: Turn): Answer {
  const { reply, warnings } = turn;
  const headers = answerHeaders(exchange, 'headers' in reply ? reply.headers : {}, warnings);
  switch (reply.kind) {
    case 'plain': {
      const tokens = totalTokensOf(reply.answer.parsed.usage);
      if (tokens !== undefined) options.countTokens(exchange.call, tokens);
      record(options.log, exchange, 200, { tokens });
      return plainAnswer(exchange, headers, reply.answer);
    }
    case 'events':
      return streamedAnswer(options, exchange, headers, reply.events);
    case 'refusal': {
      const answer = passError(reply.status, reply.bytes, headers);
      record(options.log, exchange, answer.status, {});
      return answer;
    }
    case 'failure':
      record(options.log, exchange, reply.error.status, { error: reply.error });
      return errorAnswer(reply.error, headers);
  }
}

function plainAnswer(
  exchange: Exchange,
  headers: Record<string, string>,
  answer: PlainAnswer,
): Answer {
  const { call, request, decision, attempts, decisionMs } = exchange;
  const { explain, mode } = request.routing;
  // How a client of Foundry's model router asks for the same.
  const wantsDetails = explain || call.header('foundry-features')?.includes('ModelRouterControls');
  const body = addAnswerFields(answer, {
    selected_model: decision.upstream.deployment.modelName,
    ...(explain && { routing: decisionFacts(decision) }),
    ...(wantsDetails && {
      model_selection_details: modelSelectionDetails(attempts, {
        ...(mode && { mode }),
        decisionMs,
      }),
    }),
  });
  return { status: 200, headers: { ...headers, 'content-type': 'application/json' }, body };
}

function streamedAnswer(
  { countTokens, log }: CompleteChatOptions,
  exchange: Exchange,
  headers: Record<string, string>,
  events: OpenEvents,
): Answer {
  return {
    status: 200,
    headers: {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
    },
    body: events.pass(({ error, totalTokens: tokens }) => {
      if (tokens !== undefined) countTokens(exchange.call, tokens);
      record(log, exchange, 200, { error, tokens });
    }),
  };
}

function answerHeaders(
  { call, decision, attempts, upstreamMs }: Exchange,
  upstream: Readonly<Record<string, string>>,
  warnings: readonly string[],
): Record<string, string> {
  const overheadMs = performance.now() - call.startedAt - upstreamMs;
  return {
    ...passAnswerHeaders(upstream),
    ...decisionHeaders(decision),
    ...attemptHeaders(attempts),
    ...(warnings.length > 0 && { 'x-smart-router-warnings': warnings.join(', ') }),
    'x-smart-router-overhead-ms': overheadMs.toFixed(3),
  };
}

type End = { readonly error?: HttpError | undefined; readonly tokens?: number | undefined };

/** One line a request: what was decided, and how it ended. */
function record(log: Log, exchange: Exchange, status: number, { error, tokens }: End): void {
  const { call, request, decision, attempts } = exchange;
  log(error === undefined || error.status < 500 ? 'info' : 'warning', 'chat', {
    requestId: call.requestId,
    caller: call.caller?.name,
    useCase: call.useCase,
    deployment: decision.upstream.deployment.name,
    tier: decision.tier,
    reason: decision.reason,
    winRate: decision.winRate,
    threshold: decision.threshold,
    distance: decision.distance,
    embeddingCache: decision.embeddingCache,
    attempts: attemptChain(attempts),
    stream: request.stream,
    status,
    tokens,
    error: error && errorKind(error),
    totalMs: Math.round(performance.now() - call.startedAt),
  });
}
