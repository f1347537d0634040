import { errorKind, type LogFields } from '../base/log.ts';
import { roundMs } from '../base/round-ms.ts';
import type { DecisionRecord } from '../decisions/decision-record.ts';
import type { Interval } from '../decisions/scoring-times.ts';
import { costOf, type Tokens } from '../spending/cost.ts';
import { attemptChain } from './attempts.ts';
import { stepOf } from './continue-thread.ts';
import { candidatesOf } from './decision-facts.ts';
import type { Ending, Exchange } from './exchange.ts';

/** The record of a request that has been answered. */
export function toRecord(
  exchange: Exchange,
  { status, error, usage }: Ending,
  /** The cost of the answer in USD, and the prompt where prompts are kept. */
  { usd, prompt }: { readonly usd: number | undefined; readonly prompt: string | undefined },
): DecisionRecord {
  const { call, ask, decision, attempts, upstreamMs, continued, firstTokenAt } = exchange;
  const { deployment } = decision.member.upstream;
  const { strongest, cheapest, times } = decision;
  const tokens = usage && { ...ask.tokens(), ...usage };
  const elsewhere = tokens && costsElsewhere(exchange, tokens);
  const totalMs = performance.now() - call.startedAt;
  // The fields are spelled out because this runs for each request, and spreads take several times as long.
  return {
    requestId: call.requestId,
    at: Date.now(),
    tier: decision.tier,
    reason: decision.reason,
    status,
    stream: ask.request.stream,
    winRate: decision.winRate,
    percentile: decision.percentile,
    shippedPercentile: decision.shippedPercentile,
    threshold: decision.threshold,
    thresholdFrom: decision.thresholdFrom,
    strongShareForeseen: decision.strongShareForeseen,
    scorer: decision.scorer,
    useCase: call.useCase,
    session: continued && stepOf(continued, decision.member),
    prompt,
    cost: usd,
    candidates: () => candidatesOf(decision),
    strongModel: strongest?.members[0]?.upstream.deployment.modelName,
    scorerStrong: strongest?.scorerModel,
    scorerWeak: cheapest?.scorerModel,
    deployment: deployment.name,
    selectedModel: deployment.modelName,
    embeddingCache: decision.embeddingCache,
    attempts: attemptChain(attempts),
    overheadMs: roundMs(totalMs - upstreamMs),
    embeddingMs: lengthOf(times?.embedding),
    scoringMs: lengthOf(times?.scoring),
    upstreamMs: roundMs(upstreamMs),
    firstTokenMs: firstTokenAt === undefined ? undefined : roundMs(firstTokenAt - call.startedAt),
    totalMs: roundMs(totalMs),
    caller: call.caller?.name,
    threadId: continued?.conversation.threadId,
    error: error && errorKind(error),
    tokens: tokens && countsOf(tokens),
    costStrong: elsewhere?.strong,
    costWeak: elsewhere?.weak,
  };
}

/** The log line of a record. Its fields are spelled out because this runs for each request. */
export function toLogFields(
  record: DecisionRecord,
  {
    tokens,
    usd,
    answer,
  }: Readonly<Record<'tokens' | 'usd', number | undefined>> & {
    readonly answer: string | undefined;
  },
): LogFields {
  return {
    requestId: record.requestId,
    tier: record.tier,
    reason: record.reason,
    status: record.status,
    stream: record.stream,
    percentile: record.percentile,
    winRate: record.winRate,
    threshold: record.threshold,
    thresholdFrom: record.thresholdFrom,
    strongShareForeseen: record.strongShareForeseen,
    scorer: record.scorer,
    useCase: record.useCase,
    session: record.session,
    prompt: record.prompt,
    strongModel: record.strongModel,
    scorerStrong: record.scorerStrong,
    scorerWeak: record.scorerWeak,
    deployment: record.deployment,
    selectedModel: record.selectedModel,
    embeddingCache: record.embeddingCache,
    attempts: record.attempts,
    overheadMs: record.overheadMs,
    embeddingMs: record.embeddingMs,
    scoringMs: record.scoringMs,
    upstreamMs: record.upstreamMs,
    firstTokenMs: record.firstTokenMs,
    totalMs: record.totalMs,
    caller: record.caller,
    threadId: record.threadId,
    error: record.error,
    costStrong: record.costStrong,
    costWeak: record.costWeak,
    promptTokens: record.tokens?.prompt,
    completionTokens: record.tokens?.completion,
    tokens,
    usd,
    answer,
  };
}

function countsOf({ prompt, completion, cached }: Tokens): Tokens {
  return { prompt, completion, ...(cached !== undefined && { cached }) };
}

/**
 * The cost of the same tokens, in USD, with the strongest and with the cheapest candidate that could have
 * answered. Undefined where a price is not known, since there is then nothing to compare with.
 */
function costsElsewhere(
  { decision }: Exchange,
  tokens: Tokens,
): { readonly strong: number; readonly weak: number } | undefined {
  const { prompt, completion } = tokens;
  let strong: number | undefined;
  let weak = Number.POSITIVE_INFINITY;
  for (const { obstacle, member } of decision.considered ?? []) {
    if (obstacle !== undefined) continue;
    if (member.price === undefined) return undefined;
    const cost = costOf(member.price, { prompt, completion });
    strong ??= cost;
    weak = Math.min(weak, cost);
  }
  return strong === undefined ? undefined : { strong, weak };
}

function lengthOf(interval: Interval | undefined): number | undefined {
  return interval && roundMs(interval[1] - interval[0]);
}
