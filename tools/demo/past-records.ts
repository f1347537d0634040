import type { DecisionRecord } from '../../shared/decisions/decision-record.ts';
import type { Outcome } from '../../shared/decisions/outcome-record.ts';
import { costOf, type Tokens } from '../../shared/spending/cost.ts';
import { type Decided, type PastRequest, tokensOf } from './past-requests.ts';
import { lognormal, type Random } from './random.ts';

/** Shares of all requests. */
const FAILED = 0.006;
const FELL_BACK = 0.012;
/** The share of answers that get a verdict. */
const JUDGED = 0.2;

/** Returns the record that the router would keep of such a request. */
export function toPastRecord(random: Random, requestId: string, past: PastRequest): DecisionRecord {
  const { at, work, decided, scorer } = past;
  const tokens = tokensOf(random, past);
  const fate = random();
  const isFailed = fate < FAILED;
  const isFallback = !isFailed && fate < FAILED + FELL_BACK;
  const stream = random() < work.streamed;
  const answering = isFallback ? otherThan(decided) : decided;
  return {
    requestId,
    at,
    useCase: work.useCase,
    scorer,
    stream,
    winRate: decided.win_rate,
    percentile: decided.percentile,
    threshold: decided.threshold,
    strongShareForeseen: shareOf(work.useCase),
    deployment: answering.deployment,
    selectedModel: answering.selected_model,
    tier: answering.tier,
    reason: isFallback ? 'fallback' : decided.reason,
    candidates: () => decided.candidates,
    embeddingCache: 'none',
    attempts: attemptsOf(decided, answering, { isFailed, isFallback }),
    ...(isFailed
      ? { status: 503, error: 'all_deployments_failed' }
      : { status: 200, tokens, ...costsOf(decided, answering, tokens) }),
    ...timesOf(random, answering, { ...tokens, isStreamed: stream && !isFailed }),
  };
}

/** Strong shares of use cases with their own policy. */
export const POLICIES: Readonly<Record<string, number>> = { extraction: 0.2, coding: 0.75 };
/** The router's default. */
const DEFAULT_SHARE = 0.5;

function shareOf(useCase: string): number {
  return POLICIES[useCase] ?? DEFAULT_SHARE;
}

type Answering = Pick<Decided, 'deployment' | 'selected_model' | 'tier'>;

function otherThan({ candidates, ...decided }: Decided): Answering {
  const other = candidates.find(({ deployment }) => deployment !== decided.deployment);
  if (other === undefined) return decided;
  return { deployment: other.deployment, selected_model: other.model, tier: other.tier };
}

function attemptsOf(
  { deployment }: Answering,
  answering: Answering,
  { isFailed, isFallback }: { readonly isFailed: boolean; readonly isFallback: boolean },
): string {
  if (isFailed) return `${deployment};503, ${deployment};503`;
  return isFallback
    ? `${deployment};429, ${answering.deployment};200`
    : `${answering.deployment};200`;
}

function costsOf({ candidates }: Decided, answering: Answering, tokens: Tokens) {
  const costs = candidates.flatMap(({ deployment, tier, price }) =>
    price === undefined ? [] : [{ deployment, tier, usd: costOf(price, tokens) }],
  );
  const all = costs.map(({ usd }) => usd);
  if (all.length < candidates.length) return {};
  return {
    cost: costs.find(({ deployment }) => deployment === answering.deployment)?.usd,
    costStrong: costs.find(({ tier }) => tier === 'strong')?.usd,
    costWeak: Math.min(...all),
  };
}

/** The strong model writes 60 tokens a second, the weak one 140. */
function timesOf(
  random: Random,
  { tier }: Answering,
  { completion, isStreamed }: { readonly completion: number; readonly isStreamed: boolean },
) {
  const [firstMs, tokenMs] = tier === 'strong' ? [620, 1_000 / 60] : [310, 1_000 / 140];
  const upstreamMs = lognormal(random, firstMs, 0.4) + completion * tokenMs;
  const embeddingMs = lognormal(random, 0.5, 0.35);
  const scoringMs = lognormal(random, 0.25, 0.3);
  const overheadMs = embeddingMs + scoringMs + lognormal(random, 0.6, 0.5);
  return {
    embeddingMs,
    scoringMs,
    overheadMs,
    upstreamMs,
    totalMs: overheadMs + upstreamMs,
    ...(isStreamed && { firstTokenMs: overheadMs + lognormal(random, firstMs, 0.4) }),
  };
}

/** Returns a made-up verdict, or undefined. A weak answer is bad more often the higher the win rate. */
export function toOutcome(random: Random, record: DecisionRecord): Outcome | undefined {
  if (record.status !== 200 || random() > JUDGED) return undefined;
  const chance = record.tier === 'strong' ? 0.02 : 0.12 * (record.winRate ?? 0.5);
  return {
    request_id: record.requestId,
    verdict: random() < chance ? 'bad' : 'good',
    source: random() < 0.7 ? 'judge' : 'user',
  };
}
