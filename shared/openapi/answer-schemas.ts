import * as z from 'zod';
import { ASK_PLACES } from '../asks/find-ask.ts';
import type { PassedOver } from '../routing/find-candidates.ts';
import type { RoutingDecision } from '../routing/routing-decision.ts';
import { priceSchema } from '../spending/price.ts';
import { choice } from './choice.ts';

// The answers of the router. Answers of deployments pass through, so these schemas describe only the fields that
// clients rely on and accept all others.

// Records of all values: a value that is added to the type but not here does not compile.
const tiers: Record<RoutingDecision['tier'], string> = {
  strong: 'the strong model',
  weak: 'the weak model',
  direct: 'the deployment that the request names, without routing',
};

const reasons: Record<RoutingDecision['reason'], string> = {
  'win-rate': 'the win rates were compared with the threshold',
  deployment: 'the request names the deployment',
  models:
    '`routing.models`, or the deployments allowed to the use case or the caller, left one model',
  requirements: 'only one model can serve the request: the others lack something that it needs',
  'price-ceiling': 'only one model costs no more than the use case may spend on a request',
  budget: "the use case's daily budget is spent, so the cheapest of the weak tier answers",
  fallback: 'another deployment answered, because the chosen one could not',
  'no-text': 'there is nothing to score, such as only images',
  'embedding-unavailable': 'the prompt could not be embedded',
  'scorer-unavailable': 'the scorer failed',
  session:
    'the conversation stays with its model: switching costs more than it gains, or is switched off',
  'tool-loop': 'results of tools go to the model that called them',
};

const passedOver: Record<Exclude<PassedOver, 'caller'> | 'failed', string> = {
  paused: 'it is paused',
  'no-scorer-model': 'no model of the scorer represents it',
  models: 'the request names others',
  'use-case': 'the use case may not have it',
  requirements: 'it lacks what the request needs',
  'price-ceiling': 'the request would cost more with it than the use case may spend on one',
  budget: "the use case's daily budget is spent",
  tier: 'no win rates were compared, and the other tier was chosen',
  'win-rate': 'the strongest candidate beats it with a win rate at or above the threshold',
  price: 'a cheaper one is good enough',
  load: 'it was the turn of another deployment of the same model',
  session: 'the conversation stays with the model that it is with',
  failed: 'it was chosen and could not answer',
};

const embeddingCaches: Record<RoutingDecision['embeddingCache'], string> = {
  hit: "the prompt's embedding was in a cache",
  miss: 'the prompt was embedded',
  none: 'nothing was embedded, or the local embedder was used, which needs no cache',
};

export const tierSchema = choice(tiers);
export const reasonSchema = choice(reasons);
export const embeddingCacheSchema = choice(embeddingCaches);
export const winRateSchema = z
  .number()
  .min(0)
  .max(1)
  .describe(
    'The predicted win rate of the strong model over the weak one; with more models, of the strongest over the best of the others. Absent if nothing was scored.',
  );
export const thresholdSchema = z
  .number()
  .min(0)
  .describe(
    'The strong model is chosen at or above it. Slightly above 1 if nothing should go to the strong model.',
  );

export const healthSchema = z.object({ status: z.literal('online') });

/** The router's own errors have all four members; a deployment's may lack some and have others. */
export const errorSchema = z.looseObject({
  error: z.looseObject({
    message: z.string().describe('The error, and how to correct it.'),
    type: z.string().nullish(),
    param: z.string().nullish().describe('The field, header or path parameter that is wrong.'),
    code: z.string().nullish(),
  }),
});

export const percentileSchema = z
  .number()
  .min(0)
  .max(1)
  .describe(
    "The share of prompts with a lower win rate: of the router's recent ones or the calibration's. 0.88: harder than 88% of prompts.",
  );

export const thresholdFromSchema = z
  .string()
  .describe(
    "The source of the threshold: `request`, `use case`, `setting` or `default` for a raw threshold; for a share `shipped`, a calibration, or `own 62%` where the router's own decisions make up 62% of the quantiles.",
  );

export const candidateSchema = z.object({
  deployment: z.string(),
  model: z.string(),
  tier: tierSchema,
  win_rate: winRateSchema.optional(),
  price: priceSchema.optional(),
  estimated_cost: z
    .number()
    .min(0)
    .optional()
    .describe('The estimated cost of this request, in USD.'),
  passed_over: choice(passedOver)
    .nullable()
    .describe('The reason; null for the deployment that answers.'),
  lacks: z.string().optional().describe('The part of the request that it cannot serve.'),
});

export const routingDecisionSchema = z.object({
  object: z.literal('routing.decision'),
  index: z
    .int()
    .optional()
    .describe('The index of the prompt; absent in the answer of a chat completion.'),
  percentile: percentileSchema.optional(),
  win_rate: winRateSchema.optional(),
  strong_better: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe(
      "The probability that the strong model's answer is better, ties not counted, fitted to graded answers; absent for other pairs of models than the scorer's own.",
    ),
  threshold: thresholdSchema.optional(),
  threshold_from: thresholdFromSchema.optional(),
  tier: tierSchema,
  selected_model: z.string(),
  deployment: z.string(),
  reason: reasonSchema,
  cost_to_stay: z
    .number()
    .nullable()
    .optional()
    .describe(
      'In a thread: the cost of this request in USD if it stays with its model, whose prompt is cached; null where it counts as the most expensive.',
    ),
  cost_to_switch: z
    .number()
    .nullable()
    .optional()
    .describe(
      'In a thread: the cost of this request in USD with the cheaper model that is good enough, where nothing is cached.',
    ),
  similar: z
    .array(
      z.object({
        id: z.string(),
        score: z.number().describe('The cosine of the two prompts.'),
        outcome: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
      }),
    )
    .optional()
    .describe(
      'The recorded outcomes of similar prompts, the nearest first: with `explain`, if there are any.',
    ),
  scored: z
    .object({
      characters: z.int().describe('The length of the scored text, which is never shown here.'),
      found_in: z.enum(ASK_PLACES),
      material: z
        .array(
          z.object({
            kind: z.enum(['code', 'data', 'text']),
            language: z.string().optional().describe('As its fence names it.'),
            characters: z.int(),
          }),
        )
        .describe('What stood around the ask and was not scored.'),
    })
    .optional()
    .describe('Where the scored ask was found: with `explain`, unless there is no text.'),
  candidates: z
    .array(candidateSchema)
    .optional()
    .describe('All deployments that the caller may have, the strongest first: with `explain`.'),
});

export const routingDecisionsSchema = z.object({
  object: z.literal('list'),
  scorer: z.string().describe('`id@version`.'),
  calibration: z.string().optional().describe('`id@version`; absent when there is none.'),
  data: z.array(routingDecisionSchema).describe('In the order of the prompts.'),
});

const usageSchema = z.looseObject({
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  total_tokens: z.int(),
});

const modelSelectionDetailsSchema = z
  .object({
    model_router_details: z.object({
      mode: z.string().optional().describe('The mode that the request asked for.'),
      routing_trace: z.array(
        z.object({
          latency_ms: z.int().describe('The time of the decision, in milliseconds.'),
          attempts: z.array(
            z.object({
              model: z.string(),
              result: z.object({
                status: z.int(),
                error: z.object({ code: z.string(), message: z.string() }).optional(),
              }),
            }),
          ),
        }),
      ),
    }),
    session_affinity: z
      .object({ mode: z.string(), decision: z.enum(['initialize', 'retain', 'switch']) })
      .optional()
      .describe('Present in a thread.'),
  })
  .describe(
    "The attempts in the shape of Microsoft Foundry's model router, with `routing.explain` or its header `Foundry-Features: ModelRouterControls=V1Preview`.",
  );

export const chatCompletionSchema = z.looseObject({
  id: z.string(),
  object: z.literal('chat.completion'),
  created: z.int().describe('Seconds since 1970.'),
  model: z.string(),
  choices: z.array(
    z.looseObject({
      index: z.int(),
      message: z.looseObject({ role: z.string(), content: z.string().nullish() }),
      finish_reason: z.string().nullish(),
    }),
  ),
  usage: usageSchema.optional(),
  response: z.string().nullable().describe("The first choice's text; null when it has none."),
  selected_model: z.string().describe('The model that answered.'),
  routing: routingDecisionSchema.optional(),
  model_selection_details: modelSelectionDetailsSchema.optional(),
});

export const chatCompletionChunkSchema = z
  .looseObject({
    id: z.string(),
    object: z.string(),
    created: z.int(),
    model: z.string(),
    choices: z.array(
      z.looseObject({
        index: z.int(),
        delta: z.looseObject({}),
        finish_reason: z.string().nullish(),
      }),
    ),
    usage: usageSchema.nullish(),
  })
  .describe(
    'The data of one event, as the deployment sent it. The last event is `[DONE]`; a stream that breaks ends with an event of the schema Error instead.',
  );

export const embeddingsListSchema = z.looseObject({
  object: z.literal('list'),
  model: z.string(),
  data: z.array(
    z.looseObject({
      object: z.literal('embedding'),
      index: z.int(),
      embedding: z.union([z.array(z.number()), z.string()]),
    }),
  ),
  usage: z.looseObject({ prompt_tokens: z.int(), total_tokens: z.int() }).optional(),
});

export const modelSchema = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.int(),
  owned_by: z.string(),
});

export const modelListSchema = z.object({
  object: z.literal('list'),
  data: z.array(modelSchema),
});

export const documentSchema = z
  .looseObject({ openapi: z.string(), paths: z.looseObject({}) })
  .describe('This document.');
