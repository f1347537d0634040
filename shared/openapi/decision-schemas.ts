import * as z from 'zod';
import {
  candidateSchema,
  embeddingCacheSchema,
  reasonSchema,
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
    .describe('The model whose answer the router has had it compared with.'),
});

const decisionShape = z.looseObject({
  object: z.enum(['decision']),
  request_id: z.string().describe('For `after`, and for outcomes.'),
  created_at: seconds.describe('Of the answer.'),
  caller: z.string().optional(),
  use_case: z.string().optional(),
  thread_id: z.string().optional(),
  deployment: z.string(),
  selected_model: z.string(),
  tier: tierSchema,
  reason: reasonSchema,
  strong_model: z.string().optional().describe('The strongest that could have answered.'),
  scorer_strong: z
    .string()
    .optional()
    .describe("The scorer's name of it, and of the cheapest of the others."),
  scorer_weak: z.string().optional(),
  win_rate: z.number().optional(),
  percentile: z.number().optional(),
  threshold: z.number().optional(),
  strong_share_foreseen: z
    .number()
    .optional()
    .describe("The share of the calibration's prompts that goes to the strong model at it."),
  out_of_distribution: z
    .boolean()
    .optional()
    .describe("True: the prompt is unlike the scorer's training data."),
  embedding_cache: embeddingCacheSchema,
  attempts: z.string(),
  stream: z.boolean(),
  status: z.int(),
  prompt_tokens: z.number().optional(),
  completion_tokens: z.number().optional(),
  cost: usd.optional().describe('USD of the answer.'),
  cost_strong: usd.optional().describe('Of as many tokens, with the strongest candidate.'),
  cost_weak: usd.optional().describe('The same with the cheapest one.'),
  overhead_ms: z.number().describe("The router's own time."),
  embedding_ms: z.number().optional(),
  scoring_ms: z.number().optional(),
  upstream_ms: z.number().optional().describe('Waiting for deployments.'),
  first_token_ms: z.number().optional().describe('Of a stream: until its first content.'),
  total_ms: z.number(),
  prompt: z.string().optional().describe('What was scored, redacted; kept with `LOG_CONTENT`.'),
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
    .describe('The deployments that were looked at; absent when the request named its own.'),
});

const count = z.int().min(0);
const share = z.number().nullable();
const latencies = z.object({
  p50: z.number().nullable(),
  p90: z.number().nullable(),
  p99: z.number().nullable(),
});

const sumsSchema = z.object({
  key: z.string().nullable().describe('Null: of all.'),
  requests: count,
  errors: count,
  fallbacks: count,
  strong_share: share,
  strong_share_foreseen: z
    .object({ requests: count, strong_share: share, foreseen: share })
    .describe(
      'Of those that were compared with a threshold: the share that went to the strong model, and the one that the calibration foresees at their thresholds.',
    ),
  prompt_tokens: z.number(),
  completion_tokens: z.number(),
  cached_tokens: z.number(),
  cost: usd.describe('USD, of what has a price.'),
  cost_compared: usd.describe('Of that, what can be compared with the two below.'),
  cost_always_strong: usd.describe('Of as many tokens, with the strongest candidates.'),
  cost_always_weak: usd.describe('The same with the cheapest ones.'),
  savings: z.number().describe('Against always strong, of what can be compared.'),
  savings_share: share,
  cache_hit_rate: share.describe('Of the embeddings.'),
  embedding_cache: z
    .object({ hits: count, misses: count, saved_ms: z.number() })
    .describe('`saved_ms`: as long as the misses took on average, for each hit.'),
  out_of_distribution_share: share,
  win_rate_histogram: z.array(count).describe('By twentieths.'),
  compared: z
    .array(
      z.object({
        win_rate: z.number().describe('From this one on, for a hundredth.'),
        requests: count,
        strong: count.describe('Of them, that went to the strong model.'),
        priced: count.describe('Of them, that can be compared in USD.'),
        cost_strong: usd,
        cost_weak: usd,
      }),
    )
    .describe('What was compared with a threshold: what another threshold would have done.'),
  thresholds: z
    .array(z.object({ threshold: z.number(), requests: count }))
    .describe('The most frequent first.'),
  drift: share.describe(
    "From 0 to 1: the greatest difference between the shares of these prompts and of the calibration's below a win rate.",
  ),
  total_ms: latencies,
  overhead_ms: latencies.describe("The router's own time."),
  embedding_ms: latencies.describe('Of prompts whose embedding was in no cache.'),
  upstream_ms: latencies.describe('Waiting for deployments.'),
  first_token_ms: latencies.describe('Of streams: until their first content.'),
  quality: z.object({
    outcomes: count.describe('Of answers that did not come from the strong model.'),
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
