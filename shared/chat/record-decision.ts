import type { DecisionRecord } from '../decisions/decision-record.ts';
import { errorKind } from '../log.ts';
import type { RoutingDecision } from '../routing-decision.ts';
import type { ScoringTimes } from '../score-prompts.ts';
import { costOf, type Tokens } from '../spending/cost.ts';
import type { End, Exchange } from './answer-chat.ts';
import { attemptChain } from './attempts.ts';
import { candidatesOf } from './decision-facts.ts';
import { stepOf } from './session-facts.ts';

/** What is kept of a request that has been answered. */
export function toRecord(
  exchange: Exchange,
  status: number,
  { error, usage }: End,
  /** What the answer cost, and what was asked, where that is kept. */
  { usd, prompt }: { readonly usd: number | undefined; readonly prompt: string | undefined },
): DecisionRecord {
  const { call, request, needs, decision, attempts, upstreamMs, continued } = exchange;
  const { deployment } = decision.member.upstream;
  const { caller, useCase, requestId } = call;
  const { winRate, percentile, threshold, strongShareForeseen } = decision;
  const { distance, isOutside, scorer, tier, reason } = decision;
  const session = continued && stepOf(continued, decision.member);
  const tokens = usage && { ...needs.tokens(), ...usage };
  const totalMs = performance.now() - call.startedAt;
  return {
    ...{ requestId, at: Date.now(), tier, reason, status, stream: request.stream },
    ...{ winRate, percentile, threshold, strongShareForeseen, distance, isOutside, scorer },
    ...{ useCase, session, prompt, cost: usd, candidates: candidatesOf(decision) },
    ...namesOf(decision),
    deployment: deployment.name,
    selectedModel: deployment.modelName,
    embeddingCache: decision.embeddingCache,
    attempts: attemptChain(attempts),
    overheadMs: roundMs(totalMs - upstreamMs),
    ...timesOf(decision.times),
    upstreamMs: roundMs(upstreamMs),
    ...(exchange.firstTokenAt !== undefined && {
      firstTokenMs: roundMs(exchange.firstTokenAt - call.startedAt),
    }),
    totalMs: roundMs(totalMs),
    caller: caller?.name,
    threadId: continued?.conversation.threadId,
    error: error && errorKind(error),
    tokens: tokens && countsOf(tokens),
    ...(tokens && costsElsewhere(exchange, tokens)),
  };
}

/** Whom the decision was between. */
function namesOf({ strongest, cheapest }: RoutingDecision) {
  return {
    strongModel: strongest?.members[0]?.upstream.deployment.modelName,
    scorerStrong: strongest?.scorerModel,
    scorerWeak: cheapest?.scorerModel,
  };
}

function countsOf({ prompt, completion, cached }: Tokens): Tokens {
  return { prompt, completion, ...(cached !== undefined && { cached }) };
}

/** Of as many tokens, with the strongest and with the cheapest of those that could have answered. */
function costsElsewhere(
  { decision }: Exchange,
  { prompt, completion }: Tokens,
): Pick<DecisionRecord, 'costStrong' | 'costWeak'> {
  const able = (decision.considered ?? []).filter(({ obstacle }) => obstacle === undefined);
  const costs = able.flatMap(({ member: { price } }) =>
    price === undefined ? [] : [costOf(price, { prompt, completion })],
  );
  // Whose price is not known cannot be compared with.
  const [strong] = able.length === costs.length ? costs : [];
  return strong === undefined ? {} : { costStrong: strong, costWeak: Math.min(...costs) };
}

function timesOf(
  times: ScoringTimes | undefined,
): Pick<DecisionRecord, 'embeddingMs' | 'scoringMs'> {
  const { embedding, scoring } = times ?? {};
  return {
    ...(embedding && { embeddingMs: roundMs(embedding[1] - embedding[0]) }),
    ...(scoring && { scoringMs: roundMs(scoring[1] - scoring[0]) }),
  };
}

export function roundMs(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
