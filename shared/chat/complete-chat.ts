import type { Answer, Call } from '../answer.ts';
import { createLessons, type Lessons } from '../capabilities/lessons.ts';
import type { Controller } from '../controller.ts';
import type { Needs } from '../find-candidates.ts';
import type { Fleet } from '../registry/fleet.ts';
import { readControls } from '../routing/controls.ts';
import type { RoutingDecision } from '../routing-decision.ts';
import { canBeAsked, type Upstream } from '../upstream/upstream.ts';
import type { FindPolicy } from '../use-case-policy.ts';
import { type AnswerChat, answerChat, type Exchange } from './answer-chat.ts';
import { askDeployment, type Turn } from './ask-deployment.ts';
import { callsMade } from './attempts.ts';
import { type ChatRequest, parseChatRequest } from './chat-request.ts';
import { needsOf } from './guards.ts';
import { findNewestAsk } from './newest-ask.ts';
import { findTarget } from './target.ts';

export type CompleteChat = (call: Call) => Promise<Answer>;

type CompleteChatOptions = AnswerChat & {
  readonly controller: Controller;
  /** What can be called now. */
  readonly getFleet: () => Fleet;
  readonly findPolicy: FindPolicy;
  readonly maxAnswerBytes: number;
  /** How long a deployment's first byte is waited for while another could answer. */
  readonly firstByteTimeoutMs: number;
  /** Calls to deployments that one request may cost. */
  readonly maxAttempts: number;
};

/** The request path: validate, guard, decide, adapt, send, fall back, pass the answer through. */
export function createCompleteChat(options: CompleteChatOptions): CompleteChat {
  const lessons = new WeakMap<Upstream, Lessons>();
  return async (call) => {
    const request = parseChatRequest(call.body);
    const from = performance.now();
    const needs = needsOf(request);
    const decision = await decide(options, call, request, needs);
    const decisionMs = performance.now() - from;
    const exchange: Exchange = {
      call,
      request,
      needs,
      decision,
      decisionMs,
      attempts: [],
      upstreamMs: 0,
    };
    const turn = await askInTurn(options, exchange, lessons);
    return answerChat(options, exchange, turn);
  };
}

async function decide(
  { controller, getFleet, findPolicy }: CompleteChatOptions,
  call: Call,
  request: ChatRequest,
  needs: Needs,
): Promise<RoutingDecision> {
  const fleet = getFleet();
  const { controls, named } =
    call.deployment === undefined
      ? findTarget(request.model ?? 'smart-router', 'model', fleet)
      : findTarget(call.deployment, 'deployment', fleet);
  return controller.route({
    fleet,
    text: findNewestAsk(request.messages),
    controls: readControls(request.routing, call.header, controls),
    signal: call.signal,
    caller: call.caller,
    policy: findPolicy(fleet, call.useCase),
    needs,
    ...(named && { named }),
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
    const { upstream } = exchange.decision.member;
    const callsLeft = options.maxAttempts - callsMade(attempts);
    // While nobody else would take the request, the one that has it is given all the time there is.
    const isLast = callsLeft <= 1 || !waiting.some((one) => canBeAsked(one.upstream));
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
    exchange.decision = { ...exchange.decision, member: next, tier: next.tier, reason: 'fallback' };
  }
}
