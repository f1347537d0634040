import type { Log } from '../base/log.ts';
import { roundMs } from '../base/round-ms.ts';
import type { Call } from '../calls/call.ts';
import { createLessons, type Lessons } from '../capabilities/lessons.ts';
import type { RoutingDecision } from '../routing/routing-decision.ts';
import { type Blame, createBlame } from '../upstream/blame.ts';
import { canBeAsked, type Upstream } from '../upstream/upstream.ts';
import { askDeployment, type Turn } from './ask-deployment.ts';
import { type Attempt, callsMade } from './attempts.ts';
import type { Decided } from './decide.ts';

export type AskOptions = {
  /** Calls to deployments that one request may cost. */
  readonly maxAttempts: number;
  /** How long a deployment's first byte is waited for while another could answer, in ms. */
  readonly firstByteTimeoutMs: number;
  /** How long a stream may be silent after its first content, in ms. */
  readonly streamIdleTimeoutMs: number;
  readonly maxAnswerBytes: number;
  readonly log: Log;
};

/** What came of asking. */
type Asked = {
  /** The decision, with the deployment that was asked last. */
  readonly decision: RoutingDecision;
  readonly attempts: readonly Attempt[];
  /** The time spent waiting for deployments, in ms. */
  readonly upstreamMs: number;
  /** The turn of the deployment that was asked last. */
  readonly turn: Turn;
};

type LessonsOf = (upstream: Upstream) => Lessons;

/**
 * Asks the chosen deployment, and those after it in the fallback order while none has answered. What the
 * deployments refuse teaches later requests how each wants to be asked.
 */
export function createAskInOrder(options: AskOptions): (decided: Decided) => Promise<Asked> {
  const lessons = new WeakMap<Upstream, Lessons>();
  function lessonsOf(upstream: Upstream): Lessons {
    const known = lessons.get(upstream) ?? createLessons();
    lessons.set(upstream, known);
    return known;
  }
  return async (decided) => {
    const blame = createBlame();
    try {
      return await askInOrder(options, decided, { lessonsOf, blame });
    } finally {
      blame.settle();
    }
  };
}

async function askInOrder(
  options: AskOptions,
  { call, ask, decision: chosen }: Decided,
  { lessonsOf, blame }: { readonly lessonsOf: LessonsOf; readonly blame: Blame },
): Promise<Asked> {
  const { maxAttempts, maxAnswerBytes, firstByteTimeoutMs: firstByteMs } = options;
  const { streamIdleTimeoutMs: idleMs } = options;
  const attempts: Attempt[] = [];
  function onAttempt(attempt: Attempt): void {
    attempts.push(attempt);
    logAttempt(options.log, call, attempt);
  }
  const waiting = [...chosen.others];
  let decision = chosen;
  let upstreamMs = 0;
  for (;;) {
    const { upstream } = decision.member;
    const callsLeft = maxAttempts - callsMade(attempts);
    // While no other would take the request, the one that has it is given all the time there is.
    const isLast = callsLeft <= 1 || !waiting.some((one) => canBeAsked(one.upstream));
    const from = performance.now();
    const turn = await askDeployment(upstream, {
      call,
      request: ask.request,
      lessons: lessonsOf(upstream),
      blame,
      maxAnswerBytes,
      idleMs,
      ...(!isLast && { firstByteMs }),
      callsLeft,
      onAttempt,
    });
    upstreamMs += performance.now() - from;
    const mayAskOn = turn.mayFallBack && callsMade(attempts) < maxAttempts;
    const next = mayAskOn ? waiting.shift() : undefined;
    if (next === undefined) return { decision, attempts, upstreamMs, turn };
    if (turn.reply.kind === 'events') await turn.reply.events.discard();
    decision = { ...decision, member: next, tier: next.tier, reason: 'fallback' };
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
