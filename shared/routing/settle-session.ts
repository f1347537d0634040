import type { Session } from '../policy/session.ts';
import type { Member, Model } from '../registry/fleet.ts';
import { estimateCost } from '../registry/fleet.ts';
import { costOf, type Tokens } from '../spending/cost.ts';
import type { Ranking } from './routing-decision.ts';

/** Where a conversation is, if it may go on there. */
export type Held = { readonly model: Model; readonly member: Member };

/** Where the price of cached input is not known: the share of that of input that it is taken for. */
const CACHED_PRICE_SHARE = 0.25;

/** Undefined when it is nowhere yet, or where it was is no candidate. */
export function findHeld({ deployment }: Session, models: readonly Model[]): Held | undefined {
  for (const model of models) {
    const member = model.members.find(({ upstream }) => upstream.deployment.name === deployment);
    if (member !== undefined) return { model, member };
  }
  return undefined;
}

/** The ranking of a conversation that stays without a score; undefined when it is to be scored. */
export function stayUnscored(
  { affinity, isToolLoop }: Session,
  { model }: Held,
  models: readonly Model[],
): Ranking | undefined {
  if (!isToolLoop && affinity !== 'sticky') return undefined;
  return { ranked: first(model, models), reason: isToolLoop ? 'tool-loop' : 'session', facts: {} };
}

/**
 * What becomes of a ranking in a conversation: it may go up at any time. It comes down only when the
 * cheaper model's win rate is clear of the threshold by the margin, and when that costs less than to
 * stay, the prompt being in the cache of the service that has the conversation.
 */
export function settleSession(
  session: Session,
  held: Held,
  choice: {
    readonly models: readonly Model[];
    readonly threshold: number;
    readonly tokens: Tokens;
  },
  ranking: Ranking,
): Ranking {
  const { models, threshold, tokens } = choice;
  const [proposed] = ranking.ranked;
  if (proposed === undefined || proposed === held.model) return ranking;
  const isUp = models.indexOf(proposed) < models.indexOf(held.model);
  // What could not be scored is no reason to move.
  const isJudged = ranking.reason === 'win-rate' || ranking.reason === 'out-of-distribution';
  if (isUp && isJudged) return ranking;
  const stay = costToStay(held.member, tokens, session.cachedTokens);
  const leave = estimateCost(firstOf(proposed), tokens);
  const facts = { ...ranking.facts, costToStay: stay, costToSwitch: leave };
  const winRate = ranking.facts.rivals?.find(({ model }) => model === proposed)?.winRate;
  const isClear = winRate !== undefined && winRate < threshold - session.switchMargin;
  if (ranking.reason === 'win-rate' && isClear && leave < stay) return { ...ranking, facts };
  return { ranked: first(held.model, ranking.ranked), reason: 'session', facts };
}

/** USD, or what counts as such where the price is not known. */
function costToStay(member: Member, tokens: Tokens, cachedTokens: number): number {
  const { price } = member;
  if (price === undefined) return estimateCost(member, tokens);
  const cachedInput = price.cached_input ?? price.input * CACHED_PRICE_SHARE;
  const cached = Math.min(cachedTokens, tokens.prompt);
  return costOf({ ...price, cached_input: cachedInput }, { ...tokens, cached });
}

function firstOf({ members }: Model): Member {
  const [member] = members;
  if (member === undefined) throw new Error('A model has a deployment.');
  return member;
}

function first(model: Model, models: readonly Model[]): readonly Model[] {
  return [model, ...models.filter((one) => one !== model)];
}
