import type { FoundAsk } from '../asks/find-ask.ts';
import type { Member } from '../registry/fleet.ts';
import type { Considered } from '../routing/find-candidates.ts';
import type { RoutingDecision } from '../routing/routing-decision.ts';

/** A decision as `POST /llm/route` answers it and `routing.explain` adds it to an answer. */
export function decisionFacts(
  decision: RoutingDecision,
  /** The scored ask of a decision that is explained; its text is left out. */
  explained?: { found(): FoundAsk | undefined },
): Record<string, unknown> {
  const { winRate, percentile, threshold, thresholdFrom, considered } = decision;
  const { costToStay, costToSwitch, strongBetter } = decision;
  const { deployment } = decision.member.upstream;
  const scored = winRate === undefined ? undefined : explained?.found();
  return {
    object: 'routing.decision',
    ...(percentile !== undefined && { percentile }),
    ...(winRate !== undefined && { win_rate: winRate }),
    ...(strongBetter !== undefined && { strong_better: strongBetter }),
    ...(threshold !== undefined && { threshold }),
    ...(thresholdFrom !== undefined && { threshold_from: thresholdFrom }),
    tier: decision.tier,
    selected_model: deployment.modelName,
    deployment: deployment.name,
    reason: decision.reason,
    ...(costToStay !== undefined && { cost_to_stay: finite(costToStay) }),
    ...(costToSwitch !== undefined && { cost_to_switch: finite(costToSwitch) }),
    ...(scored && { scored: scoredFacts(scored) }),
    ...(explained && considered && { candidates: candidatesOf(decision) }),
  };
}

function scoredFacts({ text, place, material }: FoundAsk): Record<string, unknown> {
  return { characters: text.length, found_in: place, material };
}

/** All deployments that were considered; undefined when the request named its deployment. */
export function candidatesOf({
  considered,
  member,
}: RoutingDecision): readonly Record<string, unknown>[] | undefined {
  return considered?.map((one) => candidateFacts(one, member));
}

/** Null for the infinite cost of a deployment without a price: JSON has no number for it. */
function finite(cost: number): number | null {
  return Number.isFinite(cost) ? cost : null;
}

/** A deployment that was considered, with the reason why it was passed over: `null` for the one that answers. */
function candidateFacts(one: Considered, answering: Member): Record<string, unknown> {
  const { member, cost, winRate, obstacle } = one;
  const { upstream, tier, price } = member;
  return {
    deployment: upstream.deployment.name,
    model: upstream.deployment.modelName,
    tier,
    ...(winRate !== undefined && { win_rate: winRate }),
    ...(price && { price, estimated_cost: cost }),
    passed_over: whyPassedOver(one, answering) ?? null,
    ...(obstacle !== undefined && { lacks: obstacle }),
  };
}

/** `failed` for a deployment that was chosen and could not answer. */
function whyPassedOver({ member, passedOver }: Considered, answering: Member): string | undefined {
  return member === answering ? undefined : (passedOver ?? 'failed');
}

/** Adds the headers that give the same facts. */
export function addDecisionHeaders(
  headers: Record<string, string>,
  decision: RoutingDecision,
): void {
  const { member, tier, reason, embeddingCache, percentile, winRate, threshold } = decision;
  const { scorer, considered } = decision;
  headers['x-smart-router-selected-model'] = member.upstream.deployment.modelName;
  headers['x-smart-router-tier'] = tier;
  headers['x-smart-router-reason'] = reason;
  headers['x-smart-router-embedding-cache'] = embeddingCache;
  if (percentile !== undefined) headers['x-smart-router-percentile'] = percentile.toFixed(4);
  if (winRate !== undefined) headers['x-smart-router-win-rate'] = String(winRate);
  if (threshold !== undefined) headers['x-smart-router-threshold'] = String(threshold);
  if (scorer !== undefined) headers['x-smart-router-scorer'] = scorer;
  if (considered) headers['x-smart-router-candidates'] = candidatesHeader(considered, member);
}

/**
 * The longest header that proxies surely pass on, in characters; the body of an explained answer has all
 * candidates.
 */
const MAX_CANDIDATES_LENGTH = 2_048;

/**
 * The candidates as in `strong;price=4/20;passed-over=price, weak;price=0.2/1.2;win-rate=0.2431`: prices in
 * USD per million tokens of input and output, and the win rate of the strongest over each of the others.
 */
function candidatesHeader(considered: readonly Considered[], answering: Member): string {
  let header = '';
  for (const [index, one] of considered.entries()) {
    const entry = candidateEntry(one, answering);
    if (header.length + entry.length > MAX_CANDIDATES_LENGTH) {
      return `${header}, ...;more=${considered.length - index}`;
    }
    header += index === 0 ? entry : `, ${entry}`;
  }
  return header;
}

function candidateEntry(one: Considered, answering: Member): string {
  const { winRate } = one;
  const { price, upstream } = one.member;
  const passedOver = whyPassedOver(one, answering);
  let entry = encodeURIComponent(upstream.deployment.name);
  if (price) entry += `;price=${price.input}/${price.output}`;
  if (winRate !== undefined) entry += `;win-rate=${winRate.toFixed(4)}`;
  if (passedOver) entry += `;passed-over=${passedOver}`;
  return entry;
}
