import { type Caller, DeploymentNotAllowedError, mayCall } from './caller.ts';
import {
  type Candidate,
  type Candidates,
  type FindObstacle,
  findCandidates,
} from './find-candidates.ts';
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
  /** The models that the request or its caller may have left one deployment. */
  | 'models'
  /** One deployment can serve the request: the others lack what it needs. */
  | 'requirements'
  /** Another deployment answered, because the chosen one could not. */
  | 'fallback'
  /** There was nothing to score, such as images alone. */
  | 'no-text'
  /** The prompt could not be embedded. */
  | 'embedding-unavailable'
  /** The scorer failed. */
  | 'scorer-unavailable';

export type RoutingDecision = Candidate & {
  readonly reason: Reason;
  /** Who may answer in its place, in the order in which they are asked. */
  readonly others: readonly Candidate[];
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

/** What requests that are decided on together share. */
type RouteTerms = {
  readonly controls: Controls;
  /** Ends the wait for the embedding. */
  readonly signal: AbortSignal;
  /** Absent when the router is open to all. */
  readonly caller?: Caller | undefined;
};

export type RouteRequest = RouteTerms & {
  /** The newest human ask, if there is any text. */
  readonly text: string | undefined;
  /** What of the request a deployment cannot serve, in words; undefined when it can serve all. */
  readonly findObstacle: FindObstacle;
  /** The deployment that the request names, to be called without routing. */
  readonly deployment?: Upstream;
};

/** A batch of prompts. */
export type RouteBatch = RouteTerms & {
  readonly texts: readonly string[];
  readonly findObstacle: (text: string) => FindObstacle;
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
  /** Where prompts go that cannot be scored. */
  readonly embeddingFailureTier: 'strong' | 'weak';
  readonly getPromptEmbedding: GetPromptEmbedding;
  readonly log: Log;
};

/** Decides which deployment answers a request: `strong` if its win rate reaches the threshold. */
export function createController(options: ControllerOptions): Controller {
  const { scorer, policy, outOfDistributionTier, embeddingFailureTier } = options;
  const all: readonly Candidate[] = [
    { tier: 'strong', upstream: options.strong },
    { tier: 'weak', upstream: options.weak },
  ];
  const score = createScorePrompts(options);

  function decide(
    scored: ScoredPrompt,
    { candidates }: Candidates,
    controls: Controls,
    threshold: number,
  ): RoutingDecision {
    const { embeddingCache } = scored;
    if ('failure' in scored) {
      const facts = { threshold, embeddingCache };
      return choose(candidates, embeddingFailureTier, scored.failure, facts);
    }
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
      return choose(candidates, outOfDistributionTier, 'out-of-distribution', facts);
    }
    return choose(candidates, winRate >= threshold ? 'strong' : 'weak', 'win-rate', facts);
  }

  return {
    route: async ({ text, deployment, ...request }) => {
      if (deployment !== undefined) return decideDirect(deployment, request.caller);
      const { controls } = request;
      const threshold = readThreshold(controls, policy);
      const choice = await findCandidates(all, request);
      const unscored = decideUnscored(choice, threshold);
      if (unscored !== undefined) return unscored;
      if (text === undefined) return choose(choice.candidates, 'strong', 'no-text', { threshold });
      return decide(await score.one(text, request.signal), choice, controls, threshold);
    },
    routeAll: async ({ texts, ...batch }) => {
      const { controls, signal } = batch;
      const threshold = readThreshold(controls, policy);
      const perText: Candidates[] = [];
      for (const text of texts) {
        const findObstacle = batch.findObstacle(text);
        perText.push(await findCandidates(all, { ...batch, findObstacle }));
      }
      const open = texts.filter((_, index) => perText[index]?.only === undefined);
      const scored = await score.all(open, signal);
      let next = 0;
      return perText.map((choice) => {
        const unscored = decideUnscored(choice, threshold);
        return unscored ?? decide(scored[next++] as ScoredPrompt, choice, controls, threshold);
      });
    },
  };
}

/** What needs no score; undefined when it does. */
function decideUnscored(
  { candidates, only }: Candidates,
  threshold: number,
): RoutingDecision | undefined {
  return only && choose(candidates, 'strong', only, { threshold });
}

/** Takes the tier's candidate, or the one there is; the others stay behind it. */
function choose(
  candidates: readonly Candidate[],
  tier: 'strong' | 'weak',
  reason: Reason,
  facts: Partial<RoutingDecision>,
): RoutingDecision {
  const chosen = candidates.find((one) => one.tier === tier) ?? candidates[0];
  if (chosen === undefined) throw new Error('There is no candidate to choose.');
  const others = candidates.filter((one) => one !== chosen);
  return { embeddingCache: 'none', ...facts, ...chosen, others, reason };
}

/** Called by its name, a deployment answers itself, for what it cannot do as well. */
function decideDirect(upstream: Upstream, caller: Caller | undefined): RoutingDecision {
  if (caller !== undefined && !mayCall(caller, upstream.deployment.name)) {
    throw new DeploymentNotAllowedError(caller, 'model');
  }
  return { tier: 'direct', upstream, reason: 'deployment', others: [], embeddingCache: 'none' };
}
