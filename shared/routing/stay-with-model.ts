import type { Session } from '../policy/session.ts';
import type { Member, Model } from '../registry/fleet.ts';
import { estimateCost } from '../registry/fleet.ts';
import { costOf, type Tokens } from '../spending/cost.ts';
import type { Ranking } from './routing-decision.ts';

/** The model and the deployment that have a conversation, where it may go on there. */
export type Held = { readonly model: Model; readonly member: Member };

/** A conversation with a model, and the choice that its next request has. */
type Place = {
  readonly session: Session;
  readonly held: Held;
  /** The candidates, the strongest first. */
  readonly models: readonly Model[];
  /** A win rate, from 0 to 1. */
  readonly threshold: number;
  /** The estimated size of the request. */
  readonly tokens: Tokens;
};

/** The share of the input price that cached input is taken to cost where its price is not known. */
const CACHED_PRICE_SHARE = 0.25;

/** Undefined when no model has the conversation yet, or the one that has it is no candidate. */
export function findHeld({ deployment }: Session, models: readonly Model[]): Held | undefined {
  for (const model of models) {
    const member = model.members.find(({ upstream }) => upstream.deployment.name === deployment);
    if (member !== undefined) return { model, member };
  }
  return undefined;
}

/** The ranking of a conversation that stays without a score; undefined when it has to be scored. */
export function stayUnscored({ session, held, models }: Place): Ranking | undefined {
  const { affinity, isToolLoop } = session;
  if (!isToolLoop && affinity !== 'sticky') return undefined;
  const ranked = first(held.model, models);
  return { ranked, reason: isToolLoop ? 'tool-loop' : 'session', facts: {} };
}

/**
 * Turns the ranking of a request into that of its conversation. A conversation goes up to a stronger model
 * at any time. It comes down only when the cheaper model's win rate is clear of the threshold by the
 * margin, and when that costs less than to stay with the service that has the prompt in its cache.
 */
export function stayOrSwitch(place: Place, ranking: Ranking): Ranking {
  const { session, held, models, threshold, tokens } = place;
  const [proposed] = ranking.ranked;
  if (proposed === undefined || proposed === held.model) return ranking;
  const isUp = models.indexOf(proposed) < models.indexOf(held.model);
  // An unscored ranking is no reason to move.
  if (isUp && ranking.reason === 'win-rate') return ranking;
  const stay = costToStay(held.member, tokens, session.cachedTokens);
  const leave = estimateCost(firstOf(proposed), tokens);
  const facts = { ...ranking.facts, costToStay: stay, costToSwitch: leave };
  const winRate = ranking.facts.rivals?.find(({ model }) => model === proposed)?.winRate;
  const isClear = winRate !== undefined && winRate < threshold - session.switchMargin;
  if (ranking.reason === 'win-rate' && isClear && leave < stay) return { ...ranking, facts };
  return { ranked: first(held.model, ranking.ranked), reason: 'session', facts };
}

/** In USD, or in the assumed cost of a deployment whose price is not known. */
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
