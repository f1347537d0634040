import { createRateLimits } from '../../shared/access/rate-limits.ts';
import type { Answer } from '../../shared/base/answer.ts';
import type { Background } from '../../shared/base/background.ts';
import type { Log } from '../../shared/base/log.ts';
import type { Call } from '../../shared/calls/call.ts';
import { createCompleteChat } from '../../shared/chat/complete-chat.ts';
import { createShadow, type Shadow } from '../../shared/chat/shadow.ts';
import { createPassEmbeddings } from '../../shared/handlers/pass-embeddings.ts';
import { createRoutePrompts } from '../../shared/handlers/route-prompts.ts';
import { createFindQuantiles } from '../../shared/matrix-factorization/calibrate-models.ts';
import type { HeldOutScores } from '../../shared/matrix-factorization/held-out-scores.ts';
import type { Scorer } from '../../shared/matrix-factorization/scorer.ts';
import { createFindPolicy } from '../../shared/registry/use-case-policy.ts';
import { createController } from '../../shared/routing/controller.ts';
import type { Config } from '../../shared/settings/config.ts';
import type { Spending } from '../../shared/spending/spending.ts';
import type { Upstream } from '../../shared/upstream/upstream.ts';
import type { SimilarOutcomes } from '../../shared/vector-stores/similar-outcomes.ts';
import type { Decisions } from './create-decisions.ts';
import type { Embedding } from './create-embedding.ts';
import { SHADOW } from './create-kept.ts';
import type { Registry } from './create-registry.ts';
import type { Threads } from './create-threads.ts';

type Handle = (call: Call) => Promise<Answer>;

export type Handlers = Readonly<Record<'completeChat' | 'passEmbeddings' | 'routePrompts', Handle>>;

export type Parts = {
  readonly config: Config;
  readonly log: Log;
  readonly registry: Registry;
  readonly spending: Spending;
  readonly prompts: Embedding;
  readonly scorer: Scorer;
  readonly heldOutScores: HeldOutScores | undefined;
  readonly embedding: Upstream | undefined;
  readonly background: Background;
  readonly threads: Threads;
  readonly decisions: Decisions;
  readonly outcomes?: SimilarOutcomes;
};

/** The routes that ask for a decision, each limited by the rates of its caller. */
export function createHandlers(parts: Parts): Handlers {
  const { config, log, registry, spending, scorer, heldOutScores, embedding } = parts;
  const { getFleet } = registry;
  const { calibration } = config.scorer;
  const controller = createController({
    scorer,
    findQuantiles: createFindQuantiles({ calibration, heldOutScores }),
    policy: config.policy,
    outOfDistributionTier: config.policy.outOfDistributionTier,
    embeddingFailureTier: config.policy.embeddingFailureTier,
    getPromptEmbedding: parts.prompts.getPromptEmbedding,
    log,
  });
  const findPolicy = createFindPolicy(spending.spentToday);
  const { admit, countTokens } = createRateLimits(config.rateLimits);
  /** Its calls count against the limits of their caller and their use case. */
  function limited(handle: Handle): Handle {
    return (call) => {
      admit(call);
      return handle(call);
    };
  }
  const { limits } = config;
  const decide = {
    controller,
    getFleet,
    findPolicy,
    openConversation: parts.threads.openConversation,
    session: config.session,
    maxBodyBytes: limits.maxBodyBytes,
  };
  const completeChat = createCompleteChat({
    decide,
    ask: { ...limits, log },
    settle: {
      countTokens,
      spend: ({ useCase }, usd) => {
        // Use cases without a policy are not counted: callers could make up any number of names.
        if (useCase !== undefined && getFleet().useCases.has(useCase)) spending.add(useCase, usd);
      },
      record: parts.decisions.log.record,
      background: parts.background,
      shadow: createShadowIfConfigured(parts),
      isContentKept: config.isContentKept,
      log,
    },
  });
  const passEmbeddings = createPassEmbeddings({
    ...(embedding && { upstream: embedding }),
    ...config.limits,
    countTokens,
    log,
  });
  const routePrompts = createRoutePrompts({
    decide,
    scorer: scorer.name,
    log,
    ...(parts.outcomes && { outcomes: parts.outcomes }),
    ...(calibration && { calibration: calibration.name }),
  });
  return {
    completeChat: limited(completeChat),
    passEmbeddings: limited(passEmbeddings),
    routePrompts: limited(routePrompts),
  };
}

function createShadowIfConfigured(parts: Parts): Shadow | undefined {
  const { config, registry, spending, decisions, log } = parts;
  if (config.shadow === undefined) return undefined;
  return createShadow({
    settings: config.shadow,
    getFleet: registry.getFleet,
    spentToday: () => spending.spentToday(SHADOW),
    spend: (usd) => spending.add(SHADOW, usd),
    addOutcome: decisions.addOutcome,
    maxAnswerBytes: config.limits.maxAnswerBytes,
    timeoutMs: config.limits.requestTimeoutMs,
    log,
  });
}
