import * as z from 'zod';
import {
  candidateSchema,
  embeddingCacheSchema,
  percentileSchema,
  reasonSchema,
  thresholdFromSchema,
  tierSchema,
} from './answer-schemas.ts';

const seconds = z.int().describe('Seconds since 1970.');
const usd = z.number().min(0);

export const outcomeAnswerSchema = z.object({
  id: z.string().optional(),
  object: z.enum(['outcome']),
  request_id: z.string().optional(),
  created_at: seconds,
  source: z.enum(['user', 'judge', 'system']),
  verdict: z.enum(['good', 'bad', 'tie']).optional(),
  score: z.number().min(0).max(1).optional(),
  comment: z.string().optional(),
  compared_with: z
    .string()
    .optional()
    .describe('The model with whose answer the router compared it.'),
});

const decisionShape = z.looseObject({
  object: z.enum(['decision']),
  request_id: z.string().describe('The id of the request, for `after` and for outcomes.'),
  created_at: seconds.describe('The time of the answer, in seconds since 1970.'),
  caller: z.string().optional(),
  use_case: z.string().optional(),
  thread_id: z.string().optional(),
  deployment: z.string(),
  selected_model: z.string(),
  tier: tierSchema,
  reason: reasonSchema,
  strong_model: z.string().optional().describe('The strongest model that could have answered.'),
  scorer_strong: z
    .string()
    .optional()
    .describe(
      "The scorer's name of the strongest model; `scorer_weak` is that of the cheapest of the others.",
    ),
  scorer_weak: z.string().optional(),
  percentile: percentileSchema.optional(),
  win_rate: z.number().optional(),
  threshold: z.number().optional(),
  threshold_from: thresholdFromSchema.optional(),
  strong_share_foreseen: z
    .number()
    .optional()
    .describe('The share that goes to the strong model at this threshold, by its source.'),
  embedding_cache: embeddingCacheSchema,
  attempts: z.string(),
  stream: z.boolean(),
  status: z.int(),
  prompt_tokens: z.number().optional(),
  completion_tokens: z.number().optional(),
  cost: usd.optional().describe('The cost of the answer, in USD.'),
  cost_strong: usd
    .optional()
    .describe('The cost of as many tokens with the strongest candidate, in USD.'),
  cost_weak: usd
    .optional()
    .describe('The cost of as many tokens with the cheapest candidate, in USD.'),
  overhead_ms: z.number().describe("The router's own time."),
  embedding_ms: z.number().optional(),
  scoring_ms: z.number().optional(),
  upstream_ms: z.number().optional().describe('The time spent waiting for deployments.'),
  first_token_ms: z.number().optional().describe('The time until the first content of a stream.'),
  total_ms: z.number(),
  prompt: z.string().optional().describe('The scored prompt, redacted; kept with `LOG_CONTENT`.'),
  outcomes: z.array(outcomeAnswerSchema),
});

export const decisionListSchema = z.object({
  object: z.enum(['list']),
  data: z.array(decisionShape),
  has_more: z.boolean(),
});

export const decisionSchema = decisionShape.extend({
  candidates: z
    .array(candidateSchema)
    .optional()
    .describe('The deployments that were considered; absent if the request named one.'),
});

const count = z.int().min(0);
const share = z.number().nullable();
const latencies = z.object({
  p50: z.number().nullable(),
  p90: z.number().nullable(),
  p99: z.number().nullable(),
});

const sumsSchema = z.object({
  key: z.string().nullable().describe('The group; null for the sums of all.'),
  skipped_rows: count
    .optional()
    .describe(
      'Only in `total`, and only where there are some: the stored sums that cannot be read, whose requests are missing everywhere.',
    ),
  requests: count,
  errors: count,
  fallbacks: count,
  strong_share: share,
  strong_share_foreseen: z
    .object({ requests: count, strong_share: share, foreseen: share })
    .describe(
      'Of the requests that were compared with a threshold: the share that went to the strong model, and the share that the calibration predicts at their thresholds.',
    ),
  prompt_tokens: z.number(),
  completion_tokens: z.number(),
  cached_tokens: z.number(),
  cost: usd.describe('The cost of the requests that have a price, in USD.'),
  cost_compared: usd.describe(
    'The part of `cost` that can be compared with the two below, in USD.',
  ),
  cost_always_strong: usd.describe(
    'The cost of as many tokens with the strongest candidates, in USD.',
  ),
  cost_always_weak: usd.describe(
    'The cost of as many tokens with the cheapest candidates, in USD.',
  ),
  savings: z.number().describe('`cost_always_strong` less `cost_compared`, in USD.'),
  savings_share: share,
  cache_hit_rate: share.describe('The share of embeddings that came from a cache.'),
  embedding_cache: z
    .object({ hits: count, misses: count, saved_ms: z.number() })
    .describe('`saved_ms` counts the average time of a miss for each hit.'),
  win_rate_histogram: z
    .array(count)
    .describe('The number of win rates in each twentieth from 0 to 1.'),
  compared: z
    .array(
      z.object({
        win_rate: z.number().describe('The lower bound of a hundredth.'),
        requests: count,
        strong: count.describe('The number of them that went to the strong model.'),
        priced: count.describe('The number of them that can be compared in USD.'),
        cost_strong: usd,
        cost_weak: usd,
      }),
    )
    .describe(
      'The requests that were compared with a threshold, by win rate: they show the effect of another threshold.',
    ),
  thresholds: z
    .array(z.object({ threshold: z.number(), requests: count }))
    .describe('The thresholds, the most frequent first.'),
  drift: share.describe(
    "From 0 to 1: the greatest difference between the shares of these prompts and of the calibration's below a win rate.",
  ),
  total_ms: latencies,
  overhead_ms: latencies.describe("The router's own time."),
  embedding_ms: latencies.describe(
    'The time of embedding prompts whose embedding was in no cache.',
  ),
  upstream_ms: latencies.describe('The time spent waiting for deployments.'),
  first_token_ms: latencies.describe('The time until the first content of streams.'),
  quality: z.object({
    outcomes: count.describe('The outcomes of answers that did not come from the strong model.'),
    bad: count.optional(),
    strong_would_have_won_at_least: z.number().optional(),
    strong_would_have_won_at_most: z
      .number()
      .optional()
      .describe("The share of those answers, each with 95% confidence (Wilson's bounds)."),
  }),
});

export const statsSchema = z.object({
  object: z.enum(['stats']),
  by: z.enum(['use_case', 'deployment', 'hour', 'five_minutes']),
  data: z.array(sumsSchema),
  total: sumsSchema,
});
