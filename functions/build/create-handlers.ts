import type { RateLimits } from '../../shared/access/rate-limits.ts';
import type { Answer } from '../../shared/base/answer.ts';
import type { Background } from '../../shared/base/background.ts';
import type { Log } from '../../shared/base/log.ts';
import type { Call } from '../../shared/calls/call.ts';
import { createCompleteChat } from '../../shared/chat/complete-chat.ts';
import type { DecideOptions } from '../../shared/chat/decide.ts';
import { createShadow, type Shadow } from '../../shared/chat/shadow.ts';
import { createPassEmbeddings } from '../../shared/handlers/pass-embeddings.ts';
import { createRoutePrompts } from '../../shared/handlers/route-prompts.ts';
import { createFindPolicy } from '../../shared/registry/use-case-policy.ts';
import { createController } from '../../shared/routing/controller.ts';
import type { Config } from '../../shared/settings/config.ts';
import type { Spending } from '../../shared/spending/spending.ts';
import type { Upstream } from '../../shared/upstream/upstream.ts';
import type { CalibrationPart } from './create-calibration.ts';
import type { Kept } from './create-kept.ts';
import type { Registry } from './create-registry.ts';
import type { Scoring } from './create-scoring.ts';
import { SHADOW } from './create-spending.ts';

type Handle = (call: Call) => Promise<Answer>;

export type Handlers = Readonly<Record<'completeChat' | 'passEmbeddings' | 'routePrompts', Handle>>;

export type Parts = {
  readonly config: Config;
  readonly log: Log;
  readonly background: Background;
  readonly countTokens: RateLimits['countTokens'];
  readonly registry: Registry;
  readonly spending: Spending;
  readonly kept: Kept;
  readonly scoring: Scoring;
  readonly calibration: CalibrationPart;
  /** Absent: there is no embedding deployment. */
  readonly embedding: Upstream | undefined;
};

/** Builds the handlers that ask for a decision or an embedding. */
export function createHandlers(parts: Parts): Handlers {
  const { config, embedding, countTokens, log } = parts;
  const decide = createDecide(parts);
  return {
    completeChat: buildCompleteChat(parts, decide),
    passEmbeddings: createPassEmbeddings({
      ...(embedding && { upstream: embedding }),
      maxAnswerBytes: config.limits.maxAnswerBytes,
      countTokens,
      log,
    }),
    routePrompts: buildRoutePrompts(parts, decide),
  };
}

function createDecide(parts: Parts): DecideOptions {
  const { config, log, registry, spending, kept, scoring, calibration } = parts;
  const { scorer, prompts } = scoring;
  const { policy, session } = config;
  return {
    controller: createController({
      scorer,
      findQuantiles: calibration.findQuantiles,
      policy,
      embeddingFailureTier: policy.embeddingFailureTier,
      getPromptEmbedding: prompts.getPromptEmbedding,
      log,
    }),
    getFleet: registry.getFleet,
    findPolicy: createFindPolicy(spending.spentToday, (definition) => {
      if (config.registry.unread === 'settings') return true;
      const isBudgetKnown = definition?.daily_budget === undefined || spending.isRead();
      return registry.isRead() && isBudgetKnown;
    }),
    openConversation: kept.threads.openConversation,
    session,
    maxBodyBytes: config.limits.maxBodyBytes,
  };
}

function buildCompleteChat(parts: Parts, decide: DecideOptions): Handle {
  const { config, log, background, countTokens, registry, spending, kept, calibration } = parts;
  return createCompleteChat({
    decide,
    ask: { ...config.limits, log },
    streams: config.limits,
    settle: {
      countTokens,
      spend: ({ useCase }, usd) => {
        // Use cases without a policy are not counted: callers could make up any number of names.
        if (useCase !== undefined && registry.getFleet().useCases.has(useCase)) {
          spending.add(useCase, usd);
        }
      },
      record: (decision) => {
        kept.decisions.log.record(decision);
        calibration.add(decision);
      },
      background,
      shadow: createShadowIfConfigured(parts),
      isContentKept: config.isContentKept,
      log,
    },
  });
}

function buildRoutePrompts({ config, log, kept, scoring }: Parts, decide: DecideOptions): Handle {
  const { outcomes } = kept.vectorStores;
  const { calibration } = config.scorer;
  return createRoutePrompts({
    decide,
    scorer: scoring.scorer.name,
    log,
    ...(outcomes && { outcomes }),
    ...(calibration && { calibration: calibration.name }),
  });
}

function createShadowIfConfigured(parts: Parts): Shadow | undefined {
  const { config, registry, spending, kept, log } = parts;
  if (config.shadow === undefined) return undefined;
  return createShadow({
    settings: config.shadow,
    getFleet: registry.getFleet,
    budget: {
      spentToday: () =>
        spending.isRead() ? spending.spentToday(SHADOW) : Number.POSITIVE_INFINITY,
      spend: (usd) => spending.add(SHADOW, usd),
    },
    addOutcome: kept.decisions.addOutcome,
    maxAnswerBytes: config.limits.maxAnswerBytes,
    timeoutMs: config.limits.requestTimeoutMs,
    log,
  });
}
