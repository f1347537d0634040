import { InvalidRequestError } from './errors.ts';
import type { Log } from './log.ts';
import type { Scorer } from './matrix-factorization/scorer.ts';
import type { ModelPair } from './matrix-factorization/scorer-choice.ts';
import type { GetPromptEmbedding, PromptEmbedding } from './prompt-embedding/prompt-embedding.ts';
import {
  type Controls,
  namesThreshold,
  type OutOfDistributionTier,
  readThreshold,
  type ThresholdPolicy,
} from './routing/controls.ts';
import { percentileOf } from './routing/threshold.ts';
import { createScorePrompts, type ScoredPrompt } from './score-prompts.ts';
import type { Upstream } from './upstream/upstream.ts';

/** Why a deployment was chosen. */
export type Reason =
  /** The win rate was compared with the threshold. */
  | 'win-rate'
  /** The prompt is unlike the scorer's training data, and the operator chose where those go. */
  | 'out-of-distribution'
  /** The request named the deployment. */
  | 'deployment'
  /** `routing.models` left one deployment. */
  | 'models'
  /** There was nothing to score, such as images alone. */
  | 'no-text'
  /** The prompt could not be embedded. */
  | 'embedding-unavailable'
  /** The scorer failed. */
  | 'scorer-unavailable';

export type RoutingDecision = {
  readonly tier: 'strong' | 'weak' | 'direct';
  readonly upstream: Upstream;
  readonly reason: Reason;
  /** Of the strong over the weak model, in [0, 1]; absent when nothing was scored. */
  readonly winRate?: number;
  /** The share of the calibration's prompts with a lower win rate, in [0, 1]. */
  readonly percentile?: number;
  readonly threshold?: number;
  /** From the scorer's training data, 0 to 2; absent when the scorer has no limit to it. */
  readonly distance?: number;
  /** `id@version` of the scorer; absent when it was not asked. */
  readonly scorer?: string;
  readonly embeddingCache: PromptEmbedding['cache'];
};

export type RouteRequest = {
  /** The newest human ask, if there is any text. */
  readonly text: string | undefined;
  readonly controls: Controls;
  /** Ends the wait for the embedding. */
  readonly signal: AbortSignal;
  /** The deployment that the request names, to be called without routing. */
  readonly deployment?: Upstream;
};

/** A batch of prompts that shares its controls. */
export type RouteBatch = Pick<RouteRequest, 'controls' | 'signal'> & {
  readonly texts: readonly string[];
};

export type Controller = {
  route(request: RouteRequest): Promise<RoutingDecision>;
  /** The decisions that the prompts would get one by one, in their order. */
  routeAll(batch: RouteBatch): Promise<RoutingDecision[]>;
};

type ControllerOptions = {
  readonly strong: Upstream;
  readonly weak: Upstream;
  readonly scorer: Scorer;
  readonly pair: ModelPair;
  readonly policy: ThresholdPolicy;
  readonly outOfDistributionTier: OutOfDistributionTier;
  readonly getPromptEmbedding: GetPromptEmbedding;
  readonly log: Log;
};

/** Decides which deployment answers a request: `strong` if its win rate reaches the threshold. */
export function createController(options: ControllerOptions): Controller {
  const { strong, weak, scorer, policy, outOfDistributionTier } = options;
  const score = createScorePrompts(options);

  function choose(
    tier: 'strong' | 'weak',
    reason: Reason,
    facts: Partial<RoutingDecision> = {},
  ): RoutingDecision {
    const upstream = tier === 'strong' ? strong : weak;
    return { embeddingCache: 'none', ...facts, tier, upstream, reason };
  }

  /** What the models to choose from leave undecided is undefined. */
  function chooseUnscored(controls: Controls, threshold: number): RoutingDecision | undefined {
    const tier = onlyTier(controls.models, strong.deployment.name, weak.deployment.name);
    return tier && choose(tier, 'models', { threshold });
  }

  function decide(scored: ScoredPrompt, controls: Controls, threshold: number): RoutingDecision {
    const { embeddingCache } = scored;
    if ('failure' in scored) return choose('strong', scored.failure, { threshold, embeddingCache });
    const { winRate, distance } = scored.prediction;
    const { distanceLimit } = scorer;
    const facts = {
      winRate,
      threshold,
      ...(policy.quantiles && { percentile: percentileOf(policy.quantiles, winRate) }),
      ...(distanceLimit !== undefined && distance !== undefined && { distance }),
      scorer: scorer.name,
      embeddingCache,
    };
    const isOutside = (distance ?? 0) > (distanceLimit ?? Number.POSITIVE_INFINITY);
    if (isOutside && outOfDistributionTier !== 'score' && !namesThreshold(controls)) {
      return choose(outOfDistributionTier, 'out-of-distribution', facts);
    }
    return choose(winRate >= threshold ? 'strong' : 'weak', 'win-rate', facts);
  }

  return {
    route: async ({ text, controls, signal, deployment }) => {
      if (deployment !== undefined) {
        return {
          tier: 'direct',
          upstream: deployment,
          reason: 'deployment',
          embeddingCache: 'none',
        };
      }
      const threshold = readThreshold(controls, policy);
      const unscored = chooseUnscored(controls, threshold);
      if (unscored !== undefined) return unscored;
      if (text === undefined) return choose('strong', 'no-text', { threshold });
      return decide(await score.one(text, signal), controls, threshold);
    },
    routeAll: async ({ texts, controls, signal }) => {
      const threshold = readThreshold(controls, policy);
      const unscored = chooseUnscored(controls, threshold);
      if (unscored !== undefined) return texts.map(() => unscored);
      const scored = await score.all(texts, signal);
      return scored.map((one) => decide(one, controls, threshold));
    },
  };
}

/** The one tier that `routing.models` leaves, or undefined when it leaves both. */
function onlyTier(
  models: readonly string[] | undefined,
  strong: string,
  weak: string,
): 'strong' | 'weak' | undefined {
  if (models === undefined) return undefined;
  if (models.length === 0 || models.some((name) => name !== strong && name !== weak)) {
    throw new InvalidRequestError(
      `routing.models must name deployments to choose from: ${strong}, ${weak}.`,
      { param: 'routing.models' },
    );
  }
  if (models.includes(strong) && models.includes(weak)) return undefined;
  return models.includes(strong) ? 'strong' : 'weak';
}
