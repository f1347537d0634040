import type { Answer } from '../base/answer.ts';
import type { Log } from '../base/log.ts';
import { roundMs } from '../base/round-ms.ts';
import type { Call } from '../calls/call.ts';
import { createLessons, type Lessons } from '../capabilities/lessons.ts';
import { canBeAsked, type Upstream } from '../upstream/upstream.ts';
import { type AnswerChat, answerChat } from './answer-chat.ts';
import { askDeployment, type Turn } from './ask-deployment.ts';
import { type Attempt, callsMade } from './attempts.ts';
import { type DecideOptions, decide, openRequest } from './decide.ts';
import type { Exchange } from './exchange.ts';
import { keptAnswer } from './kept-answer.ts';

export type CompleteChat = (call: Call) => Promise<Answer>;

type CompleteChatOptions = AnswerChat & {
  readonly decide: DecideOptions;
  readonly maxAnswerBytes: number;
  /** How long a deployment's first byte is waited for while another could answer. */
  readonly firstByteTimeoutMs: number;
  /** Calls to deployments that one request may cost. */
  readonly maxAttempts: number;
};

/** The request path: validate, open the thread, guard, decide, adapt, send, fall back, pass the answer through. */
export function createCompleteChat(options: CompleteChatOptions): CompleteChat {
  const lessons = new WeakMap<Upstream, Lessons>();
  return async (call) => {
    const opened = await openRequest(options.decide, call);
    const { kept } = opened.conversation ?? {};
    if (kept !== undefined) {
      options.log('info', 'chat-replayed', {
        requestId: call.requestId,
        caller: call.caller?.name,
      });
      return keptAnswer(opened.request, kept);
    }
    const from = performance.now();
    const decided = await decide(options.decide, opened);
    const exchange: Exchange = {
      ...decided,
      call,
      decisionMs: performance.now() - from,
      attempts: [],
      upstreamMs: 0,
    };
    const turn = await askInTurn(options, exchange, lessons);
    return answerChat(options, exchange, turn);
  };
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
      onAttempt: (attempt) => {
        attempts.push(attempt);
        logAttempt(options.log, call, attempt);
      },
    });
    exchange.upstreamMs += performance.now() - from;
    const mayAskOn = turn.mayFallBack && callsMade(attempts) < options.maxAttempts;
    const next = mayAskOn ? waiting.shift() : undefined;
    if (next === undefined) return turn;
    if (turn.reply.kind === 'events') await turn.reply.events.discard();
    exchange.decision = { ...exchange.decision, member: next, tier: next.tier, reason: 'fallback' };
  }
}

function logAttempt(log: Log, call: Call, attempt: Attempt): void {
  const { deployment, called, status, code, ms } = attempt;
  const isGood = status === 200 && code === undefined;
  log(isGood ? 'debug' : 'info', 'upstream-attempt', () => ({
    requestId: call.requestId,
    deployment: deployment.name,
    called,
    status,
    code,
    ms: roundMs(ms),
  }));
}
