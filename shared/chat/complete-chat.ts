import { type Answer, type Call, errorAnswer } from '../answer.ts';
import type { Controller, RoutingDecision } from '../controller.ts';
import { UpstreamError } from '../errors.ts';
import { errorKind, type Log } from '../log.ts';
import { readControls } from '../routing/controls.ts';
import { passError } from '../upstream/pass-error.ts';
import { passAnswerHeaders, passRequestHeaders } from '../upstream/passed-headers.ts';
import { readAnswer } from '../upstream/read-answer.ts';
import type { Upstream, UpstreamAnswer } from '../upstream/upstream.ts';
import { toJson } from '../wire-json.ts';
import { type ChatRequest, parseChatRequest } from './chat-request.ts';
import { decisionFacts, decisionHeaders } from './decision-facts.ts';
import { findNewestAsk } from './newest-ask.ts';
import { passEvents } from './pass-events.ts';
import { addAnswerFields } from './plain-answer.ts';
import { findTarget } from './target.ts';

export type CompleteChat = (call: Call) => Promise<Answer>;

type CompleteChatOptions = {
  readonly controller: Controller;
  /** The deployments that a request may name. */
  readonly upstreams: readonly Upstream[];
  readonly maxAnswerBytes: number;
  readonly log: Log;
};

/** A request that was decided on, on its way through. */
type Exchange = {
  readonly call: Call;
  readonly request: ChatRequest;
  readonly decision: RoutingDecision;
  /** Time spent waiting for the deployment. */
  upstreamMs: number;
};

/** The request path: validate, find the ask, decide, send, pass the answer through. */
export function createCompleteChat(options: CompleteChatOptions): CompleteChat {
  return async (call) => {
    const request = parseChatRequest(call.body);
    const decision = await decide(options, call, request);
    const exchange: Exchange = { call, request, decision, upstreamMs: 0 };
    try {
      return await exchangeAnswer(options, exchange);
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      record(options.log, exchange, error.status, error);
      return errorAnswer(error, answerHeaders(exchange, {}));
    }
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
    ...(deployment && { deployment }),
  });
}

async function exchangeAnswer(options: CompleteChatOptions, exchange: Exchange): Promise<Answer> {
  const { call, request } = exchange;
  const upstreamAnswer = await send(exchange);
  const isEventStream = upstreamAnswer.headers['content-type']?.includes('text/event-stream');
  if (upstreamAnswer.status === 200 && isEventStream && request.stream) {
    return streamedAnswer(options, exchange, upstreamAnswer);
  }
  const bytes = await timed(exchange, () =>
    readAnswer(upstreamAnswer, options.maxAnswerBytes, call.signal),
  );
  const answer = plainAnswer(exchange, upstreamAnswer, bytes);
  record(options.log, exchange, answer.status);
  return answer;
}

function send(exchange: Exchange): Promise<UpstreamAnswer> {
  const { call, request, decision } = exchange;
  const { upstream } = decision;
  return timed(exchange, () =>
    upstream.send({
      operation: 'chat/completions',
      body: toJson({ ...request.upstreamBody, model: upstream.deployment.name }),
      headers: passRequestHeaders(call.header),
      signal: call.signal,
    }),
  );
}

function streamedAnswer(
  { maxAnswerBytes, log }: CompleteChatOptions,
  exchange: Exchange,
  { headers, body }: UpstreamAnswer,
): Answer {
  const { call, request } = exchange;
  return {
    status: 200,
    headers: {
      ...answerHeaders(exchange, headers),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
    },
    body: passEvents(body, {
      includeUsage: request.includeUsage,
      maxBytes: maxAnswerBytes,
      signal: call.signal,
      onEnd: (error) => record(log, exchange, 200, error),
    }),
  };
}

function plainAnswer(exchange: Exchange, upstream: UpstreamAnswer, bytes: Buffer): Answer {
  const { request, decision } = exchange;
  const headers = answerHeaders(exchange, upstream.headers);
  if (upstream.status !== 200) return passError(upstream.status, bytes, headers);
  const body = addAnswerFields(bytes, {
    selectedModel: decision.upstream.deployment.modelName,
    ...(request.routing.explain && { routing: decisionFacts(decision) }),
  });
  return { status: 200, headers: { ...headers, 'content-type': 'application/json' }, body };
}

function answerHeaders(
  { call, decision, upstreamMs }: Exchange,
  upstream: Readonly<Record<string, string>>,
): Record<string, string> {
  const overheadMs = performance.now() - call.startedAt - upstreamMs;
  return {
    ...passAnswerHeaders(upstream),
    ...decisionHeaders(decision),
    'x-smart-router-attempts': '1',
    'x-smart-router-overhead-ms': overheadMs.toFixed(3),
  };
}

async function timed<T>(exchange: Exchange, wait: () => Promise<T>): Promise<T> {
  const from = performance.now();
  try {
    return await wait();
  } finally {
    exchange.upstreamMs += performance.now() - from;
  }
}

/** One line a request: what was decided, and how it ended. */
function record(log: Log, exchange: Exchange, status: number, error?: UpstreamError): void {
  const { call, request, decision } = exchange;
  log(error === undefined ? 'info' : 'warning', 'chat', {
    requestId: call.requestId,
    caller: call.caller?.name,
    useCase: readUseCase(call),
    deployment: decision.upstream.deployment.name,
    tier: decision.tier,
    reason: decision.reason,
    winRate: decision.winRate,
    threshold: decision.threshold,
    distance: decision.distance,
    embeddingCache: decision.embeddingCache,
    stream: request.stream,
    status,
    error: error && errorKind(error),
    totalMs: Math.round(performance.now() - call.startedAt),
  });
}

/** Names the caller's kind of work in the log. What is no name is left out: it may be anything. */
function readUseCase({ header }: Call): string | undefined {
  const useCase = header('x-use_case') ?? header('x-use-case');
  return useCase !== null && /^[\w.:-]{1,64}$/.test(useCase) ? useCase : undefined;
}
