import { InvalidRequestError } from './errors.ts';
import { errorKind, type Log } from './log.ts';
import type { Scorer } from './matrix-factorization/scorer.ts';
import type { ModelPair } from './matrix-factorization/scorer-choice.ts';
import type { GetPromptEmbedding, PromptEmbedding } from './prompt-embedding/prompt-embedding.ts';
import { type Controls, readThreshold, type ThresholdPolicy } from './routing/controls.ts';
import { percentileOf } from './routing/threshold.ts';
import type { Upstream } from './upstream/upstream.ts';

/** Why a deployment was chosen. */
export type Reason =
  /** The win rate was compared with the threshold. */
  | 'win-rate'
  /** The request named the deployment. */
  | 'deployment'
  /** `routing.models` left one deployment. */
  | 'models'
  /** There was nothing to score, such as images alone. */
  | 'no-text'
  /** The prompt could not be embedded. */
  | 'embedding-unavailable';

export type RoutingDecision = {
  readonly tier: 'strong' | 'weak' | 'direct';
  readonly upstream: Upstream;
  readonly reason: Reason;
  /** Of the strong over the weak model, in [0, 1]; absent when nothing was scored. */
  readonly winRate?: number;
  /** The share of the calibration's prompts with a lower win rate, in [0, 1]. */
  readonly percentile?: number;
  readonly threshold?: number;
  /** `id@version` of the scorer; absent when it was not asked. */
  readonly scorer?: string;
  readonly embeddingCache: PromptEmbedding['cache'];
};

export type RouteRequest = {
  /** The newest human ask, if there is any text. */
  readonly text: string | undefined;
  readonly controls: Controls;
  /** The deployment that the request names, to be called without routing. */
  readonly deployment?: Upstream;
};

export type Controller = { route(request: RouteRequest): Promise<RoutingDecision> };

type ControllerOptions = {
  readonly strong: Upstream;
  readonly weak: Upstream;
  readonly scorer: Scorer;
  readonly pair: ModelPair;
  readonly policy: ThresholdPolicy;
  readonly getPromptEmbedding: GetPromptEmbedding;
  readonly log: Log;
};

/** Decides which deployment answers a request: `strong` if its win rate reaches the threshold. */
export function createController(options: ControllerOptions): Controller {
  const { strong, weak, scorer, pair, policy, getPromptEmbedding, log } = options;

  async function compare(text: string, threshold: number): Promise<RoutingDecision> {
    const embedded = await embed(text);
    if (embedded === undefined) return choose('strong', 'embedding-unavailable', { threshold });
    const winRate = await scorer.predictWinRate(embedded.embedding, pair);
    return choose(winRate >= threshold ? 'strong' : 'weak', 'win-rate', {
      winRate,
      threshold,
      ...(policy.quantiles && { percentile: percentileOf(policy.quantiles, winRate) }),
      scorer: scorer.name,
      embeddingCache: embedded.cache,
    });
  }

  async function embed(text: string): Promise<PromptEmbedding | undefined> {
    try {
      return await getPromptEmbedding(text);
    } catch (error) {
      log('warning', 'embedding-failed', { error: errorKind(error) });
      return undefined;
    }
  }

  function choose(
    tier: 'strong' | 'weak',
    reason: Reason,
    facts: Partial<RoutingDecision> = {},
  ): RoutingDecision {
    const upstream = tier === 'strong' ? strong : weak;
    return { embeddingCache: 'none', ...facts, tier, upstream, reason };
  }

  /** The one tier that `routing.models` leaves, or undefined when it leaves both. */
  function onlyTier(models: readonly string[] | undefined): 'strong' | 'weak' | undefined {
    if (models === undefined) return undefined;
    const unknown = models.find((name) => ![strong, weak].some(isNamed(name)));
    if (unknown !== undefined || models.length === 0) {
      throw new InvalidRequestError(
        `routing.models must name deployments to choose from: ${strong.deployment.name}, ${weak.deployment.name}.`,
        { param: 'routing.models' },
      );
    }
    const [hasStrong, hasWeak] = [strong, weak].map((upstream) =>
      models.some((name) => isNamed(name)(upstream)),
    );
    if (hasStrong && hasWeak) return undefined;
    return hasStrong ? 'strong' : 'weak';
  }

  return {
    route: async ({ text, controls, deployment }) => {
      if (deployment !== undefined) {
        return {
          tier: 'direct',
          upstream: deployment,
          reason: 'deployment',
          embeddingCache: 'none',
        };
      }
      const threshold = readThreshold(controls, policy);
      const tier = onlyTier(controls.models);
      if (tier !== undefined) return choose(tier, 'models', { threshold });
      if (text === undefined) return choose('strong', 'no-text', { threshold });
      return compare(text, threshold);
    },
  };
}

function isNamed(name: string): (upstream: Upstream) => boolean {
  return ({ deployment }) => deployment.name === name;
}
