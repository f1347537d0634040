import type { ScoringTimes } from '../decisions/scoring-times.ts';
import type { Rival } from '../policy/rank-models.ts';
import type { PromptEmbedding } from '../prompt-embedding/prompt-embedding.ts';
import type { Member, Model } from '../registry/fleet.ts';
import type { Considered, PassedOver } from './find-candidates.ts';

/** Why a deployment was chosen. */
export type Reason =
  /** The win rates were compared with the threshold. */
  | 'win-rate'
  /** The request named the deployment. */
  | 'deployment'
  /** The models that the request, its use case or its caller may have left one. */
  | 'models'
  /** One model can serve the request: the others lack what it needs. */
  | 'requirements'
  /** One model costs no more than the use case may spend on a request. */
  | 'price-ceiling'
  /** The budget of the use case is spent: the cheapest of the weak tier. */
  | 'budget'
  /** Another deployment answered, because the chosen one could not. */
  | 'fallback'
  /** There was nothing to score, such as only images. */
  | 'no-text'
  /** The prompt could not be embedded. */
  | 'embedding-unavailable'
  /** The scorer failed. */
  | 'scorer-unavailable'
  /** The conversation stays with its model: a switch would cost more than it gains, or is not wanted. */
  | 'session'
  /** The request brings results of tools to the model that called them. */
  | 'tool-loop';

/** The deployment that answers, and its tier. */
export type Chosen = {
  readonly member: Member;
  readonly tier: 'strong' | 'weak' | 'direct';
};

export type RoutingDecision = Chosen & {
  readonly reason: Reason;
  /** The deployments that may answer instead, in the order in which they are asked. */
  readonly others: readonly Member[];
  /** All deployments that were considered; absent when the request named its deployment. */
  readonly considered?: readonly Considered[];
  /** The strongest candidate, and the cheapest of the others; absent when the request named its deployment. */
  readonly strongest?: Model | undefined;
  readonly cheapest?: Model | undefined;
  /**
   * The win rate of the strongest candidate over the best of the others, in [0, 1]: with two models, of the
   * strong over the weak one. Absent when nothing was scored.
   */
  readonly winRate?: number;
  /**
   * The share, in [0, 1], of prompts on which the strongest has a lower win rate over the cheapest of the
   * others: of the router's recent prompts, or of the calibration's.
   */
  readonly percentile?: number | undefined;
  /** The probability, in [0, 1], that the strongest answers better than the cheapest, where it was measured. */
  readonly strongBetter?: number | undefined;
  /** The same share of the calibration's prompts, while `percentile` is of recent ones. */
  readonly shippedPercentile?: number | undefined;
  readonly threshold?: number;
  /** The source of the threshold, such as `setting`, `shipped` or `own 62%`. */
  readonly thresholdFrom?: string;
  /** The share, in [0, 1], of such prompts that goes to the strongest at this threshold. */
  readonly strongShareForeseen?: number | undefined;
  /** The cost of a request in a thread, in USD: with the thread's model, and with the one that it might go to. */
  readonly costToStay?: number;
  readonly costToSwitch?: number;
  /** `id@version` of the scorer; absent when it was not asked. */
  readonly scorer?: string;
  readonly embeddingCache: PromptEmbedding['cache'];
  readonly times?: ScoringTimes | undefined;
};

/** The facts that were found on the way to a decision. */
export type Facts = Partial<
  Pick<
    RoutingDecision,
    | 'winRate'
    | 'percentile'
    | 'shippedPercentile'
    | 'strongBetter'
    | 'strongShareForeseen'
    | 'scorer'
    | 'embeddingCache'
    | 'times'
    | 'costToStay'
    | 'costToSwitch'
  >
> & { readonly rivals?: readonly Rival<Model>[] };

type Choice = {
  /** The candidates, the strongest first. */
  readonly models: readonly Model[];
  readonly considered: readonly Considered[];
  readonly threshold: number;
  readonly thresholdFrom: string;
  /** The cheapest of the others. */
  readonly cheapest: Model | undefined;
};

/**
 * The decision that the first deployment in `order` answers and the others stand in for it. `order` has the
 * deployments of the ranked models as `fallbackOrder` puts them.
 */
export function createDecision(
  choice: Choice,
  { ranked, reason, facts: found }: Ranking,
  order: readonly Member[],
): RoutingDecision {
  const { considered, threshold, thresholdFrom, models, cheapest } = choice;
  const { rivals = [], ...facts } = found;
  const [member, ...others] = order;
  if (member === undefined) throw new Error('There is no candidate to choose.');
  return {
    embeddingCache: 'none',
    threshold,
    thresholdFrom,
    strongest: models[0],
    cheapest,
    ...facts,
    member,
    tier: member.tier,
    reason,
    others,
    considered: considered.map((one) => {
      const model = choice.models.find(({ members }) => members.includes(one.member));
      if (model === undefined) return one;
      const winRate = rivals.find((rival) => rival.model === model)?.winRate;
      const isEnough = reason !== 'win-rate' || winRate === undefined || winRate < threshold;
      const passedOver: PassedOver = model === ranked[0] ? 'load' : whyPassedOver(reason, isEnough);
      return { ...one, winRate, passedOver: one.member === member ? undefined : passedOver };
    }),
  };
}

function whyPassedOver(reason: Reason, isEnough: boolean): PassedOver {
  if (reason === 'session' || reason === 'tool-loop') return 'session';
  if (!isEnough) return 'win-rate';
  return reason === 'win-rate' || reason === 'budget' ? 'price' : 'tier';
}

/** The order in which models are asked, its reason, and the facts found on the way to it. */
export type Ranking = {
  readonly ranked: readonly Model[];
  readonly reason: Reason;
  readonly facts: Facts;
};
