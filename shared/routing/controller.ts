import type { Log } from '../base/log.ts';
import type { FindQuantiles } from '../matrix-factorization/calibrate-models.ts';
import type { Scorer, Scores } from '../matrix-factorization/scorer.ts';
import {
  namesThreshold,
  type Quantiles,
  readThreshold,
  type ThresholdPolicy,
} from '../policy/controls.ts';
import { createEvenDraws } from '../policy/even-draws.ts';
import { probabilityAt } from '../policy/outcome-curve.ts';
import { type Rival, rankByTier, rankByWinRate } from '../policy/rank-models.ts';
import type { Session } from '../policy/session.ts';
import { percentileOf } from '../policy/threshold.ts';
import type { GetPromptEmbedding } from '../prompt-embedding/prompt-embedding.ts';
import type { Fleet, Member, Model } from '../registry/fleet.ts';
import { controlsOf } from '../registry/use-case-policy.ts';
import type { Ask } from './ask.ts';
import { fallbackOrder } from './fallback-order.ts';
import { type Candidates, checkNamed, findCandidates, type Terms } from './find-candidates.ts';
import {
  createDecision,
  type Facts,
  type Ranking,
  type RoutingDecision,
} from './routing-decision.ts';
import { createScorePrompts, type ScoredPrompt } from './score-prompts.ts';
import { findHeld, stayOrSwitch, stayUnscored } from './stay-with-model.ts';

/** The terms that all requests of a batch share. */
type RouteTerms = Omit<Terms, 'ask'> & {
  readonly fleet: Fleet;
  /** The use case that the caller names, with a policy or without. */
  readonly useCase?: string | undefined;
  /** Ends the wait for the embedding. */
  readonly signal: AbortSignal;
};

export type RouteRequest = RouteTerms & {
  readonly ask: Ask;
  /** The conversation that it continues; absent for a request that continues none. */
  readonly session?: Session;
  /** The deployment that the request names, to be called without routing. */
  readonly named?: Member;
};

/** A batch of prompts. */
export type RouteBatch = RouteTerms & {
  readonly asks: readonly Ask[];
};

export type Controller = {
  route(request: RouteRequest): Promise<RoutingDecision>;
  /** Gives the decisions that the prompts would get one by one, in their order. */
  routeAll(batch: RouteBatch): Promise<RoutingDecision[]>;
};

type ControllerOptions = {
  readonly scorer: Pick<Scorer, 'name' | 'score'>;
  readonly findQuantiles: FindQuantiles;
  readonly policy: ThresholdPolicy;
  /** The tier of prompts that cannot be scored. */
  readonly embeddingFailureTier: 'strong' | 'weak';
  readonly getPromptEmbedding: GetPromptEmbedding;
  readonly log: Log;
  /** Gives a number from 0 to 1, below 1. */
  readonly random?: () => number;
};

/** The candidates, and the threshold that their win rates are compared with. */
type Choice = Candidates & {
  readonly threshold: number;
  readonly thresholdFrom: string;
  /** The quantiles of the win rates of the strongest over the cheapest of the others. */
  readonly quantiles: Quantiles | undefined;
  readonly cheapest: Model | undefined;
};

/** Decides which deployment answers a request: the cheapest that will answer it well. */
export function createController(options: ControllerOptions): Controller {
  const { random = Math.random } = options;
  const score = createScorePrompts(options);
  const finding = { ...options, draw: createEvenDraws(random()) };

  async function rankOne(choice: Choice, ask: Ask, signal: AbortSignal): Promise<Ranking> {
    const unscored = rankUnscored(choice);
    if (unscored !== undefined) return unscored;
    const text = ask.found()?.text;
    if (text === undefined) return { ranked: choice.models, reason: 'no-text', facts: {} };
    return rank(options, choice, await score.one(text, signal));
  }

  return {
    route: async ({ named, fleet, signal, session, ...terms }) => {
      const { ask } = terms;
      if (named !== undefined) return decideNamed(named, terms);
      const choice = await findChoice(finding, fleet, terms);
      const held = session && findHeld(session, choice.models);
      const place = session && held && { ...choice, session, held, tokens: ask.tokens() };
      const ranking = (place && stayUnscored(place)) ?? (await rankOne(choice, ask, signal));
      const settled = place === undefined ? ranking : stayOrSwitch(place, ranking);
      const order = fallbackOrder(settled.ranked, { random, held: held?.member });
      return createDecision(choice, settled, order);
    },
    routeAll: async ({ asks, fleet, signal, ...terms }) => {
      const choices: Choice[] = [];
      for (const ask of asks) choices.push(await findChoice(finding, fleet, { ...terms, ask }));
      const open = asks.filter((_, index) => choices[index]?.only === undefined);
      const texts = open.map((ask) => ask.found()?.text ?? '');
      const scored = (await score.all(texts, signal)).values();
      return choices.map((choice) => {
        const ranking =
          rankUnscored(choice) ?? rank(options, choice, scored.next().value as ScoredPrompt);
        return createDecision(choice, ranking, fallbackOrder(ranking.ranked, { random }));
      });
    },
  };
}

async function findChoice(
  { policy, findQuantiles, draw }: ControllerOptions & { readonly draw: () => number },
  fleet: Fleet,
  { useCase, ...terms }: Terms & Pick<RouteTerms, 'useCase'>,
): Promise<Choice> {
  const candidates = await findCandidates(fleet, terms);
  const { controls } = terms;
  const [strongest] = candidates.models;
  const cheapest = rankByTier(candidates.models, 'weak').find((model) => model !== strongest);
  const pair = [strongest?.scorerModel ?? '', cheapest?.scorerModel] as const;
  const quantiles = findQuantiles(...pair, useCase);
  const isAsked = namesThreshold(controls);
  const asked = isAsked ? controls : controlsOf(terms.policy);
  const asker = isAsked ? 'request' : 'use case';
  const threshold = readThreshold({ asked, asker }, policy, { quantiles, random: draw });
  return {
    ...candidates,
    quantiles,
    cheapest,
    threshold: threshold.value,
    thresholdFrom: threshold.from,
  };
}

/** The ranking of a choice that needs no score; undefined when it needs one. */
function rankUnscored({ only, models }: Choice): Ranking | undefined {
  if (only === undefined) return undefined;
  const ranked = rankByTier(models, only === 'budget' ? 'weak' : 'strong');
  return { ranked, reason: only, facts: {} };
}

/** Ranks the models for a prompt that was scored, or could not be. */
function rank(options: ControllerOptions, choice: Choice, scored: ScoredPrompt): Ranking {
  const { models, threshold, quantiles } = choice;
  const { embeddingCache, times } = scored;
  const byTier = (tier: 'strong' | 'weak') => rankByTier(models, tier);
  const [strongest, ...others] = models;
  if ('failure' in scored || strongest === undefined) {
    const reason = 'failure' in scored ? scored.failure : 'scorer-unavailable';
    const ranked = byTier(options.embeddingFailureTier);
    return { ranked, reason, facts: { embeddingCache, times } };
  }
  const rivals = rivalsOf(strongest, others, scored.scores);
  if (rivals === undefined) {
    options.log('warning', 'scoring-failed', { error: 'NaN' });
    const ranked = byTier(options.embeddingFailureTier);
    return { ranked, reason: 'scorer-unavailable', facts: { embeddingCache, times } };
  }
  const winRate = Math.min(...rivals.map((rival) => rival.winRate));
  const overCheapest = rivals.find(({ model }) => model === choice.cheapest)?.winRate ?? winRate;
  const facts: Facts = {
    winRate,
    rivals,
    ...sharesOf(quantiles, overCheapest, threshold),
    scorer: options.scorer.name,
    embeddingCache,
    times,
  };
  return { ranked: rankByWinRate(strongest, rivals, threshold), reason: 'win-rate', facts };
}

/** The places of a win rate and the threshold among the quantiles. */
function sharesOf(quantiles: Quantiles | undefined, winRate: number, threshold: number): Facts {
  if (quantiles === undefined) return {};
  const { values, shipped, outcomes } = quantiles;
  return {
    percentile: percentileOf(values, winRate),
    strongBetter: outcomes && probabilityAt(outcomes, winRate),
    shippedPercentile: shipped && percentileOf(shipped, winRate),
    strongShareForeseen: 1 - percentileOf(values, threshold),
  };
}

/** Undefined when the scorer gave no number for one of the models. */
function rivalsOf(
  { scorerModel: strongest }: Model,
  others: readonly Model[],
  scores: Scores,
): readonly Rival<Model>[] | undefined {
  const rivals = others.map((model) => ({
    model,
    winRate: scores.winRate(strongest, model.scorerModel),
  }));
  return rivals.some(({ winRate }) => Number.isNaN(winRate)) ? undefined : rivals;
}

/** A deployment that is called by its name answers itself, even a request that it cannot serve. */
function decideNamed(member: Member, terms: Omit<Terms, 'controls'>): RoutingDecision {
  checkNamed(member, terms);
  return { tier: 'direct', member, reason: 'deployment', others: [], embeddingCache: 'none' };
}
