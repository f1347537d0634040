import { untilAborted } from './deadline.ts';
import { HttpError, InvalidRequestError } from './errors.ts';
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

  async function compare(
    text: string,
    threshold: number,
    signal: AbortSignal,
  ): Promise<RoutingDecision> {
    // Others may wait for the same embedding: the signal ends this wait, not the call.
    const embedded = await attempt('embedding-failed', () =>
      untilAborted(getPromptEmbedding(text), signal),
    );
    if (signal.aborted) throw new DecisionTimeoutError();
    if (embedded === undefined) return choose('strong', 'embedding-unavailable', { threshold });
    const { embedding, cache: embeddingCache } = embedded;
    const winRate = await attempt('scoring-failed', () => scorer.predictWinRate(embedding, pair));
    if (winRate === undefined) {
      return choose('strong', 'scorer-unavailable', { threshold, embeddingCache });
    }
    return choose(winRate >= threshold ? 'strong' : 'weak', 'win-rate', {
      winRate,
      threshold,
      ...(policy.quantiles && { percentile: percentileOf(policy.quantiles, winRate) }),
      scorer: scorer.name,
      embeddingCache,
    });
  }

  /** What cannot be predicted is no reason to fail a request that the strong model can answer. */
  async function attempt<T>(event: string, work: () => Promise<T> | T): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      log('warning', event, { error: errorKind(error) });
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
      const tier = onlyTier(controls.models, strong.deployment.name, weak.deployment.name);
      if (tier !== undefined) return choose(tier, 'models', { threshold });
      if (text === undefined) return choose('strong', 'no-text', { threshold });
      return compare(text, threshold, signal);
    },
  };
}

/** The request's time was over before its prompt was embedded. */
class DecisionTimeoutError extends HttpError {
  constructor() {
    super(
      'The prompt could not be embedded within REQUEST_TIMEOUT_MS. Send the request again, or lower EMBEDDING_TIMEOUT_MS.',
      { status: 504, type: 'server_error', code: 'decision_timeout' },
    );
  }
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
