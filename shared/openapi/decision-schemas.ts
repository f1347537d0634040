import * as z from 'zod';
import { embeddingCacheSchema, reasonSchema, tierSchema } from './answer-schemas.ts';

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

export const decisionListSchema = z.object({
  object: z.enum(['list']),
  data: z.array(
    z.looseObject({
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
    }),
  ),
  has_more: z.boolean(),
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
  prompt_tokens: z.number(),
  completion_tokens: z.number(),
  cached_tokens: z.number(),
  cost: usd.describe('USD, of what has a price.'),
  cost_always_strong: usd.describe('Of as many tokens, with the strongest candidates.'),
  cost_always_weak: usd.describe('The same with the cheapest ones.'),
  savings: z.number().describe('Against always strong, of what can be compared.'),
  savings_share: share,
  cache_hit_rate: share.describe('Of the embeddings.'),
  out_of_distribution_share: share,
  win_rate_histogram: z.array(count).describe('By twentieths.'),
  drift: share.describe(
    "From 0 to 1: the greatest difference between the shares of these prompts and of the calibration's below a win rate.",
  ),
  total_ms: latencies,
  overhead_ms: latencies.describe("The router's own time."),
  quality: z.object({
    outcomes: count.describe('Of answers that did not come from the strong model.'),
    bad: count.optional(),
    strong_would_have_won_at_most: z
      .number()
      .optional()
      .describe("The share of those answers, with 95% confidence (Wilson's bound)."),
  }),
});

export const statsSchema = z.object({
  object: z.enum(['stats']),
  by: z.enum(['use_case', 'deployment', 'hour']),
  data: z.array(sumsSchema),
  total: sumsSchema,
});
